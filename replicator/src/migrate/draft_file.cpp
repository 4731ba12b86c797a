#include "migrate/draft_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "errors/error.hpp"
#include "migrate/migration_file.hpp"

namespace walgate::migrate {

namespace {

constexpr int highest_number = 9999;

[[noreturn]] void throw_not_written(std::string message, std::string remedy = {}) {
  throw Error{Failure{.name = ErrorName::draft_not_written,
                      .message = std::move(message),
                      .remedy = std::move(remedy),
                      .phase = "migrate"}};
}

/// Closes what it is given.
class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_{number} {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_;
};

/// False: errno says why.
bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(descriptor) == 0 || errno == EINVAL;  // which a file system says that has nothing to flush
}

}  // namespace

bool is_draft_name(const std::string& name) noexcept {
  return number_of("0001_" + name) == 1;
}

std::string write_draft(const std::string& directory, int last, const std::string& name, const std::string& sql) {
  for (int number = last + 1; number <= highest_number; ++number) {
    const auto path = (std::filesystem::path{directory} / fmt::format("{:04}_{}.sql", number, name)).string();
    const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
    if (file.number() < 0) {
      if (errno == EEXIST) continue;
      throw_not_written(fmt::format("could not create {}: {}", path, std::generic_category().message(errno)));
    }
    if (!write_all(file.number(), sql)) {
      const auto reason = std::generic_category().message(errno);
      ::unlink(path.c_str());  // ours, and only a part
      throw_not_written(fmt::format("could not write {}: {}", path, reason));
    }
    return path;
  }
  throw_not_written(fmt::format("\"{}\" has no number left: {:04} is taken", directory, highest_number),
                    "renumber the migrations of a new pipeline, or use `walgate migrate draft --stdout`");
}

}  // namespace walgate::migrate

#include "migrate/directory.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include "errors/error.hpp"

namespace walgate::migrate {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_file_bytes = 64UL * 1024 * 1024;
constexpr std::string_view extension = ".sql";

/// Would somebody who puts this into the folder expect it to be run?
bool looks_like_migration(const std::string& name) {
  if (name.starts_with('.')) return false;
  if (name.front() >= '0' && name.front() <= '9') return true;
  if (name.size() < extension.size()) return false;
  auto end = name.substr(name.size() - extension.size());
  std::ranges::transform(end, end.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return end == extension;
}

/// The bytes of a file; nullopt and a reason when it cannot be had.
std::optional<std::string> read_file(const fs::path& path, std::string& reason) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {  // follows a link
    reason = fs::is_symlink(path, error) && !fs::exists(path, error) ? "the link leads nowhere" : "this is not a file";
    return std::nullopt;
  }
  const auto size = fs::file_size(path, error);
  if (!error && size > largest_file_bytes) {
    reason = "the file is larger than 64 MB";
    return std::nullopt;
  }
  errno = 0;
  std::ifstream in{path, std::ios::binary};
  std::string text(error ? 0 : size, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in) {
    reason = fmt::format("could not read the file: {}", std::generic_category().message(errno));
    return std::nullopt;
  }
  return text;
}

[[noreturn]] void throw_unreadable(const std::string& directory, const std::string& why) {
  throw Error{Failure{.name = ErrorName::configuration_invalid,
                      .message = fmt::format("migrations.directory \"{}\": {}", directory, why),
                      .remedy = "create the folder, or correct migrations.directory in the configuration",
                      .phase = "migrate"}};
}

[[noreturn]] void throw_mistakes(const std::string& directory, const std::vector<std::string>& mistakes) {
  Failure failure{.name = ErrorName::migration_file_invalid, .message = mistakes.front(), .phase = "migrate"};
  if (mistakes.size() > 1) {
    failure.message = fmt::format("{} mistakes in the migrations of \"{}\"", mistakes.size(), directory);
    failure.detail = fmt::format("{}", fmt::join(mistakes, "\n  "));
  }
  throw Error{std::move(failure)};
}

}  // namespace

std::vector<MigrationFile> read_directory(const std::string& directory) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator entry{directory, error}; !error && entry != fs::directory_iterator{};
       entry.increment(error)) {
    if (looks_like_migration(entry->path().filename().string())) paths.push_back(entry->path());
  }
  if (error) throw_unreadable(directory, error.message());
  std::ranges::sort(paths);

  std::vector<MigrationFile> files;
  std::vector<std::string> mistakes;
  for (const auto& path : paths) {
    const auto name = path.filename().string();
    if (path.extension() != extension || number_of(path.stem().string()) == 0) {
      mistakes.push_back(
          fmt::format("{}: the name has to be four digits, not 0000, then \"_\", small letters, digits and \"_\", then "
                      "\".sql\", such "
                      "as 0007_priority.sql",
                      path.string()));
      continue;
    }
    std::string reason;
    auto text = read_file(path, reason);
    if (!text) {
      mistakes.push_back(fmt::format("{}: {}", path.string(), reason));
      continue;
    }
    files.push_back(parse_migration(path.stem().string(), path.string(), std::move(*text), mistakes));
    if (files.size() > 1 && files[files.size() - 2].number == files.back().number) {
      mistakes.push_back(fmt::format("{}: {} has the same number", path.string(), files[files.size() - 2].path));
    }
  }
  if (!mistakes.empty()) throw_mistakes(directory, mistakes);
  return files;
}

}  // namespace walgate::migrate

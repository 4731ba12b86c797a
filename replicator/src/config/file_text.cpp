// file_text.cpp - see the header.

#include "config/file_text.hpp"

#include <spdlog/fmt/fmt.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace walgate::config {

std::optional<std::string> file_text(const std::string& file, std::size_t most, std::string_view limit,
                                     std::string& mistake) {
  const auto failed = [&](std::string_view what, int error) {
    mistake = fmt::format("{}: {}", what, std::generic_category().message(error));
    return std::nullopt;
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    mistake = "it is a directory, not a file";
    return std::nullopt;
  }
  errno = 0;
  std::ifstream in{file, std::ios::binary};
  if (!in) return failed("could not open the file", errno);
  // A pipe is welcome, an endless one is not.
  std::string text(most + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return failed("could not read the file", errno);
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > most) {
    mistake = fmt::format("the file is larger than {}", limit);
    return std::nullopt;
  }
  return text;
}

}  // namespace walgate::config

// draft_file.hpp - writes a draft into the folder of the migration files.
#pragma once

#include <string>

namespace walgate::migrate {

/// Creates NNNN_NAME.sql, with the number after `last`, or with a higher one where that file has come to be meanwhile;
/// never writes into a file that is there.  Returns its path.  Throws Error draft_not_written.
[[nodiscard]] std::string write_draft(const std::string& directory, int last, const std::string& name,
                                      const std::string& sql);

/// May a migration be called so?
[[nodiscard]] bool is_draft_name(const std::string& name) noexcept;

}  // namespace walgate::migrate

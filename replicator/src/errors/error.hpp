// error.hpp - the one exception of the service, and what its catcher may do next.
//
// A failure has a stable name (names.hpp), a sentence, the place where it happened and a remedy.  Texts
// hold names of relations and columns, never values.  Only the run loop catches to recover.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "errors/names.hpp"
#include "wire/lsn.hpp"

namespace walgate {

/// What helps: trying again, or only a person.
enum class Recovery { retry, stop };

/// Everything that is known about a failure; the fields of `error` in `status --json`.
struct Failure {
  ErrorName name;
  Recovery recovery = Recovery::stop;
  std::string message{};     ///< lower case, no full stop, as PostgreSQL writes
  std::string detail{};      ///< names, never values; may be empty
  std::string remedy{};      ///< what to do; may be empty, then the name's own remedy holds
  std::string phase{};       ///< "connect", "check", "receive", "apply" …
  std::string relation{};    ///< qualified source relation; may be empty
  std::string sqlstate{};    ///< five characters; may be empty
  std::optional<Lsn> lsn{};  ///< final_lsn of the transaction, the value that `skip` takes
  std::optional<std::uint32_t> xid{};
};

/// The failure's own remedy, else that of its name.
[[nodiscard]] inline std::string remedy_of(const Failure& failure) {
  return failure.remedy.empty() ? std::string{entry_of(failure.name).remedy} : failure.remedy;
}

/// A failure on its way to the run loop.
class Error : public std::runtime_error {
 public:
  explicit Error(Failure failure) : std::runtime_error(failure.message), failure_(std::move(failure)) {}
  [[nodiscard]] const Failure& failure() const noexcept { return failure_; }
  /// For the frame that knows more about the place: fill in what is missing, then `throw;`.
  [[nodiscard]] Failure& failure() noexcept { return failure_; }

 private:
  Failure failure_;
};

}  // namespace walgate

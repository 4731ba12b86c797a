#include "copy/reader.hpp"

#include <fmt/format.h>

#include "catalog/identifier.hpp"

namespace walgate::copy {

namespace {

constexpr std::string_view lock_not_available = "55P03";

}  // namespace

bool Reader::enter(const TakenSnapshot& snapshot) {
  source_.exec(fmt::format("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}",
                           quote_literal(snapshot.id)));
  // Whoever waits for the snapshot's holder would be waited for by a reader that comes to the table later, which the
  // holder waits for outside of the server: no deadlock would be found.
  try {
    source_.exec(encoding_.from_utf8(snapshot.lock + " NOWAIT"));
    return true;
  } catch (const Error& error) {
    if (error.failure().sqlstate != lock_not_available) throw;
    return false;
  }
}

}  // namespace walgate::copy

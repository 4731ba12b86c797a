// libpq.hpp - libpq's handles in owners that release them.
#pragma once

#include <libpq-fe.h>

#include <memory>

namespace walgate::postgres {

/// Calls the library's own release function.
template <auto Release>
struct Releaser {
  void operator()(auto* handle) const noexcept { Release(handle); }
};

using Result = std::unique_ptr<PGresult, Releaser<PQclear>>;
/// Memory that libpq handed out: one CopyData message, an error text.
using Memory = std::unique_ptr<char, Releaser<PQfreemem>>;

}  // namespace walgate::postgres

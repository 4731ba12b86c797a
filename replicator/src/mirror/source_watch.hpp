// source_watch.hpp - what the mirror looks at on the source now and then: the published tables, and the WAL that a slot
// keeps.
//
// Its session is opened when it is needed and kept.  A source that does not answer is no failure of the mirror, which
// may be fed all the same: the next look opens another session.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "catalog/table_ledger.hpp"
#include "config/config.hpp"
#include "postgres/connection.hpp"

namespace walgate::mirror {

/// The published tables that have a topic.
struct MirroredTables {
  PublishedTables tables;
  Lsn until;  ///< the source had not come further when they were read
};

struct RetainedWal {
  Lsn source;                                                      ///< where the source's WAL ends
  std::optional<std::uint64_t> bytes;                              ///< nullopt: there is no such slot
  std::uint64_t room = std::numeric_limits<std::uint64_t>::max();  ///< so much more may be kept before it is lost
};

class SourceWatch {
 public:
  SourceWatch(const Config& config, const Event* stop) : config_{config}, stop_{stop} {}

  // Each throws Error, and has closed the session then.

  [[nodiscard]] MirroredTables tables();
  [[nodiscard]] RetainedWal retained(const std::string& slot);
  /// Runs something on the session.
  template <typename Work>
  auto with_session(Work work) {
    try {
      return work(session());
    } catch (const Error&) {
      session_.reset();
      throw;
    }
  }

 private:
  postgres::Connection& session();

  const Config& config_;
  const Event* stop_;
  std::optional<postgres::Connection> session_;
};

}  // namespace walgate::mirror

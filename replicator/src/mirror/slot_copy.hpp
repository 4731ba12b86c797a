// slot_copy.hpp - the copy of the pipeline's slot that keeps the WAL for a mirror which is behind.
#pragma once

#include <optional>
#include <string>

#include "config/config.hpp"
#include "postgres/connection.hpp"

namespace walgate::mirror {

class SlotCopy {
 public:
  explicit SlotCopy(const Config& config);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  // Each on a session of the source.  Throws Error.

  /// Copies the pipeline's slot, as it is now; does nothing where the copy is there.
  void make(postgres::Connection& source) const;
  /// True when it is gone: one that is still read cannot be dropped.
  [[nodiscard]] bool drop(postgres::Connection& source) const;
  /// Where it stands; nullopt when it is not there.
  [[nodiscard]] std::optional<Lsn> confirmed(postgres::Connection& source) const;
  /// Why it does not hold everything after `position`; nullopt when it does.
  [[nodiscard]] std::optional<std::string> fault(postgres::Connection& source, Lsn position) const;

 private:
  const Config& config_;
  const std::string name_;
};

}  // namespace walgate::mirror

// publication_watch.hpp - notices which tables join, leave or are created again while the service runs.
//
// The stream is silent about tables that it no longer brings, and so would be everybody who reads it.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "catalog/identifier.hpp"
#include "config/config.hpp"
#include "errors/names.hpp"
#include "observe/status.hpp"

namespace walgate::service {

/// Published tables and their OIDs.
using PublishedTables = std::map<QualifiedName, std::uint32_t>;

class PublicationWatch {
 public:
  /// A table that joined, left, or has another OID than before.
  struct Change {
    ErrorName name;
    QualifiedName table;
  };
  /// What differs from the last look; the first look finds nothing.
  [[nodiscard]] std::vector<Change> look(const PublishedTables& now);
  /// The tables of `status`, those that left included.
  [[nodiscard]] std::vector<TableStatus> tables(const Config& config) const;

 private:
  struct Known {
    std::uint32_t oid = 0;
    std::string_view state;
  };
  bool looked_ = false;
  std::map<QualifiedName, Known> known_;
};

}  // namespace walgate::service

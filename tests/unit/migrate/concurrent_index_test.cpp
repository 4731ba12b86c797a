// concurrent_index_test.cpp - which index a statement builds concurrently.

#include "migrate/concurrent_index.hpp"

#include <gtest/gtest.h>

namespace walgate::migrate {
namespace {

std::string index_of(std::string_view sql) {
  const auto index = concurrent_index_of(read_script(sql).statements.at(0));
  if (!index) return "none";
  return index->index + " on " + index->table + (index->if_not_exists ? " if not exists" : "");
}

TEST(ConcurrentIndex, IsToldByNameAndTable) {
  EXPECT_EQ(index_of("CREATE INDEX CONCURRENTLY a ON t (b)"), "a on t");
  EXPECT_EQ(index_of("create unique index concurrently if not exists A on only S.T using gist (b)"),
            "a on s.t if not exists");
  EXPECT_EQ(index_of("CREATE INDEX CONCURRENTLY \"A\"\"b\" ON \"S\".\"T\" (b)"), "\"A\"\"b\" on \"S\".\"T\"");
}

TEST(ConcurrentIndex, IsNoneInOtherStatements) {
  EXPECT_EQ(index_of("CREATE INDEX a ON t (b)"), "none");
  EXPECT_EQ(index_of("DROP INDEX CONCURRENTLY a"), "none");
  EXPECT_EQ(index_of("REINDEX INDEX CONCURRENTLY a"), "none");
  EXPECT_EQ(index_of("CREATE INDEX CONCURRENTLY ON t (b)"), "none");
  EXPECT_EQ(index_of("CREATE INDEX CONCURRENTLY"), "none");
}

}  // namespace
}  // namespace walgate::migrate

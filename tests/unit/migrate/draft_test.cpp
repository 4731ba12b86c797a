#include "migrate/draft.hpp"

#include <gtest/gtest.h>

#include "compare/description_builder.hpp"
#include "migrate/migration_file.hpp"

namespace walgate::migrate {
namespace {

using namespace compare::test;

/// sales.item and store.part, with what the draft has to know beside them.
struct Case : Sides {
  DraftCatalog catalog{.types = {}, .extension_types = {}, .schemas = {"sales", "store", "public"}};
  TargetTypes types;
  std::vector<Difference> differences;
  std::optional<TableShape> seen;
  std::vector<Difference> changes;
  std::optional<QualifiedName> former;
  std::string grantee;
  bool is_there = true;

  Case() {
    both("id", integer, true);
    source.indexes = target.indexes = {primary({"id"})};
  }
  compare::ColumnDescription& only_source(const std::string& name, const compare::ColumnType& of) {
    source.columns.push_back(column(name, of));
    differences.push_back({ErrorName::target_column_missing, "sales.item." + display_identifier(name),
                           "the target table store.part has no column " + display_identifier(name), "add it"});
    return source.columns.back();
  }
  void lacks_table() {
    is_there = false;
    differences = {{ErrorName::target_table_missing, "sales.item", "the target has no table store.part", "create it"}};
  }
  [[nodiscard]] Draft draft() const {
    const auto streamed = relation();
    const TableMapping mapping{target.name, &rule};
    DraftTable table{.relation = streamed, .mapping = mapping, .source = source};
    if (is_there) table.target = &target;
    table.differences = differences;
    if (is_there) table.observations = observations();
    if (seen) table.seen = &*seen;
    table.changes = changes;
    table.former = former;
    auto made =
        make_draft({.pipeline = "orders", .tables = {table}, .catalog = catalog, .types = types, .grantee = grantee});
    if (!made.sql.empty()) {
      std::vector<std::string> mistakes;
      const auto file = parse_migration("0001_draft", "draft", made.sql, mistakes);
      EXPECT_TRUE(mistakes.empty()) << mistakes.front() << '\n' << made.sql;
      EXPECT_EQ(file.statements.size(), std::max<std::size_t>(made.statements, 1)) << made.sql;
    }
    return made;
  }
  /// The statements that run, and "? " those that are asked for, without the comments around them.
  [[nodiscard]] std::string sql() const {
    const auto made = draft();
    std::string lines;
    bool in_statement = false;
    for (std::size_t at = 0; at < made.sql.size();) {
      const auto end = made.sql.find('\n', at);
      const auto line = made.sql.substr(at, end - at);
      at = end + 1;
      const auto is_sql = [](std::string_view text) {
        return text.starts_with("ALTER ") || text.starts_with("CREATE ") || text.starts_with("GRANT ") ||
               text.starts_with("UPDATE ") || text.starts_with("SELECT ");
      };
      if (line.starts_with("-- ") && is_sql(line.substr(3)) && line.ends_with(';'))
        lines += "? " + line.substr(3) + '\n';
      if (is_sql(line)) in_statement = true;
      if (in_statement) lines += line + '\n';
      if (line.ends_with(';')) in_statement = false;
    }
    return lines;
  }
};

TEST(Draft, OfTablesThatFitIsEmpty) {
  const Case equal;
  EXPECT_EQ(equal.draft().sql, "");
  Case loose;
  loose.both("name", text).refuses_null = true;  // a warning, and nothing is missing
  EXPECT_EQ(loose.draft().sql, "");
  EXPECT_EQ(loose.draft().statements, 0U);
}

TEST(Draft, CreatesATableThatIsMissing) {
  Case missing;
  missing.rule.columns = {{"name", "a title"}, {"draft", std::nullopt}};
  missing.source.columns.push_back(column("name", varchar(20), true));
  missing.source.columns.back().default_value = "'it''s'::character varying";
  missing.source.columns.push_back(column("draft", text));
  missing.source.columns.push_back(column("at", type("timestamp with time zone", 1184)));
  missing.source.columns.back().default_value = "now()";
  missing.source.columns.push_back(column("twice", integer));
  missing.source.columns.back().generated = 's';
  missing.lacks_table();
  EXPECT_EQ(missing.sql(),
            "CREATE TABLE store.part (\n"
            "  id integer NOT NULL,\n"
            "  \"a title\" character varying(20) DEFAULT 'it''s' NOT NULL,\n"
            "  at timestamp with time zone,\n"
            "  PRIMARY KEY (id)\n"
            ");\n");
  EXPECT_EQ(missing.draft().statements, 1U);
  missing.grantee = "The Service";
  EXPECT_NE(missing.sql().find("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON store.part TO \"The Service\";"),
            std::string::npos);
}

TEST(Draft, ATableOfAnotherIdentityHasItsKeyToo) {
  Case missing;
  missing.source.columns.push_back(column("code", text, true));
  missing.source.indexes = {primary({"code"})};  // what the stream calls the key
  missing.lacks_table();
  EXPECT_NE(missing.sql().find("PRIMARY KEY (code)"), std::string::npos);
  missing.source.indexes.clear();
  EXPECT_EQ(missing.sql().find("KEY"), std::string::npos);
}

TEST(Draft, LeavesSchemasToPeople) {
  Case missing;
  missing.lacks_table();
  missing.catalog.schemas.clear();
  EXPECT_EQ(missing.sql().substr(0, 24), "? CREATE SCHEMA store;\nC");
}

TEST(Draft, ATableWithANewNameIsAQuestion) {
  Case renamed;
  renamed.lacks_table();
  renamed.former = QualifiedName{"old", "parts"};
  EXPECT_EQ(renamed.sql(),
            "SELECT decide_on_the_comments_of_this_draft();\n"
            "? ALTER TABLE old.parts SET SCHEMA store;\n"
            "? ALTER TABLE store.parts RENAME TO part;\n"
            "? CREATE TABLE store.part (id integer NOT NULL, PRIMARY KEY (id));\n");
  EXPECT_EQ(renamed.draft().statements, 0U);
  EXPECT_EQ(renamed.draft().questions, 1U);
}

TEST(Draft, AddsColumnsWithTheValueThatOlderRowsOfTheSourceHold) {
  Case lacking;
  lacking.only_source("plain", text);
  auto& level = lacking.only_source("level", integer);
  level.default_value = "7";
  level.missing = "7";
  auto& at = lacking.only_source("at", type("timestamp with time zone", 1184));
  at.default_value = "now()";
  at.missing = "2026-01-01 00:00:00+00";
  auto& flag = lacking.only_source("flag", type("boolean", 16));
  flag.default_value = "false";
  flag.missing = "t";
  EXPECT_EQ(lacking.sql(),
            "ALTER TABLE store.part ADD COLUMN plain text;\n"
            "ALTER TABLE store.part ADD COLUMN level integer DEFAULT 7;\n"
            "ALTER TABLE store.part ADD COLUMN at timestamp with time zone DEFAULT '2026-01-01 00:00:00+00';\n"
            "ALTER TABLE store.part ALTER COLUMN at DROP DEFAULT;\n"
            "ALTER TABLE store.part ADD COLUMN flag boolean DEFAULT true;\n"
            "ALTER TABLE store.part ALTER COLUMN flag SET DEFAULT false;\n");
}

TEST(Draft, ADefaultThatOlderRowsNeedNotHoldFillsNothing) {
  Case lacking;
  lacking.only_source("level", integer).default_value = "7";
  EXPECT_EQ(lacking.sql(),
            "ALTER TABLE store.part ADD COLUMN level integer;\n"
            "ALTER TABLE store.part ALTER COLUMN level SET DEFAULT 7;\n");
  lacking.source.columns.back().not_null = lacking.source.columns.back().refuses_null = true;
  EXPECT_EQ(lacking.sql(),
            "ALTER TABLE store.part ADD COLUMN level integer DEFAULT 7;\n"
            "? ALTER TABLE store.part ALTER COLUMN level SET NOT NULL;\n");
}

TEST(Draft, AsksWhetherAColumnWasRenamed) {
  Case renamed;
  renamed.only_source("title", text);
  renamed.target.columns.push_back(column("name", text));
  renamed.target.columns.push_back(column("number", integer));
  EXPECT_EQ(renamed.sql(),
            "SELECT decide_on_the_comments_of_this_draft();\n"
            "? ALTER TABLE store.part RENAME COLUMN name TO title;\n"
            "? ALTER TABLE store.part ADD COLUMN title text;\n"
            "? ALTER TABLE store.part DROP COLUMN number;\n");
  EXPECT_EQ(renamed.draft().questions, 1U);
  // What runs beside it needs no guard.
  renamed.only_source("more", bigint);
  EXPECT_NE(renamed.sql().find("\nALTER TABLE store.part ADD COLUMN more bigint;\n"), std::string::npos);
  EXPECT_EQ(renamed.sql().find("SELECT"), std::string::npos);
}

TEST(Draft, KnowsByNumbersWhichColumnsWereRenamed) {
  Case renamed;
  renamed.only_source("title", varchar(5));
  renamed.target.columns.push_back(column("name", varchar(5)));
  renamed.target.columns.push_back(column("idle", varchar(5)));
  renamed.seen =
      TableShape{.target_oid = 1, .columns = {{.number = 2, .name = "name", .target = "name", .target_number = 2}}};
  EXPECT_NE(renamed.sql().find("? ALTER TABLE store.part RENAME COLUMN name TO title;\n"), std::string::npos);
  EXPECT_EQ(renamed.sql().find("RENAME COLUMN idle"), std::string::npos);
  EXPECT_EQ(renamed.sql().find("ADD COLUMN"), std::string::npos) << "it would not hold the values";
  // The one that filled it has gone: a new name, or something else.
  renamed.seen->columns[0].number = 9;
  EXPECT_NE(renamed.sql().find("? ALTER TABLE store.part RENAME COLUMN name TO title;\n"), std::string::npos);
  EXPECT_NE(renamed.sql().find("? ALTER TABLE store.part ADD COLUMN title character varying(5);\n"), std::string::npos);
  // Nothing has ever filled those: the column is new, and they are the target's own.
  renamed.seen->columns.clear();
  EXPECT_EQ(renamed.sql(), "ALTER TABLE store.part ADD COLUMN title character varying(5);\n");
}

TEST(Draft, NeverDropsAColumnByItself) {
  Case dropped;
  dropped.target.columns.push_back(column("name", text));
  dropped.seen =
      TableShape{.target_oid = 1, .columns = {{.number = 2, .name = "name", .target = "name", .target_number = 2}}};
  dropped.changes = {
      {ErrorName::column_dropped, "sales.item.name", "the source publishes the column no more", "drop it"}};
  EXPECT_EQ(dropped.sql(),
            "SELECT decide_on_the_comments_of_this_draft();\n"
            "? ALTER TABLE store.part DROP COLUMN name;\n");
}

TEST(Draft, AColumnThatWasDroppedAndAddedAgainIsAQuestion) {
  Case again;
  again.both("name", text);
  again.seen =
      TableShape{.target_oid = 1, .columns = {{.number = 9, .name = "name", .target = "name", .target_number = 2}}};
  again.changes = {{ErrorName::column_recreated, "sales.item.name", "dropped and added again", "the same here"}};
  EXPECT_EQ(again.sql().substr(again.sql().find('?')),
            "? ALTER TABLE store.part DROP COLUMN name;\n"
            "? ALTER TABLE store.part ADD COLUMN name text;\n");
}

TEST(Draft, RequiredColumnsThatNothingFillsLoseTheirNotNull) {
  Case required;
  required.target.columns.push_back(column("must", text, true));
  required.differences = {
      {ErrorName::required_column_unfilled, "store.part.must", "nothing fills it", "give it a default"}};
  EXPECT_EQ(required.sql(),
            "ALTER TABLE store.part ALTER COLUMN must DROP NOT NULL;\n"
            "? ALTER TABLE store.part DROP COLUMN must;\n");
  required.only_source("musts", text);
  EXPECT_EQ(required.sql().find("DROP"), std::string::npos) << "it may be the column of before";
}

TEST(Draft, ChangesTypesThatDoNotFitWhereTheServerConvertsByItself) {
  Case misfit;
  misfit.both("n", text).type = integer;
  misfit.differences = {{ErrorName::incompatible_type, "store.part.n", "text cannot be stored", "change the type"}};
  EXPECT_EQ(misfit.sql(), "ALTER TABLE store.part ALTER COLUMN n TYPE text;\n");
  misfit.source.columns.back().type = type("uuid", 2950);
  misfit.target.columns.back().type = type("bytea", 17);
  EXPECT_EQ(misfit.sql().substr(misfit.sql().find('?')),
            "? ALTER TABLE store.part ALTER COLUMN n TYPE uuid USING …;\n");
  misfit.target.columns.back().generated = 's';
  EXPECT_EQ(misfit.sql().substr(misfit.sql().find('?')), "? ALTER TABLE store.part ALTER COLUMN n DROP EXPRESSION;\n");
}

TEST(Draft, MakesKeysAlsoOfColumnsThatAreOnlyBeingAdded) {
  Case keyless;
  keyless.target.indexes.clear();
  EXPECT_EQ(keyless.sql(), "CREATE UNIQUE INDEX ON store.part (id);\n");
  keyless.only_source("region", integer);
  keyless.source.indexes = {primary({"region", "id"})};
  keyless.target.indexes = {};
  EXPECT_EQ(keyless.sql(),
            "ALTER TABLE store.part ADD COLUMN region integer;\n"
            "CREATE UNIQUE INDEX ON store.part (id, region);\n");
}

TEST(Draft, MakesEnumsAndTheirLabelsOnce) {
  Case lacking;
  lacking.only_source("mood", enumeration("mood", {"new", "it's"}));
  lacking.only_source("moods", array_of(enumeration("mood", {"new", "it's"})));
  EXPECT_EQ(lacking.sql(),
            "CREATE TYPE sales.mood AS ENUM ('new', 'it''s');\n"
            "ALTER TABLE store.part ADD COLUMN mood sales.mood;\n"
            "ALTER TABLE store.part ADD COLUMN moods sales.mood[];\n");
  lacking.catalog.types[{"sales", "mood"}] = {"new"};
  lacking.both("other", enumeration("mood", {"new", "it's"})).type.labels = {"new"};
  EXPECT_EQ(lacking.sql(),
            "ALTER TYPE sales.mood ADD VALUE IF NOT EXISTS 'it''s' AFTER 'new';\n"
            "ALTER TABLE store.part ADD COLUMN mood sales.mood;\n"
            "ALTER TABLE store.part ADD COLUMN moods sales.mood[];\n");
}

TEST(Draft, UsesNoLabelInTheTransactionThatAddsIt) {
  Case lacking;
  auto& mood = lacking.only_source("mood", enumeration("mood", {"new", "old"}));
  mood.default_value = "'old'::sales.mood";
  mood.missing = "old";
  lacking.catalog.types[{"sales", "mood"}] = {"new"};
  EXPECT_EQ(lacking.sql(),
            "ALTER TYPE sales.mood ADD VALUE IF NOT EXISTS 'old' AFTER 'new';\n"
            "ALTER TABLE store.part ADD COLUMN mood sales.mood;\n"
            "? UPDATE store.part SET mood = 'old';\n");
}

TEST(Draft, KnowsTypesUnderTheNamesOfTheTarget) {
  Case lacking;
  auto citext = type("public.citext", 16600);
  citext.named = citext.leaf_name = {"public", "citext"};
  citext.extension = "citext";
  lacking.only_source("word", array_of(citext));
  EXPECT_NE(lacking.sql().find("? ALTER TABLE store.part ADD COLUMN word public.citext[];"), std::string::npos);
  EXPECT_NE(lacking.draft().sql.find("extension citext"), std::string::npos);
  lacking.catalog.types[{"Ext", "citext"}] = {};
  lacking.catalog.extension_types[{"citext", "citext"}] = {"Ext", "citext"};
  EXPECT_EQ(lacking.sql(), "ALTER TABLE store.part ADD COLUMN word \"Ext\".citext[];\n");
}

TEST(Draft, TakesTheBaseOfADomainThatTheTargetLacks) {
  Case lacking;
  auto amount = numeric(12, 2);
  amount.text = "sales.amount";
  amount.named = {"sales", "amount"};
  amount.named_kind = 'd';
  lacking.only_source("price", amount);
  EXPECT_EQ(lacking.sql(), "ALTER TABLE store.part ADD COLUMN price numeric(12,2);\n");
  lacking.catalog.types[{"sales", "amount"}] = {};
  EXPECT_EQ(lacking.sql(), "ALTER TABLE store.part ADD COLUMN price sales.amount;\n");
}

TEST(Draft, ATypeThatCannotBeMadeIsAQuestion) {
  Case lacking;
  auto point = type("sales.point", 16700);
  point.named = point.leaf_name = {"sales", "point"};
  point.named_kind = point.leaf_kind = 'c';
  lacking.only_source("place", point);
  EXPECT_NE(lacking.sql().find("? ALTER TABLE store.part ADD COLUMN place sales.point;"), std::string::npos);
  lacking.lacks_table();
  EXPECT_NE(lacking.sql().find("? CREATE TABLE store.part (id integer NOT NULL, place sales.point, PRIMARY KEY (id));"),
            std::string::npos);
  EXPECT_EQ(lacking.draft().questions, 1U);
}

TEST(Draft, GivesAColumnTheTypeThatTheRuleCastsTo) {
  Case lacking;
  lacking.only_source("state", text);
  lacking.rule.cast = {{"state", "varchar(20)"}};
  lacking.types.cast_types = {{"varchar(20)", "character varying"}};
  EXPECT_EQ(lacking.sql(), "ALTER TABLE store.part ADD COLUMN state varchar(20);\n");
  lacking.rule.cast = {{"state", "int -- no"}};
  lacking.types.cast_types = {{"int -- no", "integer"}};
  EXPECT_EQ(lacking.sql(), "ALTER TABLE store.part ADD COLUMN state integer;\n");
  lacking.types.cast_types.clear();
  EXPECT_NE(lacking.sql().find("? ALTER TABLE"), std::string::npos);
}

TEST(Draft, TakesOverWhatTheComparisonProposes) {
  Case slow;
  slow.source.constraints = {reference("id", {"sales", "parent"})};
  slow.target.constraints = {reference("id", {"store", "parent"})};
  slow.both("name", text).refuses_null = true;
  slow.both("n", bigint).type = integer;
  slow.target.indexes = {primary({"id"})};
  slow.target.columns.push_back(column("parent", integer));
  slow.target.constraints.push_back(reference("parent", {"store", "parent"}));
  EXPECT_EQ(slow.sql(),
            "? ALTER TABLE store.part ALTER COLUMN name DROP NOT NULL;\n"
            "ALTER TABLE store.part ALTER COLUMN n TYPE bigint;\n"
            "? ALTER TABLE store.part DROP COLUMN parent;\n"
            "CREATE INDEX ON store.part (parent);\n");
}

}  // namespace
}  // namespace walgate::migrate

// source_checks.cpp - what the extension on the source has to say.

#include <fmt/format.h>

#include <algorithm>

#include "catalog/table_mapping.hpp"
#include "service/start_checks.hpp"

namespace walgate::service {

namespace {

/// Columns that cannot travel are an error where they are to go somewhere.
void check_types(const Config& config, postgres::Connection& source, const std::string& publication,
                 Findings& findings) {
  const auto result = source.exec(
      fmt::format("SELECT n.nspname, c.relname, f.attname, f.object, f.finding, f.remedy "
                  "FROM walgate._columns_that_cannot_travel({}) f JOIN pg_catalog.pg_class c ON c.oid = f.relation "
                  "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace",
                  quote_literal(publication)));
  for (int row = 0; row < postgres::rows(result); ++row) {
    const auto mapping = map_table(config.tables, {text_field(result, row, 0), text_field(result, row, 1)});
    const bool left_out = !mapping.target || !mapping.target_column(text_field(result, row, 2));
    findings.add(left_out ? Severity::warning : Severity::error, ErrorName::type_not_portable,
                 text_field(result, row, 3),
                 text_field(result, row, 4) + (left_out ? "; the configuration leaves it out" : ""),
                 left_out ? "nothing to do" : text_field(result, row, 5));
  }
}

}  // namespace

std::vector<Finding> check_source(const Config& config, postgres::Connection& source) {
  Findings findings;
  const auto installed = source.exec(
      "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'walgate'), "
      "EXISTS (SELECT FROM pg_namespace WHERE nspname = 'walgate' AND has_schema_privilege(oid, 'USAGE'))");
  if (!bool_field(installed, 0, 0) || !bool_field(installed, 0, 1)) {
    const bool there = bool_field(installed, 0, 0);
    findings.add(Severity::warning, there ? ErrorName::source_role_not_allowed : ErrorName::plugin_missing,
                 "extension \"walgate\"",
                 there ? "our role may not use the schema walgate, so the source cannot be checked from within"
                       : "the source database does not have the extension, so the source cannot be checked from within",
                 there ? "GRANT USAGE ON SCHEMA walgate TO the role of source.conninfo" : "CREATE EXTENSION walgate");
    return findings.take();
  }
  for (const auto& publication : config.source.publications) {
    const auto result = source.exec(fmt::format(
        "SELECT severity, name, object, finding, remedy FROM walgate.check_source({})", quote_literal(publication)));
    for (int row = 0; row < postgres::rows(result); ++row) {
      const auto severity = text_field(result, row, 0);
      const auto name = text_field(result, row, 1);
      const auto known = std::ranges::find(error_names(), name, &NameEntry::text);
      if (known == error_names().end()) {
        findings.add(Severity::warning, ErrorName::internal_error, text_field(result, row, 2),
                     fmt::format("{} (the extension's finding \"{}\" is unknown to this service)",
                                 text_field(result, row, 3), name),
                     text_field(result, row, 4));
        continue;
      }
      // A missing publication is found above, and types that cannot travel below, where the mapping is asked; the slot
      // and the walsender that may be missing are ours already.
      if (known->name == ErrorName::publication_missing || known->name == ErrorName::no_free_slot ||
          known->name == ErrorName::no_free_walsender || known->name == ErrorName::type_not_portable) {
        continue;
      }
      findings.add(severity == "error"     ? Severity::error
                   : severity == "warning" ? Severity::warning
                                           : Severity::info,
                   known->name, text_field(result, row, 2), text_field(result, row, 3), text_field(result, row, 4));
    }
    check_types(config, source, publication, findings);
  }
  return findings.take();
}

}  // namespace walgate::service

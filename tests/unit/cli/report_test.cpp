// report_test.cpp - failures and findings as text, as JSON and as exit codes.

#include "cli/report.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace walgate::cli {
namespace {

using service::Finding;
using service::Severity;

struct Report {
  std::ostringstream out;
  std::ostringstream err;
  Context context{.out = out, .err = err, .config_file = {}, .action = {}};
};

TEST(ExitCode, FollowsWhatHelps) {
  EXPECT_EQ(exit_code_of({.name = ErrorName::configuration_invalid}), 1);
  EXPECT_EQ(exit_code_of({.name = ErrorName::listen_failed}), 1);
  EXPECT_EQ(exit_code_of({.name = ErrorName::slot_recreated}), 2);
  EXPECT_EQ(exit_code_of({.name = ErrorName::authentication_failed}), 2);
  EXPECT_EQ(exit_code_of({.name = ErrorName::skip_refused}), 2);
  EXPECT_EQ(exit_code_of({.name = ErrorName::connection_failed}), 4);
  EXPECT_EQ(exit_code_of({.name = ErrorName::connection_lost}), 4);
  EXPECT_EQ(exit_code_of({.name = ErrorName::server_out_of_resources, .recovery = Recovery::retry}), 4);
}

TEST(ReportFailure, TellsAPersonWhatAndWhereAndWhatToDo) {
  Report report;
  EXPECT_EQ(report_failure(report.context, {.name = ErrorName::row_missing,
                                            .message = "an update found no row",
                                            .detail = "key columns: id",
                                            .remedy = "Mend it.",
                                            .relation = "public.t",
                                            .sqlstate = "00000",
                                            .lsn = Lsn{0x10}}),
            2);
  EXPECT_EQ(report.out.str(), "");
  EXPECT_EQ(report.err.str(),
            "walgate: an update found no row\n"
            "detail: key columns: id\n"
            "relation: public.t\n"
            "lsn: 0/10\n"
            "sqlstate: 00000\n"
            "hint: Mend it.\n"
            "name: row_missing\n");
}

TEST(ReportFailure, IsAnObjectOnStandardOutputWithJson) {
  Report report;
  report.context.json = true;
  EXPECT_EQ(report_failure(report.context, {.name = ErrorName::connection_failed, .message = "could not connect"}), 4);
  EXPECT_EQ(report.err.str(), "");
  EXPECT_EQ(
      report.out.str(),
      R"({"error":{"name":"connection_failed","phase":null,"relation":null,"lsn":null,"xid":null,"sqlstate":null,)"
      R"("message":"could not connect","detail":null,"remedy":"Check host, port and TLS settings of the conninfo, )"
      R"(and that the server runs."}})"
      "\n");
}

TEST(ReportFailure, IsColouredOnlyWhereColourIsWelcome) {
  Report report;
  report.context.err_colour = true;
  report_failure(report.context, {.name = ErrorName::internal_error, .message = "m"});
  EXPECT_TRUE(report.err.str().starts_with("\x1b[31mwalgate: \x1b[0mm\n"));
}

TEST(ReportFindings, ListsThemForAPerson) {
  Report report;
  EXPECT_EQ(report_findings(report.context,
                            {{Severity::error, ErrorName::target_table_missing, "public.t", "no such table", ""},
                             {Severity::info, ErrorName::replica_role_switches_off, "", "two triggers", "Look."}}),
            2);
  EXPECT_EQ(report.out.str(),
            "error    public.t: no such table\n"
            "         hint: Create the table on the target, or map it elsewhere or to null in tables.\n"
            "         name: target_table_missing\n"
            "info     two triggers\n"
            "         hint: Look.\n"
            "         name: replica_role_switches_off\n"
            "\n"
            "1 error, 0 warnings, 1 for information\n");
}

TEST(ReportFindings, IsAnArrayWithJson) {
  Report report;
  report.context.json = true;
  EXPECT_EQ(
      report_findings(report.context, {{Severity::warning, ErrorName::unlimited_wal_retention, "source", "f", "r"}}),
      0);
  EXPECT_EQ(
      report.out.str(),
      R"([{"severity":"warning","name":"unlimited_wal_retention","object":"source","path":null,"finding":"f","remedy":"r"}])"
      "\n");
}

TEST(ReportFindings, SaysThatThereAreNone) {
  Report report;
  EXPECT_EQ(report_findings(report.context, {}), 0);
  EXPECT_EQ(report.out.str(), "nothing stands in the way: 0 errors, 0 warnings, 0 for information\n");
  report.out.str("");
  report.context.json = true;
  report_findings(report.context, {});
  EXPECT_EQ(report.out.str(), "[]\n");
}

TEST(ReportFindings, TellsAServerThatDoesNotAnswerFromOneThatIsWrong) {
  Report report;
  const Finding unreachable{Severity::error, ErrorName::connection_failed, "source", "f", ""};
  const Finding wrong{Severity::error, ErrorName::slot_missing, "slot", "f", ""};
  EXPECT_EQ(report_findings(report.context, {unreachable}), 4);
  EXPECT_EQ(report_findings(report.context, {unreachable, wrong}), 2);
}

TEST(ReportDone, ListsWhatWasDone) {
  Report report;
  EXPECT_EQ(report_done(report.context, "p", {"made this", "made that"}), 0);
  EXPECT_EQ(report.out.str(), "made this\nmade that\n");
  report.out.str("");
  report.context.json = true;
  report_done(report.context, "p", {"made this"});
  EXPECT_EQ(report.out.str(), "{\"pipeline\":\"p\",\"done\":[\"made this\"]}\n");
}

}  // namespace
}  // namespace walgate::cli

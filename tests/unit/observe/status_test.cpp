// status_test.cpp - the status document.

#include "observe/status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace walgate {
namespace {

using testing::HasSubstr;
using testing::Not;

Status full_status() {
  Status status;
  status.pipeline = "requisition";
  status.version = "1.0.0";
  status.pid = 4711;
  status.state = ServiceState::retrying;
  status.since = std::chrono::system_clock::from_time_t(1795255200);
  status.reason = "the target does not answer";
  status.next_step = "wait";
  status.source_lsn = Lsn{0x5000000};
  status.received_lsn = Lsn{0x4FFFF00};
  status.applied_lsn = Lsn{0x4FFFF00};
  status.confirmed_lsn = Lsn{0x4FFF000};
  status.lag = {256, 1, 3};
  status.retained_wal_bytes = 16777216;
  status.replica_role = true;
  status.counters = {10, 8, 1, 2, 3, 4, 5, 6, 7, 9, 11, 12};
  status.conflicts = {1, 2, 3};
  status.tables = {{"requisition.requisitions", "batch.batch_requisitions", "streaming", 100, 120}};
  status.copy = CopyStatus{.rows = 100,
                           .rows_estimated = 120,
                           .bytes = 4096,
                           .rows_per_second = 10,
                           .eta_seconds = 2,
                           .snapshot_age_seconds = 9,
                           .waiting_for = "a lock",
                           .blocked = {"process 7"}};
  status.error = Failure{.name = ErrorName::unique_violation_on_target,
                         .message = "duplicate key",
                         .detail = "key columns: id",
                         .remedy = "Remove the row.",
                         .phase = "apply",
                         .relation = "public.t",
                         .sqlstate = "23505",
                         .lsn = Lsn{0x4FFFF00},
                         .xid = 750};
  return status;
}

constexpr std::string_view full_json =
    R"({"pipeline":"requisition","version":"1.0.0","pid":4711,"state":"retrying","since":"2026-11-21T10:00:00Z",)"
    R"("reason":"the target does not answer","next_step":"wait","source_lsn":"0/5000000","received_lsn":"0/4FFFF00",)"
    R"("applied_lsn":"0/4FFFF00","confirmed_lsn":"0/4FFF000","lag":{"bytes":256,"transactions":1,"milliseconds":3},)"
    R"("retained_wal_bytes":16777216,"replica_role":true,"counters":{"transactions":10,"inserts":8,"updates":1,)"
    R"("deletes":2,"truncates":3,"strict_replays":4,"retries":5,"apply_errors":6,"missing_rows_skipped":7,)"
    R"("cascaded_deletes":9,"duplicates_skipped":11,"transactions_skipped":12},"tables":[{"source":)"
    R"("requisition.requisitions","target":"batch.batch_requisitions","state":"streaming","rows_copied":100,)"
    R"("rows_estimated":120}],"copy":{"rows":100,"rows_estimated":120,"bytes":4096,"rows_per_second":10,"eta_seconds":2,)"
    R"("snapshot_age_seconds":9,"waiting_for":"a lock","blocked":["process 7"]},"gate":null,"error":{"name":"unique_violation_on_target","phase":"apply","relation":)"
    R"("public.t","lsn":"0/4FFFF00","xid":750,"sqlstate":"23505","message":"duplicate key","detail":)"
    R"("key columns: id","remedy":"Remove the row."},"conflicts":{"insert_exists":1,"update_missing":2,)"
    R"("delete_missing":3},"mirror":null})";

TEST(StatusJson, HoldsEveryFieldInTheDocumentedOrder) {
  EXPECT_EQ(status_json(full_status()), full_json);
}

TEST(StatusJson, SaysNullForWhatIsUnknown) {
  const auto json = nlohmann::json::parse(status_json(Status{}));
  for (const char* key : {"pid", "since", "reason", "next_step", "source_lsn", "received_lsn", "applied_lsn",
                          "confirmed_lsn", "retained_wal_bytes", "replica_role", "copy", "gate", "error", "mirror"}) {
    EXPECT_TRUE(json.at(key).is_null()) << key;
  }
  EXPECT_TRUE(json["lag"]["bytes"].is_null());
  EXPECT_EQ(json["lag"]["transactions"], 0);
  EXPECT_EQ(json["tables"], nlohmann::json::array());
}

TEST(StatusJson, SurvivesTextsThatAreNoUtf8) {
  Status status;
  status.reason = "caf\xe9";
  EXPECT_THAT(status_json(status), HasSubstr("caf\xef\xbf\xbd"));
}

TEST(StatusJson, NamesEveryState) {
  Status status;
  for (const auto& [state, text] :
       std::initializer_list<std::pair<ServiceState, std::string>>{{ServiceState::starting, "starting"},
                                                                   {ServiceState::copying, "copying"},
                                                                   {ServiceState::streaming, "streaming"},
                                                                   {ServiceState::at_gate, "at_gate"},
                                                                   {ServiceState::behind, "behind"},
                                                                   {ServiceState::retrying, "retrying"},
                                                                   {ServiceState::paused, "paused"},
                                                                   {ServiceState::stopped, "stopped"}}) {
    status.state = state;
    EXPECT_EQ(nlohmann::json::parse(status_json(status))["state"], text);
    EXPECT_EQ(parse_status(status_json(status)).value().state, state);
  }
}

TEST(ParseStatus, GivesBackWhatWasWritten) {
  EXPECT_EQ(status_json(parse_status(full_json).value()), full_json);
  EXPECT_EQ(status_json(parse_status(status_json(Status{})).value()), status_json(Status{}));
}

TEST(ParseStatus, RefusesWhatIsNoStatus) {
  for (const char* other : {"", "<html>", "[]", "null", "3", "{}", R"({"pipeline":"p"})",
                            R"({"pipeline":1,"state":"streaming"})", R"({"pipeline":"p","state":"dancing"})"}) {
    EXPECT_FALSE(parse_status(other)) << other;
  }
}

TEST(ParseStatus, PassesOverFieldsOfOtherTypesAndUnknownOnes) {
  const auto status = parse_status(
      R"({"pipeline":"p","state":"streaming","pid":"x","lag":3,"counters":[],"tables":[1,{"source":"a.b"}],)"
      R"("error":{"name":"of_the_future","message":"m","xid":-1},"retained_wal_bytes":-5,"new":{}})");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->pid, std::nullopt);
  EXPECT_EQ(status->retained_wal_bytes, std::nullopt);
  ASSERT_EQ(status->tables.size(), 2U);
  EXPECT_EQ(status->tables[1].source, "a.b");
  ASSERT_TRUE(status->error);
  EXPECT_EQ(status->error->message, "m");
  EXPECT_EQ(status->error->xid, std::nullopt);
}

TEST(StatusText, TellsAPersonTheSame) {
  EXPECT_EQ(status_text(full_status(), false),
            "pipeline      requisition\n"
            "state         retrying since 2026-11-21T10:00:00Z\n"
            "service       running, pid 4711, version 1.0.0\n"
            "reason        the target does not answer\n"
            "next step     wait\n"
            "source        0/5000000\n"
            "received      0/4FFFF00\n"
            "applied       0/4FFFF00\n"
            "confirmed     0/4FFF000\n"
            "lag           256 bytes, 1 transaction, 3 ms\n"
            "retained      16.0 MB of WAL\n"
            "constraints   foreign keys and ordinary triggers of the target do not act (replica role)\n"
            "copy          100 rows of about 120 (83 %), 4.0 kB, 10 rows/s, 0:00:02 left, snapshot 9 s old\n"
            "              waits for a lock on the source\n"
            "              keeps waiting on the source: process 7\n"
            "done          transactions 10; rows inserted 8, updated 1, deleted 2; truncates 3\n"
            "              strict_replays 4\n"
            "              retries 5\n"
            "              apply_errors 6\n"
            "              missing_rows_skipped 7\n"
            "              cascaded_deletes 9\n"
            "              duplicates_skipped 11\n"
            "              transactions_skipped 12\n"
            "              insert_exists 1\n"
            "              update_missing 2\n"
            "              delete_missing 3\n"
            "tables        requisition.requisitions  →  batch.batch_requisitions  (streaming)\n"
            "error         duplicate key\n"
            "              name: unique_violation_on_target\n"
            "              relation: public.t\n"
            "              lsn: 0/4FFFF00\n"
            "              sqlstate: 23505\n"
            "              detail: key columns: id\n"
            "              hint: Remove the row.\n");
}

TEST(StatusText, DoesNotTellAnErrorTwice) {
  Status status = full_status();
  status.reason = status.error->message;
  EXPECT_THAT(status_text(status, false), Not(HasSubstr("reason")));
  EXPECT_THAT(status_text(status, false), Not(HasSubstr("next step")));
}

TEST(StatusText, IsPlainUnlessColourIsWanted) {
  EXPECT_THAT(status_text(full_status(), false), Not(HasSubstr("\x1b")));
  EXPECT_THAT(status_text(full_status(), true), HasSubstr("\x1b[33mretrying\x1b[0m"));
}

TEST(StatusText, SaysThatNoServiceRuns) {
  EXPECT_THAT(status_text(Status{}, false), HasSubstr("service       not running\n"));
}

TEST(StatusBoard, GivesWholeCopies) {
  StatusBoard board;
  board.update([](Status& status) { status.pipeline = "p"; });
  EXPECT_EQ(board.snapshot().pipeline, "p");
}

}  // namespace
}  // namespace walgate

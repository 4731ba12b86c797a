// log_test.cpp - events as lines.

#include "observe/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "observe/log_line.hpp"

namespace walgate::log {
namespace {

std::string text(std::string_view message, std::initializer_list<Field> fields) {
  return text_rest("event", message, {fields.begin(), fields.size()});
}
std::string json(std::string_view message, std::initializer_list<Field> fields) {
  return json_rest("event", message, {fields.begin(), fields.size()});
}

TEST(LogText, HoldsNameMessageAndFields) {
  EXPECT_EQ(text("streaming from the slot", {{"slot", "orders"}, {"lsn", Lsn{0x4FFFF00}}, {"rows", 3}, {"on", true}}),
            R"(event streaming from the slot slot="orders" lsn=0/4FFFF00 rows=3 on=true)");
}

TEST(LogText, KeepsAnEventInOneLine) {
  EXPECT_EQ(text("two\nlines\r", {{"detail", "a\tb\x1b[31m\n"}}), R"(event two\nlines\r detail="a\tb\x1b[31m\n")");
}

TEST(LogText, EscapesQuotesAndBackslashesInValues) {
  EXPECT_EQ(text("m", {{"relation", R"(public."a\b")"}}), R"(event m relation="public.\"a\\b\"")");
}

TEST(LogJson, KeepsNumbersAndTruthValues) {
  EXPECT_EQ(
      json("m", {{"rows", -3}, {"big", ~std::uint64_t{0}}, {"on", false}, {"lsn", Lsn{0x4FFFF00}}, {"text", "3"}}),
      R"("name":"event","message":"m","rows":-3,"big":18446744073709551615,"on":false,"lsn":"0/4FFFF00","text":"3"})");
}

TEST(LogJson, NeverLetsAFieldReplaceTheNameOrTheMessage) {
  EXPECT_EQ(json("m", {{"message", "other"}}), R"("name":"event","message":"m"})");
}

TEST(LogJson, ReplacesBytesThatAreNoUtf8) {
  EXPECT_EQ(json("caf\xe9", {}), "\"name\":\"event\",\"message\":\"caf\xef\xbf\xbd\"}");
}

TEST(Log, WritesTimeAndLevelToStandardError) {
  set_up(Level::info, Format::text);
  testing::internal::CaptureStderr();
  info("started", "hello", {{"pid", 1}});
  debug("hidden", "not at this level");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::MatchesRegex(
                  R"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z info started hello pid=1)"
                  "\n"));
}

TEST(Log, WritesOneJsonObjectPerLine) {
  set_up(Level::debug, Format::json);
  testing::internal::CaptureStderr();
  event(Level::warning, "odd", "say \"hi\"");
  const auto line = nlohmann::json::parse(testing::internal::GetCapturedStderr());
  set_up(Level::info, Format::text);
  EXPECT_EQ(line["level"], "warning");
  EXPECT_EQ(line["name"], "odd");
  EXPECT_EQ(line["message"], "say \"hi\"");
  EXPECT_THAT(line["time"].get<std::string>(), testing::EndsWith("Z"));
}

TEST(Log, TellsAllThatAFailureKnows) {
  set_up(Level::info, Format::text);
  testing::internal::CaptureStderr();
  failure(Level::error, {.name = ErrorName::row_missing,
                         .message = "an update found no row",
                         .detail = "key columns: id",
                         .remedy = "Mend it.",
                         .phase = "apply",
                         .relation = "public.t",
                         .sqlstate = "23505",
                         .lsn = Lsn{0x10},
                         .xid = 7});
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::EndsWith("Z error row_missing an update found no row detail=\"key columns: id\" phase=\"apply\" "
                                "relation=\"public.t\" sqlstate=\"23505\" lsn=0/10 xid=7 remedy=\"Mend it.\"\n"));
}

}  // namespace
}  // namespace walgate::log

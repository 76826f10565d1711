// SPDX-License-Identifier: Apache-2.0
#include "cli/record_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/text.h"
#include "tests/unit/cli/captured_console.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

v1::StoredRecord StoredAlert() {
  v1::StoredRecord stored;
  stored.set_cursor("c1");
  stored.set_node("node-1");
  stored.set_cluster("prod");
  stored.mutable_received()->set_seconds(2);
  v1::Record& record = *stored.mutable_record();
  record.set_boot_id("b");
  record.set_epoch(3);
  record.set_seq(4);
  v1::Alert& alert = *record.mutable_alert();
  alert.set_uid("u");
  alert.mutable_time()->set_seconds(1);
  alert.set_rule("A rule");
  alert.set_priority(v1::PRIORITY_WARNING);
  alert.set_output("something happened");
  alert.set_source("syscall");
  alert.mutable_event()->mutable_file_open()->mutable_file()->set_path("/tmp/\xff");
  return stored;
}

TEST(RecordTextTest, PrintsAnAlertOnOneLine) {
  CapturedConsole console;
  EXPECT_EQ(RecordLine(StoredAlert(), console.get()),
            "1970-01-01T00:00:01.000000000Z Warning       node-1 A rule: something happened");
}

TEST(RecordTextTest, ColoursByPriority) {
  CapturedConsole console(/*color=*/true);
  v1::StoredRecord stored = StoredAlert();
  EXPECT_THAT(RecordLine(stored, console.get()), HasSubstr("\x1b[33mWarning "));
  stored.mutable_record()->mutable_alert()->set_priority(v1::PRIORITY_EMERGENCY);
  EXPECT_THAT(RecordLine(stored, console.get()), HasSubstr("\x1b[1;37;41mEmergency "));
}

TEST(RecordTextTest, NothingReachesTheTerminalRaw) {
  CapturedConsole console;
  const std::string hostile = "\x1b]0;x\x07\r\n\xc2\x9b\x7f\xff";
  v1::StoredRecord stored = StoredAlert();
  stored.set_node(hostile);
  stored.mutable_record()->mutable_alert()->set_rule(hostile);
  stored.mutable_record()->mutable_alert()->set_output(hostile);
  const std::string line = RecordLine(stored, console.get());
  EXPECT_EQ(line, EscapeUtf8(line));
  EXPECT_THAT(line, HasSubstr("\\x1b]0;x\\x07"));
  EXPECT_THAT(RecordJson(stored), Not(HasSubstr("\x1b")));
  EXPECT_THAT(RecordJson(stored), Not(HasSubstr("\n")));
}

TEST(RecordTextTest, PrintsFalcosKeysBesideItsOwn) {
  const std::string json = RecordJson(StoredAlert());
  EXPECT_THAT(json, StartsWith(R"({"cursor":"c1","node":"node-1","cluster":"prod",)"
                               R"("received":"1970-01-01T00:00:02.000000000Z","hostname":)"));
  EXPECT_THAT(json, HasSubstr(R"("priority":"Warning","rule":"A rule")"));
  EXPECT_THAT(json, HasSubstr(R"("uid":"u"})"));
}

TEST(RecordTextTest, PrintsEvidence) {
  const std::string json = RecordJsonWithEvidence(StoredAlert());
  EXPECT_THAT(json, HasSubstr(R"("boot_id":"b","epoch":3,"seq":4,)"));
  EXPECT_THAT(json, HasSubstr(R"("file_open":{"file":{"path":"/tmp/\\xff")"));
}

TEST(RecordTextTest, PrintsGaps) {
  CapturedConsole console;
  v1::StoredRecord stored = StoredAlert();
  v1::Gap& gap = *stored.mutable_record()->mutable_gap();
  gap.set_class_(v1::Gap::CLASS_LOSS);
  gap.set_count(7);
  gap.set_kind("file_open");
  gap.set_reason("ring_full");
  gap.mutable_begin()->set_seconds(1);
  gap.mutable_end()->set_seconds(2);
  EXPECT_EQ(RecordLine(stored, console.get()),
            "1970-01-01T00:00:01.000000000Z Gap           node-1 loss: 7 file_open in 1s "
            "(ring_full)");
  EXPECT_THAT(RecordJson(stored), HasSubstr(R"("gap":{"class":"loss",)"));
}

TEST(RecordTextTest, PrintsLifecycle) {
  CapturedConsole console;
  v1::StoredRecord stored = StoredAlert();
  v1::Lifecycle& lifecycle = *stored.mutable_record()->mutable_lifecycle();
  lifecycle.set_what(v1::Lifecycle::WHAT_START);
  lifecycle.set_agent_version("0.1.0");
  EXPECT_THAT(RecordLine(stored, console.get()),
              HasSubstr("Agent         node-1 start: vakt-agent 0.1.0"));
  EXPECT_THAT(RecordJson(stored), HasSubstr(R"("lifecycle":{"what":"start",)"));
}

}  // namespace
}  // namespace vakt

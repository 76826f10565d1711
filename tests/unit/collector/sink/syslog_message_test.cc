// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/syslog_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sample_records.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

v1::StoredRecord Sample() {
  v1::StoredRecord record;
  record.set_node("n1");
  record.set_cluster("c1");
  *record.mutable_record() = MakeAlertRecord({.seq = 7});
  return record;
}

TEST(SyslogMessage, HasTheHeaderOfRfc5424) {
  const std::string message = SyslogMessage(Sample(), SyslogFacility("authpriv"), true);
  // 10 * 8 + 4; 32 characters of the rule's name.
  EXPECT_THAT(message, StartsWith("<84>1 2023-11-14T22:13:20.000000Z n1 vakt - "
                                  "Read_sensitive_file_untrusted [vakt@32473 rule=\""));
  EXPECT_THAT(message, HasSubstr("-1000-7\" node=\"n1\" cluster=\"c1\"] Sensitive file opened"));
}

TEST(SyslogMessage, EscapesWhatWouldEndAField) {
  v1::StoredRecord record = Sample();
  record.mutable_record()->mutable_alert()->set_rule(
      "a\"b]c\\d\n<1>1 forged \xff and so on, longer");
  const std::string message = SyslogMessage(record, 0, true);
  EXPECT_THAT(message, HasSubstr(" a\"b]c\\d_<1>1_forged___and_so_on, [vakt"));
  EXPECT_THAT(message, HasSubstr(R"(rule="a\"b\]c\\d\\x0a<1>1 forged \\xff and)"));
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(SyslogMessage, PrioritiesAreSeverities) {
  v1::StoredRecord record = Sample();
  for (int priority = 0; priority <= 7; ++priority) {
    record.mutable_record()->mutable_alert()->set_priority(static_cast<v1::Priority>(priority));
    EXPECT_THAT(SyslogMessage(record, 16, false),
                StartsWith("<" + std::to_string(128 + priority) + ">1 "));
  }
  EXPECT_EQ(SyslogFacility("none"), -1);
}

TEST(SyslogMessage, FramesCountBytes) { EXPECT_EQ(SyslogFrame("é!"), "3 é!"); }

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/quarantine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file.h"
#include "tests/support/sample_records.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;

v1::StoredRecord Sample(uint64_t seq) {
  v1::StoredRecord record;
  record.set_cursor("s." + std::to_string(seq));
  *record.mutable_record() = MakeAlertRecord({.seq = seq});
  return record;
}

TEST(Quarantine, KeepsReasonAndAlert) {
  const TemporaryDirectory directory;
  Quarantine quarantine(directory.path(), "siem");
  ASSERT_TRUE(quarantine.Add(Sample(1), "HTTP 400: \"no\"\n").ok());
  ASSERT_TRUE(quarantine.Add(Sample(2), "x").ok());
  const std::string text = ReadFile(quarantine.path()).value();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_THAT(text, HasSubstr(R"("reason":"HTTP 400: \"no\"\\x0a","cursor":"s.1","alert":{)"));
}

TEST(Quarantine, StaysBounded) {
  const TemporaryDirectory directory;
  Quarantine quarantine(directory.path(), "siem", 2000);
  for (uint64_t seq = 1; seq <= 20; ++seq) ASSERT_TRUE(quarantine.Add(Sample(seq), "x").ok());
  EXPECT_LT(ReadFile(quarantine.path()).value().size(), 3000u);
  EXPECT_LT(ReadFile(quarantine.path() + ".1").value().size(), 3000u);
  EXPECT_THAT(ReadFile(quarantine.path()).value(), HasSubstr("\"s.20\""));
}

TEST(Quarantine, SaysWhenItCannotKeep) {
  Quarantine quarantine("/proc/none", "siem");
  EXPECT_FALSE(quarantine.Add(Sample(1), "x").ok());
}

}  // namespace
}  // namespace vakt

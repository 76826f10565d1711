// SPDX-License-Identifier: Apache-2.0
#include "agent/app/alert_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "common/base/file.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

v1::Alert SomeAlert(const std::string& output = "something happened") {
  v1::Alert alert;
  alert.set_rule("A rule");
  alert.set_priority(v1::PRIORITY_WARNING);
  alert.set_output(output);
  alert.set_uid("u-1");
  return alert;
}

std::string TempPath(const char* name) {
  static const TemporaryDirectory directory;
  return directory.path() + "/" + name;
}

TEST(AlertLog, AppendsOneJsonLineAnAlert) {
  const std::string path = TempPath("alerts.jsonl");
  for (int run = 0; run < 2; ++run) {
    auto log = AlertLog::Open(path, AlertFormat::kJson);
    ASSERT_TRUE(log.ok()) << log.status();
    EXPECT_TRUE((*log)->Write(SomeAlert()));
  }
  const std::string text = ReadFile(path).value();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_EQ(text.front(), '{');
  EXPECT_NE(text.find("\"rule\":\"A rule\""), std::string::npos);
}

TEST(AlertLog, WritesTextForPeople) {
  const std::string path = TempPath("alerts.txt");
  (*AlertLog::Open(path, AlertFormat::kText))->Write(SomeAlert());
  const std::string text = ReadFile(path).value();
  EXPECT_NE(text.find("something happened"), std::string::npos);
  EXPECT_NE(text.front(), '{');
}

TEST(AlertLog, AReaderThatStallsIsNotWaitedFor) {
  signal(SIGPIPE, SIG_IGN);  // as the agent does
  const std::string path = TempPath("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  auto log = AlertLog::Open(path, AlertFormat::kJson);
  ASSERT_TRUE(log.ok()) << log.status();
  const std::string large(64 << 10, 'x');
  int taken = 0;
  while (taken < 1000 && (*log)->Write(SomeAlert(large))) ++taken;
  EXPECT_GT(taken, 10);
  EXPECT_LT(taken, 1000) << "an unbounded queue";
  close(reader);  // the writer gets EPIPE and the log can end
}

TEST(AlertLog, CountsWhatTheFileRefuses) {
  auto log = AlertLog::Open("/dev/full", AlertFormat::kJson);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_TRUE((*log)->Write(SomeAlert()));
  for (int i = 0; i < 200 && (*log)->write_errors() == 0; ++i) usleep(10000);
  EXPECT_EQ((*log)->write_errors(), 1u);
}

TEST(AlertLog, NamesAFileThatCannotBeOpened) {
  const auto log = AlertLog::Open("/nonexistent/alerts.jsonl", AlertFormat::kJson);
  ASSERT_FALSE(log.ok());
  EXPECT_NE(log.status().message().find("/nonexistent/alerts.jsonl"), absl::string_view::npos);
}

}  // namespace
}  // namespace vakt

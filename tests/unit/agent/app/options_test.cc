// SPDX-License-Identifier: Apache-2.0
#include "agent/app/options.h"

#include <gtest/gtest.h>

namespace vakt {
namespace {

absl::StatusOr<AgentOptions> From(const std::vector<std::string>& flags) {
  const auto settings =
      Settings::Load(Program::kAgent, flags, [](const std::string&) { return nullptr; });
  if (!settings.ok()) return settings.status();
  return AgentOptionsFrom(*settings);
}

TEST(AgentOptions, TakeTheirValuesFromTheSettings) {
  const auto o = From({"--alerts", "-", "--alerts-format", "text", "--rules", "a,b", "--scope",
                       "/sys/fs/cgroup/x", "--ring-bytes", "1MiB", "--rule-matching", "all",
                       "--min-priority", "warning", "--state-dir", "/tmp/s", "--rule-select",
                       "disable:rule:*,enable:tag:T1059"});
  ASSERT_TRUE(o.ok()) << o.status();
  EXPECT_EQ(o->alerts_path, "-");
  EXPECT_EQ(o->alerts_format, AlertFormat::kText);
  EXPECT_EQ(o->rule_paths, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(o->scope, "/sys/fs/cgroup/x");
  EXPECT_EQ(o->ring_bytes, 1u << 20);
  EXPECT_EQ(o->match_mode, MatchMode::kAll);
  EXPECT_EQ(o->priority_floor, 4);
  EXPECT_EQ(o->state_dir, "/tmp/s");
  ASSERT_EQ(o->rule_selections.size(), 2u);
  EXPECT_TRUE(o->rule_selections[1].enable && o->rule_selections[1].by_tag);
  EXPECT_FALSE(From({"--alerts", "-", "--rule-select", "enable:x"}).ok());
  EXPECT_TRUE(o->collectors.empty());
  ASSERT_EQ(o->rule_selections.size(), 2u);
  EXPECT_TRUE(o->rule_selections[1].enable && o->rule_selections[1].by_tag);
  EXPECT_FALSE(From({"--alerts", "-", "--rule-select", "enable:x"}).ok());
}

TEST(AgentOptions, ACollectorNeedsCertificates) {
  const auto o = From({"--collector", "127.0.0.1:1"});
  EXPECT_EQ(o.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(o.status().message().find("--tls-cert"), absl::string_view::npos);
}

TEST(AgentOptions, AlertsMustGoSomewhere) {
  const auto o = From({"--no-collector"});
  EXPECT_EQ(o.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(o.status().message().find("--alerts"), absl::string_view::npos);
}

}  // namespace
}  // namespace vakt

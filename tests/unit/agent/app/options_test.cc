// SPDX-License-Identifier: Apache-2.0
#include "agent/app/options.h"

#include <gtest/gtest.h>

#include "common/base/file.h"
#include "tests/support/temporary_directory.h"

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
}

TEST(AgentOptions, TakeWhatIsAddedToOutputs) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/agent.yaml";
  const auto with = [&](std::string_view text) {
    EXPECT_TRUE(WriteFileAtomically(path, text, 0600).ok());
    return From({"--alerts", "-", "--config", path});
  };
  const auto o = with(R"(
static_fields:
  cluster: prod
  zone: eu-1
append_output:
  shells:
    match: {rule: Shell, source: syscall, tags: [a, b]}
    extra_output: "cluster=%static.cluster"
    extra_fields: [proc.aname, "where=%static.zone %fd.name=x"]
  all:
    suggested_output: false
)");
  ASSERT_TRUE(o.ok()) << o.status();
  EXPECT_EQ(o->static_fields, (StaticFields{{"cluster", "prod"}, {"zone", "eu-1"}}));
  ASSERT_EQ(o->output_additions.size(), 2u);
  const OutputAddition& shells = o->output_additions[0];
  EXPECT_EQ(shells.rule, "Shell");
  EXPECT_EQ(shells.source, "syscall");
  EXPECT_EQ(shells.tags, (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(shells.output, "cluster=%static.cluster");
  ASSERT_EQ(shells.fields.size(), 2u);
  EXPECT_EQ(shells.fields[0].name + shells.fields[0].format, "proc.aname");
  EXPECT_EQ(shells.fields[1].name, "where");
  EXPECT_EQ(shells.fields[1].format, "%static.zone %fd.name=x");
  EXPECT_TRUE(shells.suggested);
  EXPECT_FALSE(o->output_additions[1].suggested);
  for (const std::string_view bad :
       {"append_output:\n  a:\n    extra: x\n", "append_output:\n  a: x\n",
        "append_output:\n  a:\n    suggested_output: maybe\n",
        "append_output:\n  a:\n    extra_fields: [=x]\n", "static_fields:\n  a: [b, c]\n"}) {
    EXPECT_EQ(with(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
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

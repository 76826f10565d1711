// SPDX-License-Identifier: Apache-2.0
#include "common/config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include "common/base/status.h"
#include "common/config/config_file.h"
#include "common/config/setting_value.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Variables = std::map<std::string, std::string>;

absl::StatusOr<Settings> LoadAs(Program program, const std::vector<std::string>& arguments,
                                const Variables& variables = {},
                                std::vector<std::string>* rest = nullptr) {
  const auto environment = [&variables](const std::string& name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
  return Settings::Load(program, arguments, environment, rest);
}

std::string ErrorOf(const std::vector<std::string>& arguments, const Variables& variables = {}) {
  return std::string(Message(LoadAs(Program::kAgent, arguments, variables).status()));
}

std::string FileWith(std::string_view name, std::string_view text) {
  static const TemporaryDirectory directory;
  const std::string path = directory.path() + "/" + std::string(name);
  std::ofstream(path) << text;
  return path;
}

TEST(Settings, HaveDefaults) {
  auto settings = LoadAs(Program::kAgent, {});
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_THAT(settings->List("collector.address"), IsEmpty());
  EXPECT_EQ(settings->Uint("sensor.ring_bytes"), 8u << 20);
  EXPECT_EQ(settings->Dur("uplink.heartbeat"), absl::Seconds(10));
  EXPECT_THAT(settings->List("rules.paths"), ElementsAre("/etc/vakt/rules"));
  EXPECT_THAT(settings->List("sensor.disabled_probes"), IsEmpty());
  EXPECT_EQ(LoadAs(Program::kVaktctl, {})->Str("collector.address"), "127.0.0.1:7443");
}

TEST(Settings, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  const std::string path = FileWith("precedence",
                                    "log: {level: error, format: json}\n"
                                    "node: {name: from-file}\n");
  const Variables variables = {{"VAKT_LOG_LEVEL", "warning"}, {"VAKT_NODE_NAME", "from-env"}};
  auto settings = LoadAs(Program::kAgent, {"--log-level", "debug", "--config=" + path}, variables);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->Str("log.level"), "debug");
  EXPECT_EQ(settings->Str("node.name"), "from-env");
  EXPECT_EQ(settings->Str("log.format"), "json");
  EXPECT_EQ(settings->Str("alerts.format"), "json");
}

TEST(Settings, ConfigFileMayComeFromTheEnvironment) {
  const std::string path = FileWith("from_env", "node: {name: n1}\n");
  auto settings = LoadAs(Program::kAgent, {}, {{"VAKT_CONFIG", path}});
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->Str("node.name"), "n1");
}

TEST(Settings, ListsRepeatAndReplaceThoseOfLowerOrigin) {
  const std::string path = FileWith("lists", "rules: {paths: [\"/a,b\", /c]}\n");
  EXPECT_THAT(LoadAs(Program::kAgent, {"--config", path})->List("rules.paths"),
              ElementsAre("/a,b", "/c"));
  EXPECT_THAT(LoadAs(Program::kAgent, {"--config", path, "--rules", "/x,/y", "--rules=/z"})
                  ->List("rules.paths"),
              ElementsAre("/x", "/y", "/z"));
  EXPECT_THAT(LoadAs(Program::kAgent, {"--rules", "/x", "--no-rules"})->List("rules.paths"),
              IsEmpty());
}

TEST(Settings, NoFlagEmpties) {
  const Variables variables = {{"VAKT_COLLECTOR", "a:1"}};
  EXPECT_THAT(LoadAs(Program::kAgent, {}, variables)->List("collector.address"),
              ElementsAre("a:1"));
  EXPECT_THAT(LoadAs(Program::kAgent, {"--no-collector"}, variables)->List("collector.address"),
              IsEmpty());
  EXPECT_THAT(ErrorOf({"--no-log-level"}), HasSubstr("unknown flag"));
}

TEST(Settings, MinusIsAValueAndAnotherFlagIsNone) {
  EXPECT_EQ(LoadAs(Program::kAgent, {"--alerts", "-"})->Str("alerts.path"), "-");
  EXPECT_THAT(ErrorOf({"--alerts", "--rules", "x"}), HasSubstr("--alerts needs a value"));
  EXPECT_THAT(ErrorOf({"--alerts"}), HasSubstr("--alerts needs a value"));
}

TEST(Settings, RefuseUnknownNamesWithASuggestion) {
  EXPECT_THAT(ErrorOf({"--colector", "x"}),
              HasSubstr("unknown flag --colector (did you mean '--collector'?); see vakt-agent"));
  EXPECT_THAT(ErrorOf({"run"}), HasSubstr("unexpected argument 'run'"));
  const std::string path = FileWith("unknown", "\ncollector:\n  adress: x\n");
  EXPECT_THAT(ErrorOf({"--config", path}),
              HasSubstr(path + ":3: unknown setting 'collector.adress' (did you mean "
                               "'collector.address'?)"));
  const std::string other = FileWith("other", "store: {dir: x}\n");
  EXPECT_THAT(ErrorOf({"--config", other}), HasSubstr("is a setting of vakt-collector"));
}

TEST(Settings, RefuseBadValuesAndSayWhere) {
  EXPECT_THAT(ErrorOf({"--ring-bytes=1"}), HasSubstr("flag --ring-bytes: 1 is too small"));
  EXPECT_THAT(ErrorOf({}, {{"VAKT_HEARTBEAT", "soon"}}),
              HasSubstr("environment variable VAKT_HEARTBEAT: 'soon' is not a duration"));
  const std::string path = FileWith("bad", "log:\n  level: loud\n");
  EXPECT_THAT(ErrorOf({"--config", path}), HasSubstr(path + ":2: log.level: 'loud' is not one of"));
  const std::string list = FileWith("list", "node: {name: [a, b]}\n");
  EXPECT_THAT(ErrorOf({"--config", list}), HasSubstr("takes one value, not a list"));
  EXPECT_THAT(ErrorOf({"--config", "/nonexistent/x.yaml"}), HasSubstr("/nonexistent/x.yaml"));
}

TEST(Settings, HelpAndVersionDoNotCheckTheRest) {
  EXPECT_TRUE(LoadAs(Program::kAgent, {"--help", "--nonsense"})->help_requested());
  EXPECT_TRUE(
      LoadAs(Program::kAgent, {"--version", "--config", "/nonexistent"})->version_requested());
  EXPECT_TRUE(LoadAs(Program::kAgent, {"--print-config"})->print_config_requested());
}

TEST(Settings, PassOnWhatIsNotTheirs) {
  std::vector<std::string> rest;
  auto settings =
      LoadAs(Program::kVaktctl,
             {"alerts", "tail", "--collector", "a:1", "--count", "1", "--", "--format"}, {}, &rest);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->Str("collector.address"), "a:1");
  EXPECT_THAT(rest, ElementsAre("alerts", "tail", "--count", "1", "--format"));
}

TEST(Settings, PrintedConfigIsAFileWithTheSameValues) {
  const std::vector<std::string> arguments = {"--collector", "a:1",  "--rules",     "/x y,-z",
                                              "--alerts",    "-",    "--node-name", "\"#: n\"",
                                              "--log-level", "error"};
  auto first = LoadAs(Program::kAgent, arguments);
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string text = first->PrintConfig();
  EXPECT_THAT(text, HasSubstr("collector:\n  address: [a:1]  # flag --collector\n"));
  EXPECT_THAT(text, HasSubstr("heartbeat: 10s  # default\n"));
  auto second = LoadAs(Program::kAgent, {"--config", FileWith("printed", text)});
  ASSERT_TRUE(second.ok()) << second.status() << "\n" << text;
  EXPECT_EQ(second->Str("node.name"), "\"#: n\"");
  EXPECT_EQ(second->Str("alerts.path"), "-");
  EXPECT_THAT(second->List("rules.paths"), ElementsAre("/x y", "-z"));
  EXPECT_THAT(second->PrintConfig(), HasSubstr("printed:"));
}

TEST(Settings, HelpNamesEveryFlagAndDefault) {
  for (Program program : {Program::kAgent, Program::kCollector, Program::kVaktctl}) {
    const std::string help = Settings::Help(program);
    for (const SettingRow& row : AllSettings()) {
      if (!row.in(program)) continue;
      EXPECT_THAT(help, HasSubstr("  " + std::string(row.flag)));
      EXPECT_THAT(help, HasSubstr(std::string(row.default_text)));
    }
    for (const char* flag : {"--config", "--print-config", "--version", "--help"}) {
      EXPECT_THAT(help, HasSubstr(flag));
    }
  }
  EXPECT_THAT(Settings::Help(Program::kAgent), Not(HasSubstr("--data-dir")));
}

// What the rest of the code takes for granted about the table.
TEST(SettingTable, IsWellFormed) {
  for (const SettingRow& row : AllSettings()) {
    SCOPED_TRACE(std::string(row.name));
    EXPECT_NE(row.programs, 0);
    EXPECT_TRUE(row.flag.starts_with("--") && !row.flag.starts_with("--no-")) << row.flag;
    EXPECT_EQ(std::count(row.name.begin(), row.name.end(), '.'), 1);
    EXPECT_EQ(row.type == SettingType::kEnum, !row.choices.empty());
    EXPECT_TRUE(CheckSettingValue(row, row.default_text).ok());
    EXPECT_TRUE(row.text.ends_with('.')) << row.text;
  }
}

TEST(SettingTable, NamesAndFlagsAreUniqueInEachProgramAndGroupsStayTogether) {
  for (Program program : {Program::kAgent, Program::kCollector, Program::kVaktctl}) {
    std::set<std::string_view> names, flags, groups;
    std::string_view group;
    for (const SettingRow& row : AllSettings()) {
      if (!row.in(program)) continue;
      EXPECT_TRUE(names.insert(row.name).second) << row.name;
      EXPECT_TRUE(flags.insert(row.flag).second) << row.flag;
      const std::string_view now = row.name.substr(0, row.name.find('.'));
      EXPECT_TRUE(now == group || groups.insert(now).second) << now;
      group = now;
    }
  }
}

TEST(SettingTable, VariablesComeFromFlags) {
  const SettingRow* row = FindSettingByFlag(Program::kAgent, "--tls-ca");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(SettingEnvironmentName(*row), "VAKT_TLS_CA");
}

TEST(Settings, KeepsGroupsWhoseNamesTheOperatorChose) {
  const std::string path = FileWith(
      "groups", "sinks:\n  siem:\n    kind: http\n    tags: [a, b]\n  copy: {kind: file}\n");
  const auto settings = LoadAs(Program::kCollector, {"--config", path});
  ASSERT_TRUE(settings.ok()) << settings.status();
  const std::vector<GroupValue> sinks = settings->Group("sinks");
  ASSERT_EQ(sinks.size(), 3u);
  EXPECT_EQ(sinks[0].name, "siem.kind");
  EXPECT_EQ(sinks[0].place, path + ":3");
  EXPECT_THAT(sinks[1].values, ElementsAre("a", "b"));
  EXPECT_TRUE(sinks[1].sequence);
  EXPECT_EQ(sinks[2].name, "copy.kind");
  EXPECT_THAT(settings->Group("sink"), IsEmpty());

  const std::string text = settings->PrintConfig();
  EXPECT_THAT(text,
              HasSubstr("sinks:\n  siem:\n    kind: http  # " + path + ":3\n    tags: [a, b]"));
  const auto again = LoadAs(Program::kCollector, {"--config", FileWith("groups_printed", text)});
  ASSERT_TRUE(again.ok()) << again.status() << text;
  EXPECT_EQ(again->Group("sinks").size(), 3u);

  EXPECT_THAT(ErrorOf({"--config", path}),
              HasSubstr(path + ":3: unknown setting 'sinks.siem.kind'"));
}

}  // namespace
}  // namespace vakt

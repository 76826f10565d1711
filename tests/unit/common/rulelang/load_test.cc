// SPDX-License-Identifier: Apache-2.0
// Rule files: lists, macros, appends, overrides, exceptions, versions, and what is wrong with them.
#include "common/rulelang/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/base/file.h"
#include "common/base/strings.h"
#include "common/rulelang/eval.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/common/rulelang/rule_text.h"

namespace vakt {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class LoadTest : public testing::Test {
 protected:
  // Whether rule "r" of the files fires on bash's opening of /etc/shadow.
  bool Fires(const std::vector<std::string>& texts) {
    const LoadResult result = LoadTexts(texts);
    EXPECT_THAT(ErrorsOf(result), IsEmpty());
    if (!result.ok) return false;
    Extractor scratch;
    const Event event = OpenEvent(processes_);
    for (const Rule& rule : result.rules->rules) {
      if (rule.name == "r") return Evaluate(*rule.condition, event, scratch);
    }
    return false;
  }

  SampleProcesses processes_;
};

TEST_F(LoadTest, RuleHasItsProperties) {
  const LoadResult result = LoadTexts({R"(
- rule: A rule
  desc: what it is for
  condition: evt.type in (open, openat)
  output: opened %fd.name by %proc.name
  priority: critical
  tags: [b, a, b]
  attack: [T1003.008]
  runbook: https://example.org/runbook
)"});
  ASSERT_THAT(ErrorsOf(result), IsEmpty());
  EXPECT_THAT(WarningsOf(result), IsEmpty());
  ASSERT_EQ(result.rules->rules.size(), 1u);
  const Rule& rule = result.rules->rules[0];
  EXPECT_EQ(rule.name, "A rule");
  EXPECT_EQ(rule.priority, 2);
  EXPECT_THAT(rule.tags, ElementsAre("a", "b"));
  EXPECT_THAT(rule.attack.techniques, ElementsAre("T1003.008"));
  EXPECT_EQ(rule.event_types.size(), 2u);
  EXPECT_EQ(rule.kinds, KindBit(Kind::file_open));
  EXPECT_EQ(rule.file, "a.yaml");
  EXPECT_EQ(rule.position.line, 2);
  EXPECT_EQ(result.rules->hash.size(), 64u);
  EXPECT_EQ(result.files[0].rules, 1);
}

TEST_F(LoadTest, OurKeysAreRead) {
  const LoadResult result = LoadTexts({R"yaml(
- macro: shell
  condition: proc.name in (sh, bash)
- rule: r
  desc: d
  condition: evt.type = openat
  output: o
  priority: INFO
  attack: {version: "17.1", techniques: [T1003.008, T1552]}
  controls:
    - {framework: pci-dss, version: 4.0.1, id: 10.2.1.2, strength: detects, rationale: why}
  throttle: {alerts: 5, per: 1m30s, by: [container.id, "tolower(proc.name)"]}
  correlate:
    count: 3
    within: 10m
    by: proc.sid
    then:
      - evt.type = execve and shell
)yaml",
                                       R"yaml(
- rule: r
  runbook: https://example.org/r
)yaml"});
  ASSERT_THAT(ErrorsOf(result), IsEmpty());
  EXPECT_THAT(WarningsOf(result), IsEmpty());
  ASSERT_EQ(result.rules->rules.size(), 2u);
  const Rule& rule = result.rules->rules[0];
  EXPECT_EQ(rule.attack.version, "17.1");
  EXPECT_THAT(rule.attack.techniques, ElementsAre("T1003.008", "T1552"));
  ASSERT_EQ(rule.controls.size(), 1u);
  EXPECT_EQ(rule.controls[0].id, "10.2.1.2");
  EXPECT_EQ(rule.controls[0].strength, "detects");
  EXPECT_EQ(rule.runbook, "https://example.org/r");
  EXPECT_EQ(rule.throttle->alerts, 5u);
  EXPECT_EQ(rule.throttle->per_ns, 90'000'000'000u);
  ASSERT_EQ(rule.throttle->by.size(), 2u);
  EXPECT_EQ(rule.throttle->by[1].ToText(), "tolower(proc.name)");
  EXPECT_EQ(rule.correlate->count, 3u);
  EXPECT_EQ(rule.correlate->steps, 1u);
  const Rule& step = result.rules->rules[1];
  EXPECT_EQ(step.step, 1u);
  EXPECT_TRUE(step.is_part() && rule.is_part());
  EXPECT_TRUE(step.event_types.Contains(FindEventType("execve")->id));
}

TEST_F(LoadTest, OurKeysAreChecked) {
  struct Bad {
    std::string_view keys;
    std::string_view error;
  };
  constexpr Bad kBad[] = {
      {"attack: [T12]", "no technique"},
      {"attack: {techniques: [T1003.1]}", "no technique"},
      {"attack: {id: T1003}", "no key"},
      {"controls: pci", "sequence"},
      {"controls: [{framework: x, id: y}]", "needs `strength`"},
      {"controls: [{framework: x, id: y, strength: strong}]", "detects, evidences or supports"},
      {"throttle: 5", "is a mapping"},
      {"throttle: {alerts: 5}", "needs `per`"},
      {"throttle: {per: 5}", "needs `per`"},
      {"throttle: {per: 25h}", "1s to 24h"},
      {"throttle: {per: 1m, alerts: 0}", "from 1"},
      {"throttle: {per: 1m, by: [no.field]}", "no field no.field"},
      {"throttle: {per: 1m, by: [fd.ip]}", "may not be printed"},
      {"throttle: {per: 1m, by: []}", "1 to 8"},
      {"correlate: {within: 1m}", "above 1"},
      {"correlate: {count: 2}", "needs `within`"},
      {"correlate: {count: 1001, within: 1m}", "to 1000"},
      {"correlate: {within: 1m, then: [evt.type =]}", "expected a value"},
      {"correlate: {within: 1m, then: [nosuch]}", "no macro nosuch"},
      {"correlate: {within: 1m, then: [a, b, c, d, e, f, g, h, i]}", "1 to 8"},
  };
  for (const Bad& bad : kBad) {
    const LoadResult result =
        LoadTexts({StrCat(RuleWith("evt.type = openat"), "\n  ", bad.keys, "\n")});
    EXPECT_THAT(ErrorsOf(result), ElementsAre(HasSubstr(bad.error))) << bad.keys;
  }
}

TEST_F(LoadTest, ListsExpandWhereverTheyAre) {
  const std::string lists = R"yaml(
- list: shells
  items: [bash, zsh]
- list: nested
  items: [nginx, shells]
- list: one
  items: [bash]
- list: none
  items: []
- list: bash
  items: [bash, dash]
- list: special
  items: ['"(bash)"', 'runc:[0:PARENT]', "with blank", 42]
)yaml";
  EXPECT_TRUE(Fires({lists + RuleWith("proc.name in (shells)")}));
  EXPECT_TRUE(Fires({lists + RuleWith("proc.name in (nested, other)")}));
  EXPECT_TRUE(Fires({lists + RuleWith("proc.name in shells")}));
  EXPECT_TRUE(Fires({lists + RuleWith("proc.name = \"bash\"")}));
  EXPECT_TRUE(Fires({RuleWith("proc.name in (later)") + "- list: later\n  items: [bash]\n"}));
  EXPECT_FALSE(Fires({lists + RuleWith("proc.name in (none)")}));
  EXPECT_FALSE(Fires({lists + RuleWith("proc.name in (\"shells\")")}));
  EXPECT_TRUE(Fires({lists + RuleWith("proc.name startswith anyof (shells)")}));
  EXPECT_TRUE(Fires({lists + RuleWith("proc.name in (bash)")}));  // the list names itself
  const LoadResult result = LoadTexts({lists + RuleWith("proc.name in (special)")});
  ASSERT_TRUE(result.ok);
  EXPECT_EQ(result.rules->rules[0].condition->check->ToText(),
            "proc.name in (\"(bash)\", \"runc:[0:PARENT]\", \"with blank\", \"42\")");
}

TEST_F(LoadTest, ScalarTakesAListOfOne) {
  EXPECT_TRUE(Fires({"- list: one\n  items: [bash]\n" + RuleWith("proc.name = one")}));
  EXPECT_THAT(ErrorsOf(LoadTexts({"- list: two\n  items: [a, b]\n" + RuleWith("proc.name = two")})),
              ElementsAre(HasSubstr("takes one value and the list two has 2")));
}

TEST_F(LoadTest, MacrosAreParenthesised) {
  const std::string macro = "- macro: m\n  condition: proc.name = bash or proc.name = zsh\n";
  EXPECT_FALSE(Fires({macro + RuleWith("m and fd.name = /x")}));
  EXPECT_TRUE(Fires({RuleWith("m and fd.name = /etc/shadow"), macro}));
}

TEST_F(LoadTest, MacroSeesEarlierOnesOnly) {
  const std::string user = "- macro: user\n  condition: later\n";
  const std::string later = "- macro: later\n  condition: proc.name = bash\n";
  EXPECT_THAT(ErrorsOf(LoadTexts({user + later + RuleWith("user")})),
              ElementsAre(HasSubstr("defined only further down")));
  // Redefining the first one moves what it sees, not where it is.
  EXPECT_TRUE(Fires({user + later + user + RuleWith("user")}));
}

TEST_F(LoadTest, MacroErrors) {
  EXPECT_THAT(ErrorsOf(LoadTexts({RuleWith("nosuch")})),
              ElementsAre("LOAD_ERR_VALIDATE: there is no macro nosuch"));
  EXPECT_THAT(ErrorsOf(LoadTexts({"- macro: a\n  condition: proc.name = x\n"
                                  "- macro: b\n  condition: a\n"
                                  "- macro: a\n  condition: b\n"})),
              Contains(HasSubstr("reference loop in macro")));
  EXPECT_THAT(ErrorsOf(LoadTexts({"- macro: a\n  condition: a\n"})),
              Contains(StartsWith("LOAD_ERR")));
}

TEST_F(LoadTest, LaterFilesRedefineAndAppend) {
  const std::string base =
      "- macro: m\n  condition: proc.name = zsh\n"
      "- list: l\n  items: [zsh]\n";
  EXPECT_FALSE(Fires({base + RuleWith("m or proc.name in (l)")}));
  EXPECT_TRUE(Fires({base + RuleWith("m"), "- macro: m\n  condition: proc.name = bash\n"}));
  EXPECT_TRUE(Fires(
      {base + RuleWith("m"), "- macro: m\n  condition: or proc.name = bash\n  append: true\n"}));
  EXPECT_TRUE(Fires({base + RuleWith("m"),
                     "- macro: m\n  condition: or proc.name = bash\n"
                     "  override: {condition: append}\n"}));
  EXPECT_TRUE(Fires({base + RuleWith("proc.name in (l)"),
                     "- list: l\n  items: [bash]\n  override: {items: append}\n"}));
  EXPECT_FALSE(Fires({base + RuleWith("proc.name in (l)"), "- list: l\n  items: [ash]\n"}));
  EXPECT_THAT(ErrorsOf(LoadTexts({"- list: x\n  items: [a]\n  append: true\n"})),
              ElementsAre(HasSubstr("no list of this name")));
}

TEST_F(LoadTest, RulesAreAppendedToAndOverridden) {
  const std::string rule = RuleWith("proc.name = zsh");
  EXPECT_TRUE(Fires({rule, "- rule: r\n  condition: or proc.name = bash\n  append: true\n"}));
  EXPECT_TRUE(Fires({rule,
                     "- rule: r\n  condition: or proc.name = bash\n"
                     "  override: {condition: append}\n"}));
  EXPECT_TRUE(Fires({rule,
                     "- rule: r\n  condition: proc.name = bash\n"
                     "  override: {condition: replace}\n"}));
  const LoadResult result =
      LoadTexts({rule,
                 "- rule: r\n  output: more\n  priority: ERROR\n  tags: [t]\n  desc: e\n"
                 "  override: {output: append, priority: replace, tags: append, desc: replace}\n"});
  ASSERT_THAT(ErrorsOf(result), IsEmpty());
  EXPECT_EQ(result.rules->rules[0].output_text, "o more");
  EXPECT_EQ(result.rules->rules[0].priority, 3);
  EXPECT_EQ(result.rules->rules[0].desc, "e");
}

TEST_F(LoadTest, OverrideIsStrict) {
  const std::string rule = RuleWith("proc.name = zsh");
  const auto errors = [&](std::string_view keys) {
    return ErrorsOf(LoadTexts({rule, StrCat("- rule: r\n", keys)}));
  };
  EXPECT_THAT(errors("  override: {condition: append}\n"), ElementsAre(HasSubstr("does not have")));
  EXPECT_THAT(errors("  desc: d\n  output: o\n  override: {desc: append}\n"),
              ElementsAre(HasSubstr("must be named in `override`")));
  EXPECT_THAT(errors("  priority: INFO\n  override: {priority: append}\n"),
              ElementsAre(HasSubstr("can be replaced, not appended to")));
  EXPECT_THAT(errors("  source: x\n  override: {source: replace}\n"),
              ElementsAre(HasSubstr("cannot be overridden")));
  EXPECT_THAT(errors("  desc: d\n  append: true\n  override: {desc: append}\n"),
              ElementsAre(HasSubstr("exclude each other")));
  EXPECT_THAT(ErrorsOf(LoadTexts({"- rule: x\n  desc: d\n  override: {desc: append}\n"})),
              ElementsAre(HasSubstr("no rule of this name")));
}

TEST_F(LoadTest, RulesAreSwitchedOffAndOn) {
  const std::string rule = RuleWith("proc.name = bash");
  EXPECT_FALSE(Fires({rule, "- rule: r\n  enabled: false\n"}));
  EXPECT_TRUE(Fires({rule, "- rule: r\n  enabled: false\n",
                     "- rule: r\n  enabled: true\n  override: {enabled: replace}\n"}));
  EXPECT_THAT(ErrorsOf(LoadTexts({"- rule: r\n  enabled: false\n"})),
              ElementsAre(HasSubstr("no rule of this name")));
}

TEST_F(LoadTest, RedefinitionKeepsTheRulesPlace) {
  const auto named = [](std::string_view name) {
    return StrCat("- rule: ", name, "\n  desc: d\n  priority: INFO\n  output: o\n",
                  "  condition: evt.type = open\n");
  };
  const LoadResult result = LoadTexts({named("a") + named("b"), named("a")});
  ASSERT_TRUE(result.ok);
  EXPECT_EQ(result.rules->rules[0].name, "a");
  EXPECT_EQ(result.rules->rules[1].index, 1u);
}

TEST_F(LoadTest, ExceptionsTakeAway) {
  const std::string rule = RuleWith("proc.name = bash");
  EXPECT_FALSE(Fires({rule + R"(  exceptions:
    - name: e
      fields: [proc.pname, fd.directory]
      values: [[sshd, /etc], [cron, /]]
)"}));
  EXPECT_TRUE(Fires({rule + R"(  exceptions:
    - name: e
      fields: [proc.pname, fd.directory]
      comps: [=, "!="]
      values: [[sshd, /etc]]
)"}));
  EXPECT_FALSE(Fires({rule + R"(  exceptions:
    - name: e
      fields: fd.name
      comps: pmatch
      values: [/usr, /etc]
)"}));
  EXPECT_FALSE(Fires({rule + R"(  exceptions:
    - name: e
      fields: [proc.pname]
      comps: [in]
      values: [[[cron, sshd]]]
)"}));
  EXPECT_FALSE(Fires({rule + "  exceptions:\n    - {name: e, fields: proc.name, comps: startswith "
                             "anyof}\n",
                      R"(
- rule: r
  exceptions: [{name: e, values: [ba, za]}]
  override: {exceptions: append}
)"}));
  EXPECT_FALSE(Fires({"- list: l\n  items: [sshd]\n" + rule + R"(  exceptions:
    - {name: e, fields: proc.pname, values: [l]}
    - {name: f, fields: [proc.name], values: [[toupper(proc.pname)]]}
)"}));
}

TEST_F(LoadTest, ExceptionErrors) {
  const auto errors = [&](std::string_view exception) {
    return ErrorsOf(
        LoadTexts({StrCat(RuleWith("proc.name = bash"), "  exceptions: [", exception, "]\n")}));
  };
  EXPECT_THAT(errors("{fields: proc.name}"), ElementsAre(HasSubstr("needs a `name`")));
  EXPECT_THAT(errors("{name: e}"), ElementsAre(HasSubstr("needs `fields`")));
  EXPECT_THAT(errors("{name: e, fields: no.such}"), ElementsAre(HasSubstr("no field no.such")));
  EXPECT_THAT(errors("{name: e, fields: proc.name, comps: '='}"),
              ElementsAre(HasSubstr("with one field")));
  EXPECT_THAT(errors("{name: e, fields: [proc.name], comps: [like]}"),
              ElementsAre(HasSubstr("'like' is no comparison operator")));
  EXPECT_THAT(errors("{name: e, fields: [proc.name], comps: [in, in]}"),
              ElementsAre(HasSubstr("1 fields and 2 comps")));
  EXPECT_THAT(errors("{name: e, fields: [proc.name], values: [[a, b]]}"),
              ElementsAre(HasSubstr("a sequence of 1 values")));
}

TEST_F(LoadTest, TypesAreChecked) {
  EXPECT_THAT(ConditionErrors("proc.pid = x"), ElementsAre(HasSubstr("'x' is no whole number")));
  EXPECT_THAT(ConditionErrors("proc.pid contains 1"), ElementsAre(HasSubstr("does not apply")));
  EXPECT_THAT(ConditionErrors("proc.tty = -1"), ElementsAre(HasSubstr("negative")));
  EXPECT_THAT(ConditionErrors("evt.failed = yes"), ElementsAre(HasSubstr("truth value")));
  EXPECT_THAT(ConditionErrors("fd.sip = 10.0.0"), ElementsAre(HasSubstr("no IP address")));
  EXPECT_THAT(ConditionErrors("fd.net = 10.0.0.1"), ElementsAre(HasSubstr("address/bits")));
  EXPECT_THAT(ConditionErrors("fd.net = 10.0.0.1/33"), ElementsAre(HasSubstr("0 to 32")));
  EXPECT_THAT(ConditionErrors("fd.sport = 70000"), ElementsAre(HasSubstr("0 to 65535")));
  EXPECT_THAT(ConditionErrors("fd.sport = nosuchservice"), ElementsAre(HasSubstr("service name")));
  EXPECT_THAT(ConditionErrors("fd.name regex '['"), ElementsAre(HasSubstr("regular expression")));
  EXPECT_THAT(ConditionErrors("fd.name regex val(proc.name)"), ElementsAre(HasSubstr("constants")));
  EXPECT_THAT(ConditionErrors("proc.name = val(proc.pid)"), ElementsAre(HasSubstr("not compare")));
  EXPECT_THAT(ConditionErrors("proc.pid = val(fd.ip)"), ElementsAre(HasSubstr("to the right")));
  EXPECT_THAT(ConditionErrors("tolower(proc.aname) = x"), ElementsAre(HasSubstr("transformer")));
  EXPECT_THAT(ConditionErrors("tolower(proc.pid) = x"), ElementsAre(HasSubstr("takes strings")));
  EXPECT_THAT(ConditionErrors("getopt(proc.args, \"a\") = x"), ElementsAre(HasSubstr("getopt")));
  EXPECT_THAT(ConditionErrors("proc.name[1] = x"), ElementsAre(HasSubstr("takes no argument")));
  EXPECT_THAT(ConditionErrors("evt.arg = x"), ElementsAre(HasSubstr("needs an argument")));
  EXPECT_THAT(ConditionErrors("evt.arg.nosuch = x"), ElementsAre(HasSubstr("parameter nosuch")));
  EXPECT_THAT(ConditionErrors("evt.type = nosuch"), ElementsAre(HasSubstr("unknown event type")));
  EXPECT_THAT(ConditionErrors("evt.type = val(proc.name)"),
              ElementsAre(HasSubstr("constants only")));
  EXPECT_THAT(ConditionErrors("proc.nmae = x"), ElementsAre(HasSubstr("no field proc.nmae")));
  EXPECT_THAT(ConditionErrors("fd.types contains x"), ElementsAre(HasSubstr("is a list")));
  EXPECT_THAT(ConditionErrors("evt.buffer bcontains abc"),
              ElementsAre(HasSubstr("two digits each")));
}

TEST_F(LoadTest, UnknownFieldsMayBeSkipped) {
  const LoadResult result =
      LoadTexts({RuleWith("proc.nmae = x") + "  skip-if-unknown-filter: true\n"});
  EXPECT_TRUE(result.ok);
  EXPECT_THAT(WarningsOf(result), ElementsAre(StartsWith("LOAD_UNKNOWN_FILTER: ")));
  EXPECT_TRUE(result.rules->rules.empty());
}

TEST_F(LoadTest, Warnings) {
  const auto warnings = [](const std::string& text) { return WarningsOf(LoadTexts({text})); };
  const std::string rule = RuleWith("evt.type = open");
  EXPECT_THAT(warnings("- list: l\n  items: []\n"), ElementsAre(StartsWith("LOAD_UNUSED_LIST")));
  EXPECT_THAT(warnings("- macro: m\n  condition: proc.name = x\n"),
              ElementsAre(StartsWith("LOAD_UNUSED_MACRO")));
  EXPECT_THAT(warnings("- thing: x\n"), ElementsAre(StartsWith("LOAD_UNKNOWN_ITEM")));
  EXPECT_THAT(warnings(rule + "  colour: red\n"), ElementsAre(StartsWith("LOAD_UNKNOWN_KEY")));
  EXPECT_THAT(warnings(rule + "  source: k8s_audit\n"),
              ElementsAre(StartsWith("LOAD_UNKNOWN_SOURCE")));
  EXPECT_THAT(warnings(RuleWith("proc.name = x")), ElementsAre(StartsWith("LOAD_NO_EVTTYPE")));
  EXPECT_THAT(warnings(RuleWith("proc.name = x") + "  warn_evttypes: false\n"), IsEmpty());
  EXPECT_THAT(warnings(RuleWith("evt.type = getcwd")), ElementsAre(StartsWith("LOAD_NO_PROBE")));
  EXPECT_THAT(warnings(RuleWith("evt.type = open and proc.name = proc.pname")),
              ElementsAre(StartsWith("LOAD_COMPILE_CONDITION")));
  EXPECT_THAT(warnings(RuleWith("evt.type = open and fd.name regex abc")),
              ElementsAre(StartsWith("LOAD_COMPILE_CONDITION")));
  EXPECT_THAT(warnings(RuleWith("evt.type = open and evt.dir = <")),
              ElementsAre(StartsWith("LOAD_DEPRECATED_ITEM")));
  EXPECT_THAT(warnings(RuleWith("evt.type = open and container.cni.json = x")),
              ElementsAre(StartsWith("LOAD_FIELD_NOT_IMPLEMENTED")));
}

TEST_F(LoadTest, ProgramsMayBeNamedLikeTransformers) {
  const std::string list = "- list: programs\n  items: [basename, join]\n";
  EXPECT_THAT(
      WarningsOf(LoadTexts({list + RuleWith("evt.type = execve and proc.name in (programs)")})),
      IsEmpty());
}

TEST_F(LoadTest, VersionsAreChecked) {
  const auto errors = [](const std::string& text) { return ErrorsOf(LoadTexts({text})); };
  EXPECT_THAT(errors("- required_engine_version: 0.57.0\n- required_engine_version: 26\n"),
              IsEmpty());
  EXPECT_THAT(errors("- required_engine_version: 0.63.0\n"), ElementsAre(HasSubstr("requires")));
  EXPECT_THAT(errors("- required_engine_version: 1.0.0\n"), ElementsAre(HasSubstr("requires")));
  EXPECT_THAT(errors("- required_engine_version: new\n"), ElementsAre(HasSubstr("a number")));
  const std::string plugins = "- required_plugin_versions:\n  - ";
  EXPECT_THAT(errors(plugins + "{name: container, version: 0.4.0}\n"), IsEmpty());
  EXPECT_THAT(errors(plugins + "{name: container, version: 0.8.0}\n"),
              ElementsAre(HasSubstr("0.7.0")));
  EXPECT_THAT(errors(plugins + "{name: json, version: 0.1.0}\n"), ElementsAre(HasSubstr("json")));
  EXPECT_THAT(errors(plugins + "{name: json, version: 0.1.0, alternatives: [{name: container, "
                               "version: 0.1.0}]}\n"),
              IsEmpty());
}

TEST_F(LoadTest, StructureIsChecked) {
  const auto errors = [](const std::string& text) { return ErrorsOf(LoadTexts({text})); };
  EXPECT_THAT(errors(""), IsEmpty());
  EXPECT_THAT(errors("---\n---\n-\n"), IsEmpty());
  EXPECT_THAT(errors("a: b\n"), ElementsAre(StartsWith("LOAD_ERR_YAML_VALIDATE")));
  EXPECT_THAT(errors("- just text\n"), ElementsAre(StartsWith("LOAD_ERR_YAML_VALIDATE")));
  EXPECT_THAT(errors("- rule: [\n"), ElementsAre(StartsWith("LOAD_ERR_YAML_PARSE")));
  EXPECT_THAT(errors("- rule: x\n  desc: d\n"), ElementsAre(HasSubstr("needs `condition`")));
  EXPECT_THAT(errors("- rule: ''\n  desc: d\n"), ElementsAre(HasSubstr("needs a name")));
  EXPECT_THAT(errors("- list: x\n"), ElementsAre(HasSubstr("needs `items`")));
  EXPECT_THAT(errors("- macro: x\n"), ElementsAre(HasSubstr("needs a `condition`")));
  EXPECT_THAT(errors(RuleWith("evt.type = open") + "  enabled: perhaps\n"),
              ElementsAre(HasSubstr("true or false")));
  EXPECT_THAT(errors("- rule: x\n  desc: d\n  condition: evt.type = open\n  output: '%no.such'\n"
                     "  priority: INFO\n"),
              ElementsAre(StartsWith("LOAD_ERR_COMPILE_OUTPUT")));
  EXPECT_THAT(errors("- rule: x\n  desc: d\n  condition: a\n  output: o\n  priority: HIGH\n"),
              ElementsAre(HasSubstr("is no priority")));
}

TEST_F(LoadTest, MessagesSayWhere) {
  const LoadResult result = LoadTexts({"- list: x\n  items: []\n" + std::string(R"(
- rule: r
  desc: d
  priority: INFO
  output: o
  condition: >
    evt.type = open and
      no.such = 1
)")});
  ASSERT_EQ(result.files[0].errors.size(), 1u);
  const LoadMessage& error = result.files[0].errors[0];
  EXPECT_EQ(error.item_kind, "rule");
  EXPECT_EQ(error.item_name, "r");
  EXPECT_EQ(error.line, 10);
  EXPECT_EQ(error.column, 7);
}

TEST_F(LoadTest, HostileFilesEndWithAnError) {
  const auto errors = [](const std::string& text) { return ErrorsOf(LoadTexts({text})); };
  EXPECT_THAT(errors("- &a [x]\n- *a\n"), ElementsAre(HasSubstr("aliases")));
  EXPECT_THAT(errors(std::string(100000, '[')), ElementsAre(StartsWith("LOAD_ERR_YAML_PARSE")));
  EXPECT_THAT(errors("- rule: \xff\n"), ElementsAre(HasSubstr("UTF-8")));
  EXPECT_THAT(errors(std::string("-\0", 2)), ElementsAre(HasSubstr("NUL")));
  EXPECT_THAT(errors(std::string((16 << 20) + 1, ' ')), ElementsAre(HasSubstr("bytes")));
  std::string many = "- list: l\n  items: [";
  for (int i = 0; i < 450000; ++i) many += "a,";
  EXPECT_THAT(errors(many + "]\n"), ElementsAre(HasSubstr("more than 400000 values")));
}

TEST_F(LoadTest, HostileShapesEndInBoundedTime) {
  const auto errors = [](const std::string& text) { return ErrorsOf(LoadTexts({text})); };
  std::string bomb = "- &a0 [x, x]\n";
  for (int i = 1; i < 40; ++i) bomb += StrCat("- &a", i, " [*a", i - 1, ", *a", i - 1, "]\n");
  EXPECT_THAT(errors(bomb), ElementsAre(HasSubstr("aliases")));
  for (const std::string_view open : {"{a: ", "- ", "? ", "[{", "!!x ", "&a "}) {
    std::string deep;
    while (deep.size() < 200000) deep += open;
    EXPECT_THAT(errors(deep), Contains(StartsWith("LOAD_ERR_YAML"))) << open;
  }
  const std::string regex(1 << 20, 'a');
  EXPECT_THAT(errors(RuleWith(StrCat("proc.name regex ", regex))),
              ElementsAre(HasSubstr("a regular expression of 1048576 bytes")));
  EXPECT_THAT(errors(RuleWith("proc.name regex '((a{1,900}){1,900}){1,900}'")),
              ElementsAre(HasSubstr("no regular expression")));
  std::string rules;
  for (int i = 0; i < 100'000; ++i) {
    rules += StrCat("- rule: r", i, "\n  desc: d\n  output: o\n  priority: INFO\n",
                    "  condition: evt.type = open\n");
  }
  EXPECT_THAT(errors(rules), Contains(HasSubstr("more than 400000 values")));
  EXPECT_THAT(errors(RuleWith(std::string(1 << 20, '('))), ElementsAre(HasSubstr("nested")));
}

TEST_F(LoadTest, LineEndsByteOrderMarksAndTabs) {
  std::string text = RuleWith("evt.type = openat\n    and proc.name = bash");
  EXPECT_TRUE(Fires({"\xef\xbb\xbf" + text}));
  std::string windows;
  for (const char c : text) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_TRUE(Fires({windows}));
  EXPECT_THAT(ErrorsOf(LoadTexts({"- rule: r\n\tdesc: d\n"})),
              Contains(StartsWith("LOAD_ERR_YAML_PARSE")));
  EXPECT_THAT(WarningsOf(LoadTexts({text + "  desc: again\n"})),
              Contains(HasSubstr("appears twice")));
}

TEST_F(LoadTest, SelectionsSwitchRulesInTurn) {
  const auto rule = [](std::string_view name, std::string_view rest) {
    return StrCat("- rule: ", name, "\n  desc: d\n  output: o\n  priority: INFO\n",
                  "  condition: evt.type = open\n", rest);
  };
  const RuleFile file = {"a.yaml",
                         rule("A [shell] in", "  tags: [t1]\n") + rule("A file", "") +
                             rule("B", "  enabled: false\n  tags: [t1, t2]\n"),
                         ""};
  const auto active = [&](std::vector<std::string> texts) {
    auto selections = ParseRuleSelections(texts);
    EXPECT_TRUE(selections.ok()) << selections.status();
    LoadOptions options;
    options.selections = *selections;
    const LoadResult result = LoadRules({file}, options);
    std::string names = result.idle_selections.empty() ? "" : "idle ";
    for (const Rule& r : result.rules->rules) names += r.name + ";";
    return names;
  };
  EXPECT_EQ(active({}), "A [shell] in;A file;");
  EXPECT_EQ(active({"disable:rule:*", "enable:tag:t2"}), "B;");
  EXPECT_EQ(active({"enable:tag:t1", "disable:rule:A*"}), "B;");
  EXPECT_EQ(active({"disable:rule:A [shell] *"}), "A file;");
  EXPECT_EQ(active({"disable:rule:*", "enable:tag:t2", "enable:rule:A file", "enable:rule:*in"}),
            "A [shell] in;A file;B;");  // in the order of their definitions
  EXPECT_EQ(active({"disable:tag:nosuch"}), "idle A [shell] in;A file;");
  for (const std::string bad : {"rule:x", "disable:x", "enable:tag:", ""}) {
    EXPECT_FALSE(ParseRuleSelections({bad}).ok()) << bad;
  }
}

TEST_F(LoadTest, ListsAndMacrosThatGrowAreStopped) {
  std::string lists = "- list: l0\n  items: [a, b]\n";
  std::string macros = "- macro: m0\n  condition: proc.name = x\n";
  std::string empty = "- list: e0\n  items: []\n";
  for (int i = 1; i < 60; ++i) {
    lists += StrCat("- list: l", i, "\n  items: [l", i - 1, ", l", i - 1, "]\n");
    empty += StrCat("- list: e", i, "\n  items: [e", i - 1, ", e", i - 1, "]\n");
    macros += StrCat("- macro: m", i, "\n  condition: m", i - 1, " and not m", i - 1, "\n");
  }
  EXPECT_THAT(ErrorsOf(LoadTexts({lists + RuleWith("proc.name in (l59)")})),
              ElementsAre(HasSubstr("too large")));
  EXPECT_THAT(ErrorsOf(LoadTexts({empty + RuleWith("proc.name in (e59)")})),
              ElementsAre(HasSubstr("too large")));
  EXPECT_THAT(ErrorsOf(LoadTexts({macros + RuleWith("m59")})), ElementsAre(HasSubstr("too large")));
  std::string chain = "- macro: m0\n  condition: proc.name = x\n";
  for (int i = 1; i < 5000; ++i) chain += StrCat("- macro: m", i, "\n  condition: m", i - 1, "\n");
  EXPECT_THAT(ErrorsOf(LoadTexts({chain + RuleWith("m4999")})), ElementsAre(HasSubstr("nested")));
}

TEST(LoadRulesTest, TheLineEndOfABlockIsNotPartOfTheOutput) {
  const RuleFile file{"f.yaml",
                      "- rule: r\n  desc: >\n    why\n  condition: evt.type = open\n"
                      "  output: >\n    opened\n    a file\n  priority: INFO\n"};
  const LoadResult result = LoadRules({file});
  ASSERT_TRUE(result.ok);
  EXPECT_EQ(result.rules->rules[0].output_text, "opened a file");
  EXPECT_EQ(result.rules->rules[0].desc, "why");
}

TEST(ReadRuleFilesTest, ReadsFoldersInOrder) {
  const TemporaryDirectory directory;
  const std::string folder = directory.path() + "/rule_files";
  ASSERT_TRUE(MakeDirectories(folder + "/sub", 0755).ok());
  ASSERT_TRUE(MakeDirectories(folder + "/macros", 0755).ok());
  for (std::string_view name :
       {"/b.yml", "/a.yaml", "/sub/c.yaml", "/macros/d.yaml", "/a.test.yaml", "/readme.md"}) {
    std::ofstream(StrCat(folder, name)) << "# " << name;
  }
  const auto files = ReadRuleFiles({folder});
  ASSERT_TRUE(files.ok()) << files.status();
  std::vector<std::string> names;
  for (const RuleFile& file : *files) names.push_back(file.path.substr(folder.size()));
  EXPECT_THAT(names, ElementsAre("/macros/d.yaml", "/a.yaml", "/b.yml", "/sub/c.yaml"));
  // A Kubernetes volume: the files themselves, a link to their directory, and links to them.
  const std::string volume = directory.path() + "/rule_volume";
  ASSERT_TRUE(MakeDirectories(volume + "/..first", 0755).ok());
  ASSERT_TRUE(MakeDirectories(volume + "/..second", 0755).ok());
  for (std::string_view name : {"/..first/a.yaml", "/..second/a.yaml"}) {
    std::ofstream(StrCat(volume, name)) << "# " << name;
  }
  std::filesystem::create_directory_symlink("..first", volume + "/..data");
  std::filesystem::create_symlink("..data/a.yaml", volume + "/a.yaml");
  const auto linked = ReadRuleFiles({volume});
  ASSERT_TRUE(linked.ok());
  ASSERT_EQ(linked->size(), 1u);
  EXPECT_EQ((*linked)[0].content, "# /..first/a.yaml");
  const std::string before = RuleFilesStamp({{volume}});
  EXPECT_EQ(RuleFilesStamp({{volume}}), before);
  std::filesystem::create_directory_symlink("..second", volume + "/..new");
  std::filesystem::rename(volume + "/..new", volume + "/..data");
  EXPECT_NE(RuleFilesStamp({{volume}}), before);
  const auto missing = ReadRuleFiles({folder + "/nosuch"});
  ASSERT_TRUE(missing.ok());
  EXPECT_THAT(ErrorsOf(LoadRules(*missing)), ElementsAre(StartsWith("LOAD_ERR_FILE_READ: ")));
}

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
// What items of rule files may say, statement by statement.
#include "tests/unit/common/rulelang/statements.h"

namespace vakt {
namespace {

TEST(LanguageItemsTest, Files) {
  CheckStatements({
      {"multi documents", RuleText(kExec, R"(---
- rule: q
  desc: d
  condition: evt.type = execve and proc.name = x
  output: o
  priority: INFO
)"),
       ""},
      {"document must be a sequence", "a: b\n", "ERR_YAML_VALIDATE"},
      {"item must be mapping", "- a\n", "ERR_YAML_VALIDATE"},
      {"null documents and items", R"(---
---
- 
- ~
- rule: r
  desc: d
  condition: evt.type = execve and proc.name = x
  output: o
  priority: INFO
)",
       ""},
      {"empty file", "", ""},
      {"comment only", "# x\n", ""},
      {"scalar doc", "hello\n", "ERR_YAML_VALIDATE"},
      {"unknown item", "- foo: bar\n", "UNKNOWN_ITEM"},
      {"unknown key", RuleText(kExec, "  zork: 1\n"), "UNKNOWN_KEY"},
      {"kind by order list before macro", R"(- macro: m
  list: l
  items: [a]
  condition: c
- rule: r
  desc: d
  condition: evt.type=execve and proc.name in (l)
  output: o
  priority: INFO
)",
       "UNKNOWN_KEY"},
      {"kind by order rule & macro", R"(- rule: r
  macro: m
  condition: evt.type = execve
  desc: d
  output: o
  priority: INFO
- rule: q
  desc: d
  condition: m
  output: o
  priority: INFO
)",
       "UNKNOWN_KEY"},
      {"no env expansion", RuleText("evt.type = execve and proc.name = ${HOME}"), ""},
  });
}

TEST(LanguageItemsTest, Versions) {
  CheckStatements({
      {"version int", "- required_engine_version: 62\n", ""},
      {"version int 0", "- required_engine_version: 0\n", ""},
      {"version semver", "- required_engine_version: 0.62.0\n", ""},
      {"too new", "- required_engine_version: 63\n", "ERR_VALIDATE"},
      {"too new minor semver", "- required_engine_version: 0.62.1\n", "ERR_VALIDATE"},
      {"other major", "- required_engine_version: 1.0.0\n", "ERR_VALIDATE"},
      {"not parseable", "- required_engine_version: abc\n", "ERR_YAML_VALIDATE"},
      {"negative", "- required_engine_version: -1\n", "ERR_YAML_VALIDATE"},
      {"sequence version", "- required_engine_version: [1]\n", "ERR_YAML_VALIDATE"},
      {"container 0.4.0", R"(- required_plugin_versions:
  - name: container
    version: 0.4.0
)",
       ""},
      {"container 0.7.0", R"(- required_plugin_versions:
  - name: container
    version: 0.7.0
)",
       ""},
      {"container major", R"(- required_plugin_versions:
  - name: container
    version: 1.0.0
)",
       "ERR_VALIDATE"},
      {"json plugin", R"(- required_plugin_versions:
  - name: json
    version: 0.7.0
)",
       "ERR_VALIDATE"},
      {"alternative", R"(- required_plugin_versions:
  - name: k8saudit
    version: 0.7.0
    alternatives:
      - name: container
        version: 0.4.0
)",
       ""},
      {"plugin not seq", "- required_plugin_versions: x\n", "ERR_YAML_VALIDATE"},
      {"plugin missing version", R"(- required_plugin_versions:
  - name: container
)",
       "ERR_YAML_VALIDATE"},
  });
}

TEST(LanguageItemsTest, Lists) {
  CheckStatements({
      {"list empty", R"(- list: l
  items: []
- rule: r
  desc: d
  condition: evt.type=execve and proc.name in (l)
  output: o
  priority: INFO
)",
       ""},
      {"list ints bools", R"(- list: l
  items: [1, true, x]
- rule: r
  desc: d
  condition: evt.type=execve and proc.name in (l)
  output: o
  priority: INFO
)",
       ""},
      {"list no items", "- list: l\n", "ERR_YAML_VALIDATE"},
      {"list empty name", R"(- list: ""
  items: []
)",
       "ERR_YAML_VALIDATE"},
      {"list bad name", R"(- list: a b
  items: []
)",
       "INVALID_LIST_NAME UNUSED_LIST"},
      {"list nested items", R"(- list: l
  items: [[a]]
)",
       "ERR_YAML_VALIDATE"},
      {"list items mapping", R"(- list: l
  items: {a: b}
)",
       "ERR_YAML_VALIDATE"},
      {"list append", R"(- list: l
  items: [a]
- list: l
  append: true
  items: [b]
- rule: r
  desc: d
  condition: evt.type=execve and proc.name in (l)
  output: o
  priority: INFO
)",
       "DEPRECATED_ITEM"},
      {"list append false", R"(- list: l
  items: [a]
- list: l
  append: false
  items: [b]
- rule: r
  desc: d
  condition: evt.type=execve and proc.name in (l)
  output: o
  priority: INFO
)",
       "DEPRECATED_ITEM"},
      {"list append+override", R"(- list: l
  items: [a]
- list: l
  append: true
  override: {items: append}
  items: [b]
- rule: r
  desc: d
  condition: evt.type=execve and proc.name in (l)
  output: o
  priority: INFO
)",
       "ERR_YAML_VALIDATE"},
      {"list append undefined", R"(- list: l
  override: {items: append}
  items: [b]
- rule: r
  desc: d
  condition: evt.type=execve and proc.name in (l)
  output: o
  priority: INFO
)",
       "ERR_VALIDATE"},
      {"list replace before def", R"(- list: l
  override: {items: replace}
  items: [b]
- rule: r
  desc: d
  condition: evt.type=execve and proc.name in (l)
  output: o
  priority: INFO
)",
       ""},
      {"list append twice word", R"(- list: l
  override: {items: zork}
  items: [b]
)",
       "ERR_YAML_VALIDATE"},
      {"append not bool", R"(- list: l
  items: [a]
  append: zork
)",
       "ERR_YAML_VALIDATE"},
  });
}

TEST(LanguageItemsTest, Macros) {
  CheckStatements({
      {"macro bad name", R"(- macro: "1x"
  condition: evt.type=execve
)",
       "INVALID_MACRO_NAME UNUSED_MACRO"},
      {"macro bad name ref", R"(- macro: "a-b"
  condition: evt.type=execve
- rule: r
  desc: d
  condition: a-b
  output: o
  priority: INFO
)",
       "ERR_COMPILE_CONDITION INVALID_MACRO_NAME UNUSED_MACRO"},
      {"macro append textual", R"(- macro: m
  condition: evt.type=execve
- macro: m
  override: {condition: append}
  condition: or evt.type=open
- rule: r
  desc: d
  condition: m
  output: o
  priority: INFO
)",
       ""},
      {"macro append undefined", R"(- macro: m
  override: {condition: append}
  condition: or evt.type=open
)",
       "ERR_VALIDATE"},
      {"macro empty cond", R"(- macro: m
  condition: ""
)",
       "ERR_YAML_VALIDATE"},
      {"macro no cond", "- macro: m\n", "ERR_YAML_VALIDATE"},
      {"macro loop", R"(- macro: a
  condition: b
- macro: b
  condition: a
- rule: r
  desc: d
  condition: a
  output: o
  priority: INFO
)",
       "ERR_VALIDATE UNUSED_MACRO"},
      {"macro sees lower only", R"(- macro: a
  condition: b
- macro: b
  condition: evt.type=execve
- rule: r
  desc: d
  condition: a
  output: o
  priority: INFO
)",
       "ERR_VALIDATE UNUSED_MACRO"},
      {"rule sees later macro", RuleText("m", R"(- macro: m
  condition: evt.type=execve
)"),
       ""},
      {"macro visible after redefinition", R"(- macro: a
  condition: evt.type=open
- macro: b
  condition: evt.type=execve
- macro: a
  condition: b
- rule: r
  desc: d
  condition: a
  output: o
  priority: INFO
)",
       ""},
      {"unused", R"(- macro: a
  condition: evt.type=open
- list: l
  items: [a]
)",
       "UNUSED_LIST UNUSED_MACRO"},
      {"unknown macro", RuleText("zork"), "ERR_VALIDATE"},
  });
}

TEST(LanguageItemsTest, Rules) {
  CheckStatements({
      {"some missing", R"(- rule: r
  desc: d
  condition: evt.type=open
)",
       "ERR_YAML_VALIDATE"},
      {"none of four, no enabled", R"(- rule: r
  tags: [a]
)",
       "ERR_YAML_VALIDATE"},
      {"enabled alone", RuleText(kExec, R"(- rule: r
  enabled: false
)"),
       "DEPRECATED_ITEM"},
      {"enabled unknown rule", R"(- rule: r
  enabled: false
)",
       "DEPRECATED_ITEM ERR_VALIDATE"},
      {"rule empty name", R"(- rule: ""
  desc: d
)",
       "ERR_YAML_VALIDATE"},
      {"unknown source", RuleText(kExec, "  source: zork\n"), "UNKNOWN_SOURCE"},
      {"other source redefinition", RuleText(kExec, R"(- rule: r
  desc: d
  condition: evt.type = execve and proc.name = x
  output: o
  priority: INFO
  source: zork
)"),
       "ERR_VALIDATE"},
      {"source syscall explicit", RuleText(kExec, R"(  source: syscall
- rule: r
  desc: d
  condition: evt.type = execve and proc.name = x
  output: o
  priority: INFO
)"),
       ""},
      {"source empty", RuleText(kExec, R"(  source: ""
)"),
       ""},
      {"warn_evttypes", RuleText("proc.name = x"), "NO_EVTTYPE"},
      {"warn_evttypes off", RuleText("proc.name = x", "  warn_evttypes: false\n"), ""},
      {"skip unknown field",
       RuleText("evt.type=open and zork.x = y", "  skip-if-unknown-filter: true\n"),
       "UNKNOWN_FILTER"},
      {"no skip unknown field", RuleText("evt.type=open and zork.x = y"), "ERR_COMPILE_CONDITION"},
      {"skip unknown type", RuleText("evt.type=zork", "  skip-if-unknown-filter: true\n"),
       "UNKNOWN_FILTER"},
      {"unknown type", RuleText("evt.type=zork"), "ERR_COMPILE_CONDITION"},
      {"unknown type in", RuleText("evt.type in (open, zork)"), "ERR_COMPILE_CONDITION"},
      {"generic syscall type", RuleText("evt.type = getpid"), ""},
      {"skip unknown output", R"(- rule: r
  desc: d
  condition: evt.type=open
  output: a %zork.x
  priority: INFO
  skip-if-unknown-filter: true
)",
       "UNKNOWN_FILTER"},
      {"unknown output", RuleWithOutput("a %zork.x"), "ERR_COMPILE_OUTPUT"},
      {"skip but syntax error", RuleText("evt.type=open and (", "  skip-if-unknown-filter: true\n"),
       "ERR_COMPILE_CONDITION"},
      {"percent at end", RuleWithOutput("a %"), "ERR_COMPILE_OUTPUT"},
      {"capture", RuleText(kExec, R"(  capture: true
  capture_duration: 1000
)"),
       "UNKNOWN_KEY"},
      {"capture bad type", RuleText(kExec, "  capture: zork\n"), "ERR_YAML_VALIDATE"},
      {"capture_duration bad type", RuleText(kExec, "  capture_duration: zork\n"),
       "ERR_YAML_VALIDATE"},
      {"tags not seq", RuleText(kExec, "  tags: a\n"), "ERR_YAML_VALIDATE"},
      {"priority case", R"(- rule: r
  desc: d
  condition: evt.type = execve and proc.name = x
  output: o
  priority: wArNiNg
)",
       ""},
      {"priority unknown", R"(- rule: r
  desc: d
  condition: evt.type = execve and proc.name = x
  output: o
  priority: zork
)",
       "ERR_YAML_VALIDATE"},
      {"priority Informational", R"(- rule: r
  desc: d
  condition: evt.type = execve and proc.name = x
  output: o
  priority: Informational
)",
       ""},
      {"enabled not bool", RuleText(kExec, "  enabled: zork\n"), "ERR_YAML_VALIDATE"},
      {"append nothing", RuleText(kExec, R"(- rule: r
  append: true
  tags: [a]
)"),
       "DEPRECATED_ITEM ERR_VALIDATE"},
      {"append cond", RuleText(kExec, R"(- rule: r
  append: true
  condition: and proc.name = y
)"),
       "DEPRECATED_ITEM"},
      {"append unknown", R"(- rule: r
  append: true
  condition: and proc.name = y
)",
       "DEPRECATED_ITEM ERR_VALIDATE"},
      {"append with source empty", RuleText(kExec, R"(- rule: r
  append: true
  source: ""
  condition: and proc.name = y
)"),
       "DEPRECATED_ITEM"},
  });
}

}  // namespace
}  // namespace vakt

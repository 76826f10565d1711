// SPDX-License-Identifier: Apache-2.0
// What overrides, exceptions, conditions and outputs may say, statement by statement.
#include "tests/unit/common/rulelang/statements.h"

namespace vakt {
namespace {

TEST(LanguageConditionsTest, Overrides) {
  CheckStatements({
      {"ov cond append", RuleText(kExec, R"(- rule: r
  override: {condition: append}
  condition: and proc.name = y
)"),
       ""},
      {"ov output append", RuleText(kExec, R"(- rule: r
  override: {output: append}
  output: x %proc.name
)"),
       ""},
      {"ov desc replace", RuleText(kExec, R"(- rule: r
  override: {desc: replace}
  desc: x
)"),
       ""},
      {"ov tags append", RuleText(kExec, R"(- rule: r
  override: {tags: append}
  tags: [b]
)"),
       ""},
      {"ov priority append", RuleText(kExec, R"(- rule: r
  override: {priority: append}
  priority: INFO
)"),
       "ERR_YAML_VALIDATE"},
      {"ov priority replace", RuleText(kExec, R"(- rule: r
  override: {priority: replace}
  priority: ERROR
)"),
       ""},
      {"ov enabled replace", RuleText(kExec, R"(- rule: r
  override: {enabled: replace}
  enabled: false
)"),
       ""},
      {"ov warn replace", RuleText(kExec, R"(- rule: r
  override: {warn_evttypes: replace}
  warn_evttypes: false
)"),
       ""},
      {"ov skip replace", RuleText(kExec, R"(- rule: r
  override: {skip-if-unknown-filter: replace}
  skip-if-unknown-filter: true
)"),
       ""},
      {"ov capture replace", RuleText(kExec, R"(- rule: r
  override: {capture: replace}
  capture: false
)"),
       ""},
      {"ov capture_duration replace", RuleText(kExec, R"(- rule: r
  override: {capture_duration: replace}
  capture_duration: 10
)"),
       ""},
      {"ov key missing", RuleText(kExec, R"(- rule: r
  override: {condition: append}
)"),
       "ERR_YAML_VALIDATE"},
      {"ov key unnamed", RuleText(kExec, R"(- rule: r
  override: {condition: append}
  condition: and proc.name=y
  output: x
)"),
       "ERR_YAML_VALIDATE"},
      {"ov and append", RuleText(kExec, R"(- rule: r
  append: true
  override: {condition: append}
  condition: and proc.name=y
)"),
       "ERR_YAML_VALIDATE"},
      {"ov unknown rule", R"(- rule: r
  override: {condition: append}
  condition: and proc.name=y
)",
       "ERR_VALIDATE"},
      {"ov unknown key", RuleText(kExec, R"(- rule: r
  override: {zork: append}
  zork: 1
)"),
       "ERR_YAML_VALIDATE UNKNOWN_KEY"},
      {"ov not mapping", RuleText(kExec, R"(- rule: r
  override: x
)"),
       "ERR_YAML_VALIDATE"},
      {"ov wrong verb", RuleText(kExec, R"(- rule: r
  override: {condition: zork}
  condition: and proc.name=y
)"),
       "ERR_YAML_VALIDATE"},
      {"ov source", RuleText(kExec, R"(- rule: r
  override: {source: replace}
  source: syscall
)"),
       "ERR_YAML_VALIDATE"},
  });
}

TEST(LanguageConditionsTest, Exceptions) {
  CheckStatements({
      {"ex ok", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: [proc.name, proc.pname], comps: [=, in], values: [[a, [b, c]]]}
)"),
       ""},
      {"ex scalar", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: proc.name, values: [a, b]}
)"),
       ""},
      {"ex scalar comps pmatch", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: proc.name, comps: pmatch, values: [/a, /b]}
)"),
       ""},
      {"ex scalar comps intersects", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: proc.name, comps: intersects, values: [/a, /b]}
)"),
       ""},
      {"ex scalar comps =", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: proc.name, comps: "=", values: [/a, /b]}
)"),
       "ERR_VALIDATE"},
      {"ex scalar startswith oneof", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: proc.name, comps: startswith oneof, values: [/a, /b]}
)"),
       ""},
      {"ex scalar startswith anyof", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: proc.name, comps: startswith anyof, values: [/a, /b]}
)"),
       ""},
      {"ex dup name", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: proc.name, values: [a]}
    - {name: e, fields: proc.pname, values: [a]}
)"),
       "EXCEPTION_NAME_NOT_UNIQUE"},
      {"ex no values", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: proc.name}
)"),
       ""},
      {"ex length comps", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: [proc.name, proc.pname], comps: [=], values: [[a, b]]}
)"),
       "ERR_VALIDATE"},
      {"ex length values", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: [proc.name, proc.pname], values: [[a]]}
)"),
       "ERR_VALIDATE"},
      {"ex unknown comp", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: [proc.name], comps: [zork], values: [[a]]}
)"),
       "ERR_VALIDATE"},
      {"ex unknown comp no values", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: [proc.name], comps: [zork]}
)"),
       "ERR_VALIDATE"},
      {"ex unknown field", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: [zork.a], values: [[a]]}
)"),
       "ERR_VALIDATE"},
      {"ex unknown field no values", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: [zork.a]}
)"),
       "ERR_VALIDATE"},
      {"ex no name", RuleText(kExec, R"(  exceptions:
    - {fields: [proc.name], values: [[a]]}
)"),
       "ERR_YAML_VALIDATE"},
      {"ex no fields", RuleText(kExec, R"(  exceptions:
    - {name: e, values: [[a]]}
)"),
       "ERR_VALIDATE"},
      {"ex transformer field", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: [tolower(proc.name)], values: [[a]]}
)"),
       ""},
      {"ex transformer value", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: [proc.name], values: [[toupper(proc.pname)]]}
)"),
       ""},
      {"ex field value const", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: [proc.name], values: [[proc.pname]]}
)"),
       "COMPILE_CONDITION"},
      {"ex transformer-like string", RuleText(kExec, R"yaml(  exceptions:
    - {name: e, fields: [proc.name], values: [["toupper( proc.pname)"]]}
)yaml"),
       ""},
      {"ex list values", R"(- list: l
  items: [a,b]
- rule: r
  desc: d
  condition: evt.type = execve and proc.name = x
  output: o
  priority: INFO
  exceptions:
    - {name: e, fields: proc.name, values: [l]}
)",
       ""},
      {"ex append values", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: proc.name, values: [a]}
- rule: r
  override: {exceptions: append}
  exceptions:
    - {name: e, values: [b]}
)"),
       ""},
      {"ex append fields", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: proc.name, values: [a]}
- rule: r
  override: {exceptions: append}
  exceptions:
    - {name: e, fields: proc.name, values: [b]}
)"),
       "ERR_VALIDATE"},
      {"ex append new needs values", RuleText(kExec, R"(- rule: r
  override: {exceptions: append}
  exceptions:
    - {name: e, fields: proc.name}
)"),
       "APPEND_NO_VALUES ERR_VALIDATE"},
      {"ex append new needs fields", RuleText(kExec, R"(- rule: r
  override: {exceptions: append}
  exceptions:
    - {name: e, values: [b]}
)"),
       "ERR_VALIDATE"},
      {"ex append no values", RuleText(kExec, R"(  exceptions:
    - {name: e, fields: proc.name, values: [a]}
- rule: r
  override: {exceptions: append}
  exceptions:
    - {name: e}
)"),
       "APPEND_NO_VALUES"},
  });
}

TEST(LanguageConditionsTest, Warnings) {
  CheckStatements({
      {"deprecated dir", RuleText("evt.type=open and evt.dir = <"), "DEPRECATED_ITEM"},
      {"deprecated latency", RuleText("evt.type=open and evt.latency > 1"), "DEPRECATED_ITEM"},
      {"deprecated wait_latency", RuleText("evt.type=open and evt.wait_latency > 1"),
       "DEPRECATED_ITEM"},
      {"deprecated container.info", RuleWithOutput("a %container.info"), "DEPRECATED_ITEM"},
      {"deprecated dir out", RuleWithOutput("a %evt.dir"), "DEPRECATED_ITEM"},
      {"field as const", RuleText("evt.type=open and proc.name = proc.pname"), "COMPILE_CONDITION"},
      {"transformer as const", RuleText("evt.type=open and proc.name = tolower"),
       "COMPILE_CONDITION"},
      {"regex simple", RuleText(R"(evt.type=open and proc.name regex "abc")"), "COMPILE_CONDITION"},
      {"regex simple prefix", RuleText(R"(evt.type=open and proc.name regex "abc.*")"),
       "COMPILE_CONDITION"},
      {"regex real", RuleText(R"(evt.type=open and proc.name regex "a[bc]+.*")"), ""},
      {"unsafe NA jevt", RuleText(R"(evt.type=open and jevt.value[/a] = "<NA>")"),
       "ERR_COMPILE_CONDITION"},
      {"not yaml", "- rule: [\n", "ERR_YAML_PARSE"},
  });
}

TEST(LanguageConditionsTest, Arguments) {
  CheckStatements({
      {"evt.arg names ok",
       RuleText("evt.type=open and evt.arg.flags contains O_RDONLY and evt.arg[flags] contains a "
                "and evt.arg[0] = b"),
       ""},
      {"evt.arg unknown", RuleText("evt.type=open and evt.arg.zork = b"), "ERR_COMPILE_CONDITION"},
      {"evt.rawarg int", RuleText("evt.type=open and evt.rawarg.flags > 3"), ""},
      {"evt.rawarg res", RuleText("evt.type=connect and evt.rawarg.res < 0"), ""},
      {"evt.rawarg string", RuleText("evt.type=open and evt.rawarg.name startswith /a"), ""},
      {"evt.rawarg string num op", RuleText("evt.type=open and evt.rawarg.name > 3"), ""},
      {"evt.rawarg int contains", RuleText("evt.type=open and evt.rawarg.flags contains a"),
       "ERR_COMPILE_CONDITION"},
      {"evt.rawarg bad number", RuleText("evt.type=open and evt.rawarg.flags = a"),
       "ERR_COMPILE_CONDITION"},
      {"evt.rawarg unknown", RuleText("evt.type=open and evt.rawarg.zork = 1"),
       "ERR_COMPILE_CONDITION"},
      {"evt.arg no arg", RuleText("evt.type=open and evt.arg = x"), "ERR_COMPILE_CONDITION"},
      {"proc.name with arg", RuleText("evt.type=open and proc.name[1] = x"),
       "ERR_COMPILE_CONDITION"},
      {"proc.env needs?",
       RuleText("evt.type=execve and proc.env[HOME] = x and proc.env icontains y"), ""},
      {"thread.cgroup needs arg", RuleText("evt.type=execve and thread.cgroup = x"),
       "ERR_COMPILE_CONDITION"},
  });
}

TEST(LanguageConditionsTest, TypesAndOperators) {
  CheckStatements({
      {"val types", RuleText("evt.type=open and proc.pid = val(proc.name)"),
       "ERR_COMPILE_CONDITION"},
      {"val ok", RuleText("evt.type=open and proc.name = val(proc.pname)"), ""},
      {"evt.type val", RuleText("evt.type = val(proc.name)"), "ERR_COMPILE_CONDITION"},
      {"evt.type tolower", RuleText("tolower(evt.type) = open"), "ERR_COMPILE_CONDITION"},
      {"aname transformer", RuleText("evt.type=open and tolower(proc.aname) = x"),
       "ERR_COMPILE_CONDITION"},
      {"aname rhs", RuleText("evt.type=open and proc.name = val(proc.aname)"),
       "ERR_COMPILE_CONDITION"},
      {"aname[2] rhs", RuleText("evt.type=open and proc.name = val(proc.aname[2])"),
       "ERR_COMPILE_CONDITION"},
      {"fd.ip print", RuleWithOutput("a %fd.ip"), "ERR_COMPILE_OUTPUT"},
      {"fd.net print", RuleWithOutput("a %fd.net"), "ERR_COMPILE_OUTPUT"},
      {"fd.snet print", RuleWithOutput("a %fd.snet"), "ERR_COMPILE_OUTPUT"},
      {"out width/transf",
       RuleWithOutput(
           R"("%<10>fd.name %toupper(proc.name) %proc.aname[2] %proc.aname *%proc.pid")"),
       ""},
      {"regex invalid", RuleText(R"(evt.type=open and proc.name regex "[")"),
       "ERR_COMPILE_CONDITION"},
      {"regex val", RuleText("evt.type=open and proc.name regex val(proc.pname)"),
       "ERR_COMPILE_CONDITION"},
      {"net needs /n", RuleText(R"(evt.type=connect and fd.snet in ("10.0.0.0"))"),
       "ERR_COMPILE_CONDITION"},
      {"net host bits", RuleText(R"(evt.type=connect and fd.snet in ("127.0.0.1/8"))"), ""},
      {"bool literal", RuleText("evt.type=open and evt.is_open_read = True"),
       "ERR_COMPILE_CONDITION"},
      {"port service", RuleText("evt.type=connect and fd.sport = ssh"), ""},
      {"port range", RuleText("evt.type=connect and fd.sport = 1:5"), "ERR_COMPILE_CONDITION"},
      {"NUL value", RuleText(R"('evt.type=open and proc.name = "a\x00b"')"),
       "ERR_COMPILE_CONDITION"},
      {"hex esc", RuleText(R"('evt.type=open and proc.name = "a\x41b"')"), ""},
      {"bad escape", RuleText(R"('evt.type=open and proc.name = "a\qb"')"),
       "ERR_COMPILE_CONDITION"},
      {"string >", RuleText("evt.type=open and proc.name > 3"), ""},
      {"numeric contains", RuleText("evt.type=open and proc.pid contains 3"),
       "ERR_COMPILE_CONDITION"},
      {"ip startswith", RuleText("evt.type=open and fd.sip startswith 3"), "ERR_COMPILE_CONDITION"},
      {"list field =", RuleText("evt.type=open and fd.types = file"), "ERR_COMPILE_CONDITION"},
      {"list field in", RuleText("evt.type=open and fd.types in (file)"), ""},
      {"bytebuf glob", RuleText("evt.type=sendto and evt.buffer glob a"), "ERR_COMPILE_CONDITION"},
      {"bytebuf bcontains odd", RuleText("evt.type=sendto and evt.buffer bcontains abc"),
       "ERR_COMPILE_CONDITION"},
      {"bytebuf bcontains", RuleText("evt.type=sendto and evt.buffer bcontains aBcD"), ""},
      {"string bcontains", RuleText("evt.type=sendto and proc.name bcontains abcd"),
       "ERR_COMPILE_CONDITION"},
      {"val nested", RuleText("evt.type=open and proc.name = val(tolower(proc.pname))"),
       "ERR_COMPILE_CONDITION"},
      {"val lhs", RuleText("evt.type=open and val(proc.pname) = x"), "ERR_COMPILE_CONDITION"},
      {"rhs xform", RuleText("evt.type=open and proc.name = toupper(proc.pname)"), ""},
      {"len", RuleText("evt.type=open and len(proc.name) > 3 and len(fd.types) = 2"), ""},
      {"concat", RuleText(R"(evt.type=open and concat(proc.name, "/", proc.pname) = x)"), ""},
      {"concat 1", RuleText("evt.type=open and concat(proc.name) = x"), "ERR_COMPILE_CONDITION"},
      {"join", RuleText(R"(evt.type=open and join("-", (proc.name, proc.pname)) = x)"), ""},
      {"getopt sel", RuleText(R"(evt.type=open and getopt(proc.args, "o:")[o] = x)"), ""},
  });
}

}  // namespace
}  // namespace vakt

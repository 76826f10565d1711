// SPDX-License-Identifier: Apache-2.0
// Which operator applies to which type of field, and which fields may be transformed, printed, or
// stand to the right of an operator: all pairs, each accepted or refused at load.
#include <algorithm>
#include <iterator>

#include "absl/strings/str_split.h"
#include "common/rulelang/operators.h"
#include "tests/unit/common/rulelang/statements.h"

namespace vakt {
namespace {

struct TypeCase {
  std::string_view field;
  std::string_view value;      // a constant of the type
  std::string_view operators;  // all that apply
};

constexpr std::string_view kNumeric = "= == != < <= > >= in intersects exists";
constexpr std::string_view kEquality = "= == != in intersects exists";
constexpr std::string_view kOfLists = "in intersects exists";

constexpr TypeCase kTypes[] = {
    {"evt.rawres", "-3", kNumeric},
    {"user.uid", "3", kNumeric},
    {"proc.tty", "0x22", kNumeric},
    {"fd.sport", "443", kNumeric},
    {"fd.port", "https", kEquality},  // < takes a number alone
    {"evt.rawtime", "3", kNumeric},
    {"proc.duration", "3", kNumeric},
    {"proc.fdusage", "3", kNumeric},
    {"evt.is_open_read", "true", kEquality},
    {"proc.name", "3",
     "= == != < <= > >= contains icontains startswith endswith glob iglob regex in intersects "
     "pmatch exists"},
    {"evt.buffer", "6162",
     "= == != contains startswith endswith bcontains bstartswith in intersects exists"},
    {"fd.sip", "\"10.0.0.1\"", kEquality},
    {"fd.ip", "\"::1\"", kEquality},
    {"fd.snet", "\"10.0.0.0/8\"", kEquality},
    {"fd.net", "\"fd00::/8\"", kEquality},
    {"fd.types", "file", kOfLists},
    {"k8s.pod.labels", "a:b", kOfLists},
    {"container.labels", "a:b", kOfLists},
};

std::string ConditionWith(std::string_view op, Shape shape, const TypeCase& type) {
  std::string condition = StrCat("evt.type = open and ", type.field, " ", op);
  if (shape == Shape::kNothing) return condition;
  return condition +
         (shape == Shape::kList ? StrCat(" (", type.value, ")") : StrCat(" ", type.value));
}

TEST(LanguageTypesTest, EachTypeTakesItsOperatorsAndNoOthers) {
  for (const TypeCase& type : kTypes) {
    const std::vector<std::string> taken = absl::StrSplit(ToAbsl(type.operators), ' ');
    for (const OperatorRow& row : AllOperators()) {
      for (const std::string_view name : {row.name, row.alias}) {
        if (name.empty()) continue;
        const std::string condition = ConditionWith(name, row.shape, type);
        const bool applies = std::find(taken.begin(), taken.end(), name) != taken.end();
        const LoadResult result = LoadTexts({RuleText(condition)});
        EXPECT_EQ(result.ok, applies) << condition;
      }
    }
  }
}

struct UseCase {
  std::string_view field;
  std::string_view left;  // a field of the same type, for val() on its right
  bool may_print;
};

// Fields that are refused to the right of an operator and inside a transformer.
constexpr UseCase kLeftOnly[] = {
    {"fd.ip", "fd.sip", false},           {"fd.net", "fd.snet", false},
    {"fd.cnet", "fd.snet", false},        {"fd.snet", "fd.cnet", false},
    {"fd.lnet", "fd.snet", false},        {"fd.rnet", "fd.snet", false},
    {"fd.port", "fd.sport", false},       {"fd.proto", "fd.sport", false},
    {"fd.cip.name", "proc.name", true},   {"fd.sip.name", "proc.name", true},
    {"fd.lip.name", "proc.name", true},   {"fd.rip.name", "proc.name", true},
    {"proc.aname", "proc.name", true},    {"proc.aname[2]", "proc.name", true},
    {"proc.aexe", "proc.name", true},     {"proc.aexepath", "proc.name", true},
    {"proc.acmdline", "proc.name", true}, {"proc.apid", "proc.pid", true},
    {"proc.aenv", "proc.name", true},
};

TEST(LanguageTypesTest, SomeFieldsStandOnTheLeftAlone) {
  for (const UseCase& use : kLeftOnly) {
    EXPECT_TRUE(LoadTexts({RuleText(StrCat("evt.type = open and ", use.field, " exists"))}).ok)
        << use.field;
    const auto refused = [&](std::string_view check) {
      const LoadResult result = LoadTexts({RuleText(StrCat("evt.type = open and ", check))});
      EXPECT_FALSE(result.ok) << check;
    };
    refused(StrCat(use.left, " = val(", use.field, ")"));
    refused(StrCat("tolower(", use.field, ") = x"));
    refused(StrCat("len(", use.field, ") = 1"));
    refused(StrCat("concat(", use.field, ", \"x\") = x"));
    EXPECT_EQ(LoadTexts({RuleWithOutput(StrCat("a %", use.field))}).ok, use.may_print) << use.field;
    EXPECT_FALSE(LoadTexts({RuleWithOutput(StrCat("a %tolower(", use.field, ")"))}).ok)
        << use.field;
  }
}

TEST(LanguageTypesTest, Constants) {
  CheckStatements({
      {"val of another type", RuleText("evt.type = open and proc.name = val(proc.pid)"),
       "ERR_COMPILE_CONDITION"},
      {"val after < of texts", RuleText("evt.type = open and proc.name < val(proc.pname)"), ""},
      {"a transformer after < of texts",
       RuleText("evt.type = open and proc.name >= toupper(proc.pname)"), ""},
      {"a text after < of texts", RuleText("evt.type = open and proc.name < abc"),
       "ERR_COMPILE_CONDITION"},
      {"a number after < of texts", RuleText("evt.type = open and proc.name < 12"), ""},
      {"number in hexadecimal", RuleText("evt.type = open and evt.rawres in (0x10, 3)"), ""},
      {"no number", RuleText("evt.type = open and evt.rawres = SUCCESS"), "ERR_COMPILE_CONDITION"},
      {"port beyond 65535", RuleText("evt.type = connect and fd.sport = 65536"),
       "ERR_COMPILE_CONDITION"},
      {"no such service", RuleText("evt.type = connect and fd.sport in (22, nosuchservice)"),
       "ERR_COMPILE_CONDITION"},
      {"range of ports", RuleText("evt.type = connect and fd.sport in (1-1024)"),
       "ERR_COMPILE_CONDITION"},
      {"truth values are lower-case", RuleText("evt.type = open and evt.failed = TRUE"),
       "ERR_COMPILE_CONDITION"},
      {"truth values are no numbers", RuleText("evt.type = open and evt.failed in (1)"),
       "ERR_COMPILE_CONDITION"},
      {"address of three parts", RuleText("evt.type = connect and fd.sip = \"10.0.1\""),
       "ERR_COMPILE_CONDITION"},
      {"address that is a name", RuleText("evt.type = connect and fd.sip = localhost"),
       "ERR_COMPILE_CONDITION"},
      {"address with bits", RuleText("evt.type = connect and fd.sip = \"10.0.0.1/8\""),
       "ERR_COMPILE_CONDITION"},
      {"too many bits", RuleText("evt.type = connect and fd.snet = \"10.0.0.1/33\""),
       "ERR_COMPILE_CONDITION"},
      {"bits of IPv6", RuleText("evt.type = connect and fd.snet = \"fd00::/128\""), ""},
      {"host bits", RuleText("evt.type = connect and fd.net in (\"142.251.0.0/8\")"), ""},
      {"hexadecimal bytes", RuleText("evt.type = recvfrom and evt.buffer bcontains caFEbabe"), ""},
      {"half a byte", RuleText("evt.type = recvfrom and evt.buffer bstartswith cafebab"),
       "ERR_COMPILE_CONDITION"},
      {"no hexadecimal digit", RuleText("evt.type = recvfrom and evt.buffer bcontains 0xca"),
       "ERR_COMPILE_CONDITION"},
      {"bytes one of several",
       RuleText("evt.type = recvfrom and evt.buffer bcontains anyof (cafe, babe)"), ""},
      {"bytes with a zero", RuleText(R"('evt.type = recvfrom and evt.buffer contains "a\x00b"')"),
       ""},
      {"regex of a transformer", RuleText("evt.type = open and proc.name regex tolower(fd.name)"),
       "ERR_COMPILE_CONDITION"},
      {"regex that RE2 lacks", RuleText(R"(evt.type = open and proc.name regex "(?=a)b")"),
       "ERR_COMPILE_CONDITION"},
      {"list field one of several", RuleText("evt.type = open and fd.types = anyof (file)"),
       "ERR_COMPILE_CONDITION"},
      {"element of a list field", RuleText("evt.type = open and fd.types[0] = file"), ""},
  });
}

TEST(LanguageTypesTest, Transformers) {
  CheckStatements({
      {"nested", RuleText("evt.type = open and toupper(tolower(basename(fd.name))) = X"), ""},
      {"of a number", RuleText("evt.type = open and tolower(proc.pid) = 1"),
       "ERR_COMPILE_CONDITION"},
      {"b64 of bytes keeps the type",
       RuleText("evt.type = sendto and b64(evt.buffer) bcontains ab"), ""},
      {"b64 of a string keeps the type", RuleText("evt.type = open and b64(fd.name) bcontains ab"),
       "ERR_COMPILE_CONDITION"},
      {"b64 of a number", RuleText("evt.type = open and b64(proc.pid) = x"),
       "ERR_COMPILE_CONDITION"},
      {"len of bytes", RuleText("evt.type = sendto and len(evt.buffer) > 80"), ""},
      {"len of a number", RuleText("evt.type = open and len(proc.pid) > 1"),
       "ERR_COMPILE_CONDITION"},
      {"len is a number", RuleText("evt.type = open and len(fd.name) contains 1"),
       "ERR_COMPILE_CONDITION"},
      {"join without a list", RuleText("evt.type = open and join(\",\", proc.name) = x"),
       "ERR_COMPILE_CONDITION"},
      {"join of nothing", RuleText("evt.type = open and join(\",\", ()) = x"), ""},
      {"join of numbers", RuleText("evt.type = open and join(\",\", (proc.pid)) = x"),
       "ERR_COMPILE_CONDITION"},
      {"concat of a number", RuleText("evt.type = open and concat(proc.pid, \"x\") = x"),
       "ERR_COMPILE_CONDITION"},
      {"concat of one", RuleText("evt.type = open and concat(\"x\") = x"), "ERR_COMPILE_CONDITION"},
      {"getopt of what is no constant",
       RuleText("evt.type = open and getopt(proc.args, proc.name) in (x)"),
       "ERR_COMPILE_CONDITION"},
      {"getopt is a list", RuleText("evt.type = open and getopt(proc.args, \"ab:\") = x"),
       "ERR_COMPILE_CONDITION"},
      {"getopt as a list", RuleText("evt.type = open and getopt(proc.args, \"ab:\") in (x)"), ""},
      {"getopt[c] is a text", RuleText("evt.type = open and getopt(proc.args, \"ab:\")[b] = x"),
       ""},
      {"getopt[c] of no option", RuleText("evt.type = open and getopt(proc.args, \"ab:\")[c] = x"),
       "ERR_COMPILE_CONDITION"},
      {"blank before the parenthesis", RuleText("evt.type = open and tolower (proc.name) = x"),
       "ERR_COMPILE_CONDITION"},
      {"unknown", RuleText("evt.type = open and reverse(proc.name) = x"), "ERR_COMPILE_CONDITION"},
      {"evt.type to the right", RuleText("evt.type = open and proc.name = val(evt.type)"),
       "ERR_COMPILE_CONDITION"},
      {"evt.type with a transformer to the right", RuleText("evt.type = tolower(proc.name)"),
       "ERR_COMPILE_CONDITION"},
  });
}

TEST(LanguageTypesTest, Arguments) {
  CheckStatements({
      {"name in brackets", RuleText("evt.type = open and evt.rawarg[flags] = 1"), ""},
      {"name after a dot", RuleText("evt.type = open and evt.arg.name exists"), ""},
      {"begin of a parameter's name", RuleText("evt.type = open and evt.arg.nam exists"),
       "ERR_COMPILE_CONDITION"},
      {"more than a parameter's name", RuleText("evt.type = open and evt.arg.namex exists"),
       "ERR_COMPILE_CONDITION"},
      {"a parameter of another event", RuleText("evt.type = open and evt.arg.request exists"), ""},
      {"ancestors by number alone", RuleText("evt.type = open and proc.aname[x] = x"),
       "ERR_COMPILE_CONDITION"},
      {"ancestors' arguments", RuleText("evt.type = open and proc.aargs[1] contains x"), ""},
      {"one argument", RuleText("evt.type = open and proc.args[0] = x"), ""},
      {"a variable of ancestors", RuleText("evt.type = execve and proc.aenv[HOME] = x"), ""},
      {"one controller", RuleText("evt.type = open and thread.cgroup[cpu] = x"), ""},
      {"one descriptor", RuleText("evt.type = open and fd.types[3] = file"), ""},
      {"a container's label", RuleText("evt.type = open and container.label[app] = x"), ""},
      {"a container's label, which?", RuleText("evt.type = open and container.label = x"),
       "ERR_COMPILE_CONDITION"},
      {"a pod's label", RuleText("evt.type = open and k8s.pod.label[app] = x"), ""},
      {"mount by number", RuleText("evt.type = open and container.mount[0] = x"), ""},
      {"mount by pattern", RuleText("evt.type = open and container.mount.dest[/proc*] = x"), ""},
      {"mount by destination", RuleText("evt.type = open and container.mount.source[/a*] = x"), ""},
      {"mount's mode", RuleText("evt.type = open and container.mount.mode[0] = x"), ""},
      {"mount's writability", RuleText("evt.type = open and container.mount.rdwr[0] = x"), ""},
      {"mount's propagation", RuleText("evt.type = open and container.mount.propagation[/a] = x"),
       ""},
      {"which mount?", RuleText("evt.type = open and container.mount.dest = x"),
       "ERR_COMPILE_CONDITION"},
      {"no argument allowed", RuleText("evt.type = open and fd.name[0] = x"),
       "ERR_COMPILE_CONDITION"},
  });
}

}  // namespace
}  // namespace vakt

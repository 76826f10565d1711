// SPDX-License-Identifier: Apache-2.0
// vaktctl rules eval: what conditions mean on given values, line by line of the language.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "common/base/file.h"
#include "common/base/strings.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/cli/captured_console.h"

namespace vakt {
namespace {

using testing::HasSubstr;

struct Outcome {
  int status;
  std::string out;
  std::string notes;
};

Outcome RunEval(std::vector<std::string> words) {
  words.insert(words.begin(), {"rules", "eval"});
  CapturedConsole console;
  const int status = RunCommand(words, console.get());
  return {status, console.out(), console.err()};
}

// "true", "false", or "error: " and why.
std::string Eval(std::string_view condition, std::string_view fields = "{}") {
  const Outcome outcome = RunEval({std::string(condition), "--fields", std::string(fields)});
  if (outcome.status == 2) return StrCat("error: ", outcome.notes);
  EXPECT_EQ(outcome.status, outcome.out == "true\n" ? 0 : 1) << condition;
  return outcome.out == "true\n" ? "true" : "false";
}

// What all conditions below are tried on.
constexpr std::string_view kFields = R"({
  "proc.name": "cat", "proc.pname": "bash", "proc.args": "-n -ofile /etc/Shadow", "proc.pid": 42,
  "proc.cmdline": "cat -n -ofile /etc/Shadow", "proc.exe": "Y2F0", "proc.tty": 34816,
  "proc.aname": ["bash", "sshd"], "proc.aname[2]": "sshd", "proc.apid": [10, 1], "proc.ppid": 10,
  "proc.is_exe_writable": false, "proc.cwd": "", "proc.duration": 5000000000, "user.uid": 1000,
  "user.loginuid": -1, "fd.name": "/etc/Shadow", "fd.num": 3, "fd.typechar": "4",
  "fd.directory": "/var/lib/docker", "fd.filename": "a.", "fd.sport": 443, "fd.cport": 50000,
  "fd.sip": "10.1.2.3", "fd.cip": "fd00::1", "fd.ip": ["10.1.2.3", "192.168.0.9"],
  "fd.port": [443, 50000], "fd.net": ["10.1.2.3", "192.168.0.9"], "fd.snet": "10.1.2.3",
  "fd.types": ["file", "ipv4"], "evt.buffer": "\u0001cafe", "evt.type": "openat",
  "evt.arg.flags": "O_RDONLY|O_CLOEXEC", "evt.rawres": -2, "evt.res": "ENOENT", "evt.num": 7,
  "evt.is_open_read": true, "thread.cpu": 12.5, "container.id": "", "container.name": null,
  "evt.rawtime": 1700000000000000000, "proc.cookie": 18446744073709551615
})";

struct Case {
  std::string_view condition;
  char expected;  // t, f, or e: refused
};

void Expect(absl::Span<const Case> cases) {
  for (const Case& c : cases) {
    const std::string result = Eval(c.condition, kFields);
    EXPECT_EQ(result[0], c.expected) << c.condition << ": " << result;
  }
}

TEST(RulesEval, ComparesTexts) {
  Expect({{
      {"proc.name = cat", 't'},
      {"proc.name == cat", 't'},
      {"proc.name=cat", 't'},
      {"proc.name = Cat", 'f'},
      {"proc.name = ca", 'f'},
      {"proc.name = 'cat'", 't'},
      {"proc.name = \"cat \"", 'f'},
      {"proc.name != cat", 'f'},
      {"proc.name != dog", 't'},
      {"fd.typechar=4", 't'},
      {"proc.cwd = ''", 't'},
      {"proc.cwd = ", 'e'},
      {"proc.name contains a", 't'},
      {"proc.name contains A", 'f'},
      {"proc.name contains ''", 't'},
      {"proc.name icontains AT", 't'},
      {"proc.name icontains tac", 'f'},
      {"proc.args contains \"-n \"", 't'},
      {"fd.name startswith /etc", 't'},
      {"fd.name startswith etc", 'f'},
      {"fd.name startswith ''", 't'},
      {"fd.name endswith dow", 't'},
      {"fd.name endswith DOW", 'f'},
      {"fd.name glob /etc/*", 't'},
      {"fd.name glob *w", 't'},
      {"fd.name glob /etc/?hadow", 't'},
      {"fd.name glob /etc/[!A-R]hadow", 't'},
      {"fd.name glob /etc", 'f'},
      {"fd.name glob /etc/s*", 'f'},
      {"fd.name iglob /etc/s*", 't'},
      {"fd.name regex /etc/[A-Z].*", 't'},
      {"fd.name regex Shadow", 'f'},
      {"fd.name regex '/etc/(S|P)hadow'", 't'},
      {"fd.name regex '(?i)/ETC/shadow'", 't'},
      {"fd.name regex '('", 'e'},
      {"fd.name pmatch (/etc)", 't'},
      {"fd.name pmatch (/et, /e*)", 't'},
      {"fd.name pmatch (/et)", 'f'},
      {"fd.name pmatch (/)", 't'},
      {"fd.name pmatch (/etc/Shadow/x)", 'f'},
      {"fd.name pmatch (//etc//)", 't'},
      {"fd.name pmatch ()", 'f'},
      {"proc.name bcontains 61", 'e'},
      {"proc.name > 5", 't'},  // texts by bytes
      {"proc.name > 'b'", 'e'},
      {"proc.name > b", 'e'},
      {"proc.name > val(proc.pname)", 't'},
      {"proc.name <= val(proc.pname)", 'f'},
  }});
}

TEST(RulesEval, ComparesNumbers) {
  Expect({{
      {"proc.pid = 42", 't'},
      {"proc.pid = 042", 't'},
      {"proc.pid = +42", 't'},
      {"proc.pid = 0x2a", 't'},
      {"proc.pid = 0X2A", 't'},
      {"proc.pid = \"42\"", 't'},
      {"proc.pid = 42.0", 't'},
      {"proc.pid = 42.5", 'e'},
      {"proc.pid = 4.2e+1", 't'},
      {"proc.pid = x", 'e'},
      {"proc.pid = ''", 'e'},
      {"proc.pid = 42x", 'e'},
      {"proc.pid != 41", 't'},
      {"proc.pid > 41 and proc.pid >= 42 and proc.pid < 43 and proc.pid <= 42", 't'},
      {"proc.pid > 42", 'f'},
      {"proc.pid>41", 't'},
      {"proc.pid > 41and proc.pid < 43", 't'},
      {"proc.pid > '41'", 'e'},
      {"proc.pid in (41, 0x2a)", 't'},
      {"proc.pid in (41, x)", 'e'},
      {"proc.pid intersects (42)", 't'},
      {"proc.pid contains 4", 'e'},
      {"proc.pid startswith 4", 'e'},
      {"proc.pid glob 4*", 'e'},
      {"proc.pid pmatch (42)", 'e'},
      {"evt.rawres = -2", 't'},
      {"evt.rawres < 0", 't'},
      {"evt.rawres > -3", 't'},
      {"evt.rawres in (-1, -2)", 't'},
      {"user.loginuid != -1", 'f'},
      {"user.loginuid = -1", 't'},
      {"user.uid >= 1000", 't'},
      {"user.uid = -1", 'e'},
      {"proc.cookie = 18446744073709551615", 't'},
      {"proc.cookie > 9223372036854775807", 't'},
      {"proc.cookie = 18446744073709551616", 'e'},
      {"evt.rawtime > 1600000000000000000", 't'},
      {"proc.duration <= 5000000000", 't'},
      {"thread.cpu > 12.4", 't'},
      {"thread.cpu = 12.5", 't'},
      {"thread.cpu < 12", 'f'},
      {"thread.cpu = much", 'e'},
      {"fd.sport = https", 't'},
      {"fd.sport = 443 and fd.sport = \"443\"", 't'},
      {"fd.sport in (80, 443)", 't'},
      {"fd.sport = 65536", 'e'},
      {"fd.sport = 80-443", 'e'},
      {"fd.sport = nosuchservice", 'e'},
      {"proc.pid = anyof (1, 42)", 't'},
      {"proc.pid != allof (1, 2)", 't'},
  }});
}

TEST(RulesEval, ComparesTruthValuesAndBytes) {
  Expect({{
      {"evt.is_open_read = true", 't'},
      {"evt.is_open_read=false", 'f'},
      {"evt.is_open_read != false", 't'},
      {"evt.is_open_read = 1", 'e'},
      {"evt.is_open_read = True", 'e'},
      {"evt.is_open_read in (true, false)", 't'},
      {"evt.is_open_read > 0", 'e'},
      {"evt.is_open_read contains t", 'e'},
      {"proc.is_exe_writable exists", 't'},
      {"evt.buffer bcontains 6361", 't'},
      {"evt.buffer bcontains CAFE", 'f'},
      {"evt.buffer bstartswith 0163", 't'},
      {"evt.buffer bstartswith 63", 'f'},
      {"evt.buffer bcontains 636", 'e'},
      {"evt.buffer bcontains xyzw", 'e'},
      {"evt.buffer contains cafe", 't'},
      {"evt.buffer startswith \"\\x01c\"", 't'},
      {"evt.buffer endswith fe", 't'},
      {"evt.buffer icontains CAFE", 'e'},
      {"evt.buffer glob *", 'e'},
      {"evt.buffer bcontains anyof (00, 6361)", 't'},
  }});
}

TEST(RulesEval, ComparesAddresses) {
  Expect({{
      {"fd.sip = 10.1.2.3", 't'},
      {"fd.sip = \"10.1.2.3\"", 't'},
      {"fd.sip != 10.1.2.4", 't'},
      {"fd.sip = ::1", 'f'},
      {"fd.sip != ::1", 't'},
      {"fd.cip = fd00:0:0::1", 't'},
      {"fd.cip = 10.0.0.1", 'f'},
      {"fd.sip in (10.1.2.2, 10.1.2.3)", 't'},
      {"fd.sip = 10.1.2", 'e'},
      {"fd.sip = 10.1.2.0/24", 'e'},
      {"fd.sip = somehost", 'e'},
      {"fd.sip contains 10", 'e'},
      {"fd.sip > 10", 'e'},
      {"fd.sip = oneof (10.1.2.3, ::1)", 't'},
      {"fd.snet = 10.0.0.0/8", 't'},
      {"fd.snet = 10.9.9.9/8", 't'},
      {"fd.snet = 10.1.2.3/32", 't'},
      {"fd.snet = 10.1.2.2/32", 'f'},
      {"fd.snet = 0.0.0.0/0", 't'},
      {"fd.snet = fd00::/8", 'f'},
      {"fd.snet != fd00::/8", 't'},
      {"fd.snet in (192.168.0.0/16, 10.0.0.0/8)", 't'},
      {"fd.snet in (\"192.168.0.0/16\", \"172.16.0.0/12\")", 'f'},
      {"fd.snet = 10.1.2.3", 'e'},
      {"fd.snet = 10.0.0.0/33", 'e'},
      {"fd.snet = 10.0.0.0/", 'e'},
      // Either end equals; both must differ.
      {"fd.ip = 192.168.0.9", 't'},
      {"fd.ip != 192.168.0.9", 'f'},
      {"fd.ip != 192.168.0.8", 't'},
      {"fd.ip in (1.1.1.1, 10.1.2.3)", 't'},
      {"fd.port = 50000 and fd.port = 443", 't'},
      {"fd.port != 443", 'f'},
      {"fd.port < 500 and fd.port > 49999", 't'},
      {"fd.net in (172.16.0.0/12, 192.168.0.0/16)", 't'},
      {"fd.net != 10.0.0.0/8", 'f'},
      {"fd.net != 11.0.0.0/8", 't'},
  }});
}

TEST(RulesEval, ListsAsListFieldsAndQuantifiers) {
  Expect({{
      {"proc.name in (dog, cat)", 't'},
      {"proc.name in(dog,cat)", 't'},
      {"proc.name in ( dog , 'cat' )", 't'},
      {"proc.name in (dog)", 'f'},
      {"proc.name in ()", 'f'},
      {"not proc.name in ()", 't'},
      {"proc.name in cat", 't'},
      {"proc.name in \"cat\"", 'e'},
      {"proc.name in (cat,)", 'e'},
      {"proc.name in (,cat)", 'e'},
      {"proc.name in (cat dog)", 'e'},
      {"proc.name in (cat", 'e'},
      {"proc.name intersects (dog, cat)", 't'},
      {"fd.types in (file, ipv4, pipe)", 't'},
      {"fd.types in (file)", 'f'},
      {"fd.types intersects (file)", 't'},
      {"fd.types intersects (pipe)", 'f'},
      {"fd.types exists", 't'},
      {"fd.types = file", 'e'},
      {"fd.types contains file", 'e'},
      {"fd.types = anyof (file)", 'e'},
      {"proc.name = oneof (cat, dog)", 't'},
      {"proc.name = oneof (cat, cat)", 'f'},
      {"proc.name = anyof (cat, cat)", 't'},
      {"proc.name = allof (cat, cat)", 't'},
      {"proc.name = allof (cat, dog)", 'f'},
      {"proc.name = oneof ()", 'f'},
      {"proc.name != allof ()", 'f'},
      {"proc.name != allof (dog, cow)", 't'},
      {"proc.name != anyof (dog, cat)", 't'},
      {"fd.name startswith anyof (/usr, /etc)", 't'},
      {"fd.name regex oneof ('/etc/.*', '/usr/.*')", 't'},
      {"fd.name glob allof (*etc*, *Sha*)", 't'},
      {"proc.name = oneof", 'f'},
      {"proc.name = oneof cat", 't'},
      {"proc.name = oneof(cat)", 'e'},
      {"proc.name ==oneof (cat)", 'e'},
      {"proc.name in oneof (cat)", 'e'},
      {"proc.pid > oneof (1)", 'e'},
      {"proc.name = ONEOF (cat)", 'e'},
      {"proc.name = anyof and proc.name = cat", 'f'},
  }});
}

TEST(RulesEval, NullFailsEveryCheck) {
  Expect({{
      {"container.name = x", 'f'},
      {"container.name != x", 'f'},
      {"not container.name = x", 't'},
      {"not container.name != x", 't'},
      {"container.name in (x)", 'f'},
      {"container.name exists", 'f'},
      {"not container.name exists", 't'},
      {"container.name glob *", 'f'},
      {"container.name contains ''", 'f'},
      {"container.name != allof (x)", 'f'},
      {"proc.aname[5] != x", 'f'},
      {"proc.name != val(container.name)", 'f'},
      {"container.name = val(proc.name)", 'f'},
      {"tolower(container.name) != x", 'f'},
      {"len(container.name) >= 0", 'f'},
      {"concat(proc.name, container.name) exists", 'f'},
      {"container.id exists", 't'},
      {"container.id != host", 't'},
      {"b64(proc.name) exists", 't'},
      {"b64(fd.filename) exists", 'f'},
  }});
}

TEST(RulesEval, FieldsWithArguments) {
  Expect({{
      {"proc.aname = sshd", 't'},
      {"proc.aname != sshd", 't'},  // bash differs
      {"proc.aname in (sshd, x)", 't'},
      {"proc.aname startswith ss", 't'},
      {"proc.aname[2] = sshd", 't'},
      {"proc.aname['2'] = sshd", 't'},
      {"proc.aname[] = sshd", 'e'},
      {"proc.aname[x] = sshd", 'e'},
      {"proc.aname[ 2 ] = sshd", 'e'},
      {"proc.apid = 1", 't'},
      {"proc.name[1] = x", 'e'},
      {"evt.arg.flags contains O_RDONLY", 't'},
      {"evt.arg[flags] contains O_CLOEXEC", 't'},
      {"evt.arg['flags'] contains O_CLOEXEC", 't'},
      {"evt.arg.nosuch = x", 'e'},
      {"evt.arg = x", 'e'},
      {"evt.arg[0] = x", 'f'},
      {"proc.env[HOME] = x", 'f'},
      {"container.mount.dest[/proc*] in (x)", 'f'},
      {"container.mount.dest in (x)", 'e'},
      {"evt.type = openat", 't'},
      {"evt.type in (open, openat)", 't'},
      {"evt.type = nosuchcall", 'e'},
      {"evt.type = val(proc.name)", 'e'},
      {"tolower(evt.type) = openat", 'e'},
      {"proc.name = val(evt.type)", 'e'},
      {"no.field = x", 'e'},
      {"evt.type.is[openat] = 1", 'f'},
  }});
}

TEST(RulesEval, Transformers) {
  Expect({{
      {"toupper(proc.name) = CAT", 't'},
      {"tolower(fd.name) = /etc/shadow", 't'},
      {"tolower (fd.name) = x", 'e'},
      {"basename(fd.name) = Shadow", 't'},
      {"tolower(basename(fd.name)) startswith sha", 't'},
      {"basename(proc.cwd) = ''", 't'},
      {"b64(proc.exe) = cat", 't'},
      {"len(proc.name) = 3", 't'},
      {"len(proc.name) > 2", 't'},
      {"len(proc.name) = x", 'e'},
      {"len(fd.types) = 2", 't'},
      {"len(evt.buffer) = 5", 't'},
      {"len(proc.pid) = 2", 'e'},
      {"tolower(proc.pid) = x", 'e'},
      {"tolower(fd.types) = x", 'e'},
      {"tolower(proc.aname) = x", 'e'},
      {"tolower(fd.ip) = x", 'e'},
      {"concat(proc.pname, \"/\", proc.name) = bash/cat", 't'},
      {"concat(proc.pname) = bash", 'e'},
      {"join(\",\", (proc.pname, proc.name)) = \"bash,cat\"", 't'},
      {"join(\",\", fd.types) = \"file,ipv4\"", 't'},
      {"join(\",\", ()) = ''", 't'},
      {"join(\",\", proc.name) = x", 'e'},
      {"proc.name = tolower(proc.name)", 't'},
      {"tolower(proc.name) = val(proc.name)", 't'},
      {"proc.name = val(proc.pname)", 'f'},
      {"proc.name != val(proc.pname)", 't'},
      {"proc.pid > val(proc.ppid)", 't'},
      {"proc.name = val(proc.pid)", 'e'},
      {"proc.name = val(tolower(proc.name))", 'e'},
      {"val(proc.name) = cat", 'e'},
      {"proc.name = val(proc.aname)", 'e'},
      {"fd.sip = val(fd.sip)", 't'},
      {"proc.name in val(proc.name)", 't'},
      {"proc.name regex val(proc.name)", 'e'},
      {"proc.name contains val(proc.pname)", 'f'},
      {"nosuch(proc.name) = x", 'e'},
      {"proc.name = proc.name", 'f'},  // a text
      {"proc.name = tolower", 'f'},
  }});
}

TEST(RulesEval, GetoptReadsOptions) {
  Expect({{
      {"getopt(proc.args, \"no:\") intersects (n)", 't'},
      {"getopt(proc.args, \"no:\") intersects (file)", 't'},
      {"getopt(proc.args, \"no:\") in (n, o, file)", 't'},
      {"getopt(proc.args, \"no:\") in (n, o)", 'f'},
      {"getopt(proc.args, \"n\") intersects (\"?\")", 't'},
      {"getopt(proc.args, \"no:\")[o] = file", 't'},
      {"getopt(proc.args, \"no:\")[n] = ''", 't'},
      {"getopt(proc.args, \"no:x\")[x] exists", 'f'},
      {"getopt(proc.args, \"no:\")[x] = y", 'e'},
      {"getopt(proc.args, proc.name) intersects (n)", 'e'},
      {"getopt(proc.args, \"no:\") = n", 'e'},
      {"getopt(proc.pid, \"n\") intersects (n)", 'e'},
      {"tolower(getopt(proc.args, \"no:\")[o]) = file", 't'},
      {"len(getopt(proc.args, \"no:\")) = 3", 't'},
  }});
  const auto options = [](std::string_view args) { return StrCat(R"({"proc.args": )", args, "}"); };
  constexpr std::string_view kHasX = "getopt(proc.args, \"ab:x\") intersects (x)";
  EXPECT_EQ(Eval(kHasX, options(R"("-x")")), "true");
  EXPECT_EQ(Eval(kHasX, options(R"("-ax")")), "true");
  EXPECT_EQ(Eval(kHasX, options(R"("-bx")")), "true");  // b's value
  EXPECT_EQ(Eval(kHasX, options(R"("--long -x")")), "true");
  EXPECT_EQ(Eval(kHasX, options(R"("-- -x")")), "false");
  EXPECT_EQ(Eval(kHasX, options(R"("file -x")")), "false");
  EXPECT_EQ(Eval(kHasX, options(R"(["a file", "-x"])")), "false");
  EXPECT_EQ(Eval(kHasX, options(R"(["-b", "two words", "-x"])")), "true");
  EXPECT_EQ(Eval("getopt(proc.args, \"b:\")[b] = 2", options(R"("-b1 -b 2")")), "true");
  EXPECT_EQ(Eval("getopt(proc.args, \"b:\") intersects (\"?\")", options(R"("-b")")), "true");
}

TEST(RulesEval, Grammar) {
  Expect({{
      {"evt.num>=0", 't'},
      {"(evt.num>=0)and(evt.num>0)", 't'},
      {"evt.num=0 or evt.num>0", 't'},
      {"evt.num=0 and evt.num=0 or evt.num=7", 't'},
      {"evt.num=7 or evt.num=0 and evt.num=0", 't'},
      {"not evt.num=0", 't'},
      {"not not evt.num=7", 't'},
      {"not(not(evt.num=7))", 't'},
      {"evt.num=7 and not(evt.num=0)", 't'},
      {"evt.num=7 or(evt.num=0)", 't'},
      {"evt.num=7 or(evt.num=0) or evt.num=1", 't'},
      {"evt.num=7 or(evt.num=0) and evt.num=7", 'e'},
      {"evt.num=7 or (evt.num=0) and evt.num=7", 't'},
      {"evt.num=7 and(evt.num=7) and evt.num=0", 'f'},
      {"evt.num existsand evt.num=7", 't'},
      {"  evt.num=7\t\n", 't'},
      {"evt.num=7 # comment", 'e'},
      {"evt.num=7 AND evt.num=7", 'e'},
      {"evt.num=7 && evt.num=7", 'e'},
      {"evt.num=7 and", 'e'},
      {"and evt.num=7", 'e'},
      {"(evt.num=7", 'e'},
      {"evt.num=7)", 'e'},
      {"", 'e'},
      {"()", 'e'},
      {"nosuchmacro", 'e'},
      {"evt.num", 'e'},
      {"evt.num 7", 'e'},
      {"evt.num =! 7", 'e'},
      {"proc.name = \"cat", 'e'},
      {"proc.name = \"a\\qb\"", 'e'},
      {"proc.name = '\\x63at'", 't'},
      {"proc.name = \"c\\x00at\"", 'e'},
      {"proc.name = 'c\\\"t'", 'e'},
      {"proc.name = cat\\", 'f'},
      {"proc.name startswith\"c\"", 'e'},
      {"proc.name\tstartswith\nc", 't'},
  }});
  std::string deep(1001, '(');
  EXPECT_THAT(Eval(StrCat(deep, "evt.num=1", std::string(1001, ')'))), HasSubstr("nested"));
  EXPECT_THAT(Eval(std::string(100'000, '(')), HasSubstr("nested"));
}

TEST(RulesEval, RefusesValuesThatDoNotFit) {
  struct Bad {
    std::string_view fields;
    std::string_view why;
  };
  constexpr Bad kBad[] = {
      {"x", "no JSON"},
      {"{", "no JSON"},
      {"[1]", "JSON object"},
      {R"({"proc.name": 4})", "takes a string"},
      {R"({"proc.name": ["a"]})", "takes a string"},
      {R"({"proc.pid": "4"})", "whole number"},
      {R"({"proc.pid": 4.5})", "whole number"},
      {R"({"user.uid": -1})", "not negative"},
      {R"({"fd.sport": 65536})", "65535"},
      {R"({"evt.failed": "true"})", "true or false"},
      {R"({"fd.sip": "10.0.0"})", "IP address"},
      {R"({"fd.types": "file"})", "in an array"},
      {R"({"fd.types": [1]})", "in an array"},
      {R"({"no.such": 1})", "no field"},
      {R"({"proc.name[1]": "x"})", "no argument"},
      {R"x({"tolower(proc.name)": "x"})x", "only fields"},
  };
  for (const Bad& bad : kBad) {
    EXPECT_THAT(Eval("evt.num = 1", bad.fields), HasSubstr(bad.why)) << bad.fields;
  }
}

TEST(RulesEval, TakesListsAndMacrosFromFiles) {
  const TemporaryDirectory directory;
  const std::string a = directory.path() + "/a.yaml";
  const std::string b = directory.path() + "/b.yaml";
  constexpr std::string_view kList = "- list: shells\n  items: [sh, bash]\n";
  constexpr std::string_view kMacro =
      "- macro: shell\n  condition: proc.name in (shells) or proc.name = zsh\n";
  ASSERT_TRUE(WriteFileAtomically(a, kList, 0600).ok());
  ASSERT_TRUE(WriteFileAtomically(b, kMacro, 0600).ok());
  const std::string fields = R"({"proc.name": "bash"})";
  EXPECT_EQ(RunEval({"shell and proc.name != sh", "--fields", fields, "--rules", a, b}).status, 0);
  EXPECT_EQ(RunEval({"not shell", "--fields", fields, "--rules", a, "--rules", b}).status, 1);
  EXPECT_EQ(RunEval({"proc.name in (shells)", "--fields", fields, "--rules", a}).status, 0);
  EXPECT_EQ(RunEval({"shell", "--fields", fields, "--rules", a}).status, 2);
  const Outcome missing = RunEval({"evt.num = 1", "--rules", directory.path() + "/none.yaml"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.notes, HasSubstr("LOAD_ERR_FILE_READ"));
  EXPECT_EQ(RunEval({"evt.num =", "1"}).status, 2);
}

}  // namespace
}  // namespace vakt

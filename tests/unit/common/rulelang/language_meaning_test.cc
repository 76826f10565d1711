// SPDX-License-Identifier: Apache-2.0
// What operators, null and transformers mean, statement by statement, on events that are made for
// it: each condition with the text that fd.name or the arguments have, and whether it holds.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <initializer_list>
#include <string_view>

#include "common/rulelang/eval.h"
#include "tests/unit/common/rulelang/rule_text.h"

namespace vakt {
namespace {

class LanguageMeaningTest : public testing::Test {
 protected:
  struct OfName {
    std::string_view name;  // fd.name
    std::string_view condition;
    bool holds;
  };
  struct OfConnection {
    std::string_view condition;
    bool holds;
  };

  void CheckNames(std::initializer_list<OfName> cases) {
    for (const OfName& c : cases) {
      Event event = OpenEvent(processes_);
      event.file_open.file.path = c.name;
      EXPECT_EQ(Holds(c.condition, event), c.holds) << c.condition << " of " << c.name;
    }
  }
  void CheckEvent(const Event& event, std::initializer_list<OfConnection> cases) {
    for (const OfConnection& c : cases) {
      EXPECT_EQ(Holds(c.condition, event), c.holds) << c.condition;
    }
  }
  Event Connect6() {
    Event event = ConnectEvent(processes_);
    event.network.ipv6 = true;
    event.network.family = AF_INET6;
    event.network.local.address = {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    event.network.remote.address = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
    return event;
  }

  SampleProcesses processes_;
};

TEST_F(LanguageMeaningTest, StringsCompareByBytes) {
  CheckNames({
      {"/a", "fd.name = /a", true},
      {"/a", "fd.name == /a", true},
      {"/A", "fd.name = /a", false},
      {"/ab", "fd.name = /a", false},
      {"/A", "fd.name != /a", true},
      {"/a", "fd.name in (/ab, /, a)", false},
      {"/a", "fd.name in (/b, /a)", true},
      {"/a", "fd.name intersects (/b, /a)", true},
      {"/a", "fd.name intersects (/b)", false},
      {"/a.B", "fd.name contains a.", true},
      {"/a.B", "fd.name contains b", false},
      {"/a.B", "fd.name icontains A.b", true},
      {"/a.B", "fd.name icontains AB", false},
      {"/etc/a", "fd.name startswith /etc", true},
      {"/etc/a", "fd.name startswith /ETC", false},
      {"/etc/a", "tolower(fd.name) startswith /etc", true},
      {"/ETC/a", "tolower(fd.name) startswith /etc", true},
      {"/etc/a.So", "fd.name endswith .so", false},
      {"/etc/a.so", "fd.name endswith .so", true},
      {"b", "fd.name > val(proc.name)", false},  // "bash"
      {"c", "fd.name > val(proc.name)", true},
      {"C", "fd.name < val(proc.name)", true},
      {"9", "fd.name > 10", true},  // as bytes, not as numbers
  });
}

TEST_F(LanguageMeaningTest, Patterns) {
  CheckNames({
      {"/a/.b/c", "fd.name glob /a/*c", true},
      {"/a/.b/c", "fd.name glob /a?.b/?", true},
      {"/a/.b/c", "fd.name glob *.b", false},
      {"/a/b", "fd.name glob /A*", false},
      {"/a/b", "fd.name iglob /A*", true},
      {"/a/b", "fd.name iglob /[A-C]/B", true},
      {"/a/b", "fd.name=/a*", false},  // = knows no patterns
      {"/opt/a", "fd.name pmatch (/opt)", true},
      {"/opt", "fd.name pmatch (/opt)", true},
      {"/optional", "fd.name pmatch (/opt)", false},
      {"/opt", "fd.name pmatch (/opt/a)", false},
      {"/opt/a", "fd.name pmatch (/usr, /opt)", true},
      {"/opt/a", "fd.name pmatch (/)", true},
      {"/opt/a", "fd.name pmatch ()", false},
      {"//opt///a", "fd.name pmatch (/opt//a/)", true},
      {"opt/a", "fd.name pmatch (/opt)", true},
      {"/opt/a/b", "fd.name pmatch (/opt/*/b)", true},
      {"/opt/a/c/b", "fd.name pmatch (/opt/*/b)", false},
      {"/opt/ab", "fd.name pmatch (/o?t/[ax]*)", true},
      {"/a.b", "fd.name regex '/a[.]b+'", true},
      {"/a.bc", "fd.name regex '/a[.]b+'", false},
      {"x/a.b", "fd.name regex '/a[.]b+'", false},
      {"/A", "fd.name regex '(?i)/a+'", true},
  });
}

TEST_F(LanguageMeaningTest, Quantifiers) {
  CheckNames({
      {"/a", "fd.name = anyof (/b, /a)", true},
      {"/a", "fd.name = oneof (/a, /b)", true},
      {"/a", "fd.name = oneof (/a, /a)", false},
      {"/a", "fd.name = allof (/a, /a)", true},
      {"/a", "fd.name == allof (/a, /b)", false},
      {"/a", "fd.name != allof (/b, /c)", true},
      {"/a", "fd.name != allof (/b, /a)", false},
      {"/a", "fd.name != anyof (/b, /a)", true},
      {"/a", "fd.name != oneof (/a, /b)", true},
      {"/a", "fd.name != oneof (/c, /b)", false},
      {"/abc", "fd.name contains allof (a, c)", true},
      {"/abc", "fd.name contains anyof (x, y)", false},
      {"/abc", "fd.name icontains oneof (A, B)", false},
      {"/abc", "fd.name icontains oneof (A, X)", true},
      {"/abc", "fd.name startswith allof (/a, /b)", false},
      {"/abc", "fd.name startswith anyof (/b, /a)", true},
      {"/abc", "fd.name endswith oneof (c, bc)", false},
      {"/abc", "fd.name endswith anyof (x, bc)", true},
      {"/abc", "fd.name glob allof (/*, *c)", true},
      {"/abc", "fd.name glob oneof (/*, *c)", false},
      {"/abc", "fd.name iglob anyof (X*, *C)", true},
      {"/abc", "fd.name regex anyof ('x+', '/[a-c]+')", true},
      {"/abc", "fd.name regex allof ('x+', '/[a-c]+')", false},
      {"/abc", "fd.name contains anyof ()", false},
      {"/abc", "fd.name contains allof ()", false},
      {"/abc", "fd.name contains oneof ()", false},
      {"oneof", "fd.name = oneof", true},  // without a list it is a text
  });
  CheckEvent(ConnectEvent(processes_), {
                                           {"fd.sip = anyof (\"::1\", \"192.168.1.9\")", true},
                                           {"fd.sip != allof (\"::1\", \"192.168.1.9\")", false},
                                           {"fd.cip != allof (\"::1\", \"192.168.1.9\")", true},
                                       });
}

TEST_F(LanguageMeaningTest, NumbersCompareByTheirSign) {
  Event event = OpenEvent(processes_);
  event.result = -2;
  event.num = 18446744073709551615u;
  CheckEvent(event, {
                        {"evt.rawres < 0", true},
                        {"evt.rawres = -2", true},
                        {"evt.rawres in (0, -2)", true},
                        {"evt.rawres < -2", false},
                        {"evt.rawres <= -2", true},
                        {"evt.rawres > 4294967293", false},
                        {"evt.num > 9223372036854775807", true},
                        {"evt.num = 0xffffffffffffffff", true},
                        {"proc.pid = 0x14", true},
                        {"proc.pid > val(proc.ppid)", true},
                        {"proc.pid <= val(proc.ppid)", false},
                    });
}

TEST_F(LanguageMeaningTest, EndsOfConnections) {
  CheckEvent(ConnectEvent(processes_),
             {
                 {"fd.sport = https", true},
                 {"fd.sport in (ssh, 443)", true},
                 {"fd.sport = \"443\"", true},
                 {"fd.sport < 443", false},
                 {"fd.port < 444", true},
                 {"fd.port < 443", false},
                 {"fd.port > 39999", true},
                 {"fd.port > 40000", false},
                 {"fd.port = 40000", true},
                 {"fd.port != 22", true},
                 {"fd.port != 40000", false},
                 {"fd.proto in (https)", true},
                 {"fd.proto != https", false},
                 {"fd.ip in (\"1.1.1.1\", \"10.0.0.5\")", true},
                 {"fd.ip != \"10.0.0.5\"", false},
                 {"fd.ip = \"::1\"", false},
                 {"fd.ip != \"::1\"", true},
                 {"fd.net in (\"1.0.0.0/8\", \"192.168.0.0/16\")", true},
                 {"fd.net = \"10.255.255.255/8\"", true},
                 {"fd.net != \"192.168.0.0/16\"", false},
                 {"fd.net != \"172.16.0.0/12\"", true},
                 {"fd.net = \"::/0\"", false},
                 {"fd.cnet in (\"1.0.0.0/8\", \"10.0.0.0/8\")", true},
                 {"fd.snet in (\"1.0.0.0/8\", \"10.0.0.0/8\")", false},
                 {"fd.snet in (\"1.0.0.0/8\", \"192.168.1.9/32\")", true},
                 {"fd.lnet in (\"1.0.0.0/8\", \"10.0.0.5/32\")", true},
                 {"fd.rnet in (\"1.0.0.0/8\", \"192.168.1.0/28\")", true},
                 {"fd.rnet in (\"1.0.0.0/8\", \"192.168.1.0/29\")", false},
                 {"fd.lip = val(fd.cip) and fd.rip = val(fd.sip)", true},
                 {"fd.lport = val(fd.cport) and fd.rport = val(fd.sport)", true},
             });
}

TEST_F(LanguageMeaningTest, FamiliesDoNotMix) {
  CheckEvent(Connect6(), {
                             {"fd.sip = \"2001:db8::9\"", true},
                             {"fd.sip = \"2001:DB8:0:0::9\"", true},
                             {"fd.sip != \"2001:db8::9\"", false},
                             {"fd.sip = \"0.0.0.9\"", false},
                             {"fd.sip != \"0.0.0.9\"", true},
                             {"fd.snet = \"2001:db8::/32\"", true},
                             {"fd.snet = \"2001:db9::/32\"", false},
                             {"fd.snet in (\"0.0.0.0/0\")", false},
                             {"fd.snet != \"0.0.0.0/0\"", true},
                             {"fd.net != \"fd00::/8\"", false},
                             {"fd.typechar = 6", true},
                         });
}

// fd.name has no value on a socket without an address, and fd.sport none on a file.
TEST_F(LanguageMeaningTest, NullMakesEachCheckFalse) {
  Event event = ConnectEvent(processes_);
  event.kind = Kind::network_socket;
  event.type = FindEventType("socket")->id;
  for (const std::string_view check : {"fd.name = x",
                                       "fd.name == x",
                                       "fd.name != x",
                                       "fd.name contains x",
                                       "fd.name icontains x",
                                       "fd.name startswith x",
                                       "fd.name endswith x",
                                       "fd.name glob *",
                                       "fd.name iglob *",
                                       "fd.name regex 'a*|.+'",
                                       "fd.name in (x)",
                                       "fd.name intersects (x)",
                                       "fd.name pmatch (/)",
                                       "fd.name exists",
                                       "fd.name < 1",
                                       "fd.name >= 1",
                                       "fd.name != allof (x)",
                                       "fd.name = anyof (x)",
                                       "fd.name != val(proc.name)",
                                       "proc.name != val(fd.name)",
                                       "fd.sport != 1",
                                       "fd.sip != \"1.1.1.1\"",
                                       "fd.net != \"1.0.0.0/8\"",
                                       "tolower(fd.name) != x",
                                       "len(fd.name) >= 0",
                                       "basename(fd.name) exists",
                                       "concat(fd.name, \"x\") != y"}) {
    EXPECT_FALSE(Holds(check, event)) << check;
    EXPECT_TRUE(Holds("not " + std::string(check), event)) << check;
    EXPECT_TRUE(Holds("not (" + std::string(check) + " and proc.name = bash)", event)) << check;
  }
}

TEST_F(LanguageMeaningTest, SentinelsAreValues) {
  processes_.bash.user_name = "";
  processes_.bash.container_id = "";
  processes_.bash.argv = StringList();
  processes_.bash.cmdline = "";
  Event event = OpenEvent(processes_);
  event.result = -2;
  CheckEvent(event, {
                        {"user.name = \"<NA>\"", true},
                        {"user.loginname = \"<NA>\"", true},
                        {"group.name = \"<NA>\"", true},
                        {"user.name != root", true},
                        {"user.loginuid = -1", true},
                        {"user.loginuid < 0", true},
                        {"fd.l4proto = \"<NA>\"", true},
                        {"fd.l4proto != tcp", true},
                        {"proc.exe = ''", true},
                        {"proc.exe exists", true},
                        {"proc.cmdline = ''", true},
                        {"proc.tty = 0", true},
                        {"container.id != host", true},  // undecided: better an alert too many
                        {"container.id = ''", true},
                        {"container.privileged = true or container.privileged = false", false},
                        {"container.privileged != true", false},
                        {"fd.num = -1", true},
                        {"fd.num < 0", true},
                        {"not fd.name in (\"<NA>\", \"N/A\")", true},
                        {"evt.num = 1", true},
                        {"evt.dir = <", true},
                        {"evt.dir = >", false},
                    });
}

TEST_F(LanguageMeaningTest, Transformers) {
  CheckNames({
      {"/A\xc3\x84", "tolower(fd.name) = \"/a\xc3\x84\"", true},  // ASCII alone
      {"/a\xc3\xa4", "toupper(fd.name) = \"/A\xc3\xa4\"", true},
      {"c2gxMg==", "b64(fd.name) = sh12", true},
      {"c2gxMg", "b64(fd.name) = sh12", true},  // without padding
      {"c2gxM", "b64(fd.name) exists", false},
      {"c2g!xMg=", "b64(fd.name) != x", false},
      {"/a/b", "basename(fd.name) = b", true},
      {"b", "basename(fd.name) = b", true},
      {"a/", "basename(fd.name) = ''", true},
      {"a/", "basename(fd.name) exists", true},
      {"/\xc3\xa4", "len(fd.name) = 3", true},  // bytes
      {"/a", "len(fd.name) in (2, 3)", true},
      {"/a", "join(\"-\", (fd.name, proc.name)) = /a-bash", true},
      {"/a", "join(\"\", (fd.name, \"x\", proc.name)) = /axbash", true},
      {"/a", "join(\"-\", ()) = '' and join(\"-\", ()) exists", true},
      {"/a", "concat(fd.name, \"/\", proc.name, \"/\", proc.pname) = /a/bash/sshd", true},
      {"/a/B", "toupper(concat(basename(fd.name), proc.name)) = BBASH", true},
      {"BASH", "fd.name = toupper(proc.name)", true},
      {"/a/BASH", "basename(fd.name) = toupper(proc.name)", true},
      {"bash", "fd.name in (zsh, bash) and fd.name = val(proc.name)", true},
      {"4", "len(proc.name) = 4", true},
  });
}

TEST_F(LanguageMeaningTest, OptionsOfCommandLines) {
  const struct {
    StringList argv;
    std::string_view condition;
    bool holds;
  } cases[] = {
      {{"x", "-a", "-b", "1"}, "getopt(proc.args, \"ab:\") in (a, b, \"1\")", true},
      {{"x", "-a", "-b", "1"}, "len(getopt(proc.args, \"ab:\")) = 3", true},
      {{"x", "-ab1"},
       "join(\",\", (proc.name)) = bash and getopt(proc.args, \"ab:\")[b] = \"1\"",
       true},
      {{"x", "-b", "1", "-b", "2"}, "getopt(proc.args, \"b:\")[b] = \"2\"", true},  // the last
      {{"x", "-b", "1", "-b", "2"}, "getopt(proc.args, \"b:\")[b] = \"1\"", false},
      {{"x", "-z"}, "getopt(proc.args, \"a\") intersects (?)", true},
      {{"x", "-a", "--", "-b"}, "getopt(proc.args, \"ab\") intersects (b)", false},
      {{"x", "-a", "file", "-b"}, "getopt(proc.args, \"ab\") intersects (b)", false},
      {{"x", "--long", "-b"}, "getopt(proc.args, \"ab\") intersects (b)", true},
      {{"x", "--long", "-b"}, "len(getopt(proc.args, \"ab\")) = 1", true},
      {{"x", "file"}, "getopt(proc.args, \"ab:\")[b] exists", false},
      {{"x", "-b", "a b"}, "getopt(proc.args, \"b:\")[b] = \"a b\"", true},
  };
  for (const auto& c : cases) {
    processes_.bash.argv = c.argv;
    processes_.bash.args = processes_.bash.argv.Joined(1);
    EXPECT_EQ(Holds(c.condition, OpenEvent(processes_)), c.holds)
        << c.condition << " of " << processes_.bash.args;
  }
}

TEST_F(LanguageMeaningTest, Ancestors) {
  CheckEvent(OpenEvent(processes_), {
                                        {"proc.aname[0] = bash", true},
                                        {"proc.aname[1] = sshd", true},
                                        {"proc.aname[2] = systemd", true},
                                        {"proc.aname[3] exists", false},
                                        {"proc.aname = bash", false},
                                        {"proc.aname = systemd", true},
                                        {"proc.aname != systemd", true},  // sshd differs
                                        {"proc.aname[1] != sshd", false},
                                        {"proc.aname in (sshd, systemd)", true},
                                        {"proc.aname startswith sys", true},
                                        {"proc.apid[1] = 10", true},
                                        {"proc.apid = 1", true},
                                        {"proc.apid = 20", false},
                                        {"proc.aexe[2] endswith systemd", true},
                                        {"proc.aexepath[2] = /usr/bin/systemd", true},
                                        {"proc.acmdline[1] startswith \"sshd -c\"", true},
                                        {"proc.aargs[1] = \"-c echo Hello\"", true},
                                    });
}

// Spellings that trip parsers, as rule files have them.
TEST_F(LanguageMeaningTest, Spellings) {
  CheckEvent(ConnectEvent(processes_),
             {
                 {"fd.typechar=4", true},
                 {"fd.typechar='6'", false},
                 {"fd.sport=\"443\"", true},
                 {"evt.rawres >= 0", true},
                 {"evt.res = EINPROGRESS", false},
                 {"evt.res != -1", true},
                 {"(evt.rawres >= 0 or evt.res = EINPROGRESS)and fd.typechar = 4", true},
                 {"(fd.typechar in (4,6))and(not(evt.num=0))", true},
                 {"proc.args = ''", false},
                 {"proc.args contains \"-c \"", true},  // the blank counts
                 {"proc.args contains \"Hello \"", false},
                 {"not proc.name in (sh, \"zsh\", 'ksh')", true},
                 {"proc.name in (sh, \"bash\")", true},
                 {"not fd.snet in (\"127.0.0.0/8\", \"10.0.0.0/8\")", true},
                 {"fd.net != \"127.0.0.0/8\"", true},
                 {"fd.sport in (80, 443, 8080)", true},
                 {"fd.sip.name in (\"a.example\", \"b.example\")", false},
                 {"evt.arg.flags contains O_CREAT", false},
                 {"evt.arg.fd exists", true},
                 {"proc.name != \"\"", true},
             });
  CheckNames({
      {"/a\\", "(fd.name endswith a\\)", true},
      {"/a\\b", "fd.name contains \"\\ b\"", true},  // a backslash and a blank: one backslash
      {"/a b", "fd.name contains \"\\ b\"", false},
      {"/a\\b", "fd.name contains \"a\\\\b\"", true},
      {"runc:[0:PARENT]", "fd.name in (runc:[0:PARENT])", true},
  });
}

TEST_F(LanguageMeaningTest, ListsAndMacrosOfRuleFiles) {
  const std::string file = R"yaml(
- required_engine_version: 0.57.0
- required_plugin_versions:
  - name: container
    version: 0.4.0
- list: none
  items: []
- list: shells
  items:
    - bash
    - '"sh -c node -e \"require(''nan'')\""'
    - '"(systemd)"'
    - runc:[0:PARENT]
    - 8080
- list: programs
  items: [none, shells, zsh]
- rule: r
  desc: d
  priority: INFO
  output: o %evt.arg.flags
  condition: >
    level_5 and
      not proc.pname in (none) and not fd.name in ()
- macro: level_1
  condition: evt.type = openat or evt.type = open
- macro: level_2
  condition: level_1
- macro: level_3
  condition: level_2 and proc.name in (programs)
- macro: level_4
  condition: level_3
- macro: level_5
  condition: level_4
)yaml";
  const LoadResult result = LoadTexts({file});
  ASSERT_TRUE(result.ok) << testing::PrintToString(ErrorsOf(result));
  const Rule& rule = result.rules->rules.at(0);
  Extractor scratch;
  Event event = OpenEvent(processes_);
  const struct {
    std::string_view name;
    bool holds;
  } cases[] = {{"bash", true},         {"zsh", true},   {"sh -c node -e \"require('nan')\"", true},
               {"(systemd)", true},    {"8080", true},  {"runc:[0:PARENT]", true},
               {"\"(systemd)", false}, {"none", false}, {"", false}};
  for (const auto& c : cases) {
    processes_.bash.comm = SharedString(c.name);
    EXPECT_EQ(Evaluate(*rule.condition, event, scratch), c.holds) << c.name;
  }
}

}  // namespace
}  // namespace vakt

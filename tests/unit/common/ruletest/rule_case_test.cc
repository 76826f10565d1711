// SPDX-License-Identifier: Apache-2.0
#include "common/ruletest/rule_case.h"

#include <fcntl.h>

#include <cerrno>
#include <set>
#include <string>

#include "common/base/file.h"
#include "common/base/strings.h"
#include "common/ruletest/script_keys.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// One test around some events.
absl::StatusOr<std::vector<RuleCase>> ParseEvents(std::string_view events) {
  return ParseRuleTests(
      "x.test.yaml", StrCat("tests:\n- rule: R\n  name: n\n  expect: fire\n  events:\n", events));
}

std::vector<v1::Event> Events(std::string_view events) {
  absl::StatusOr<std::vector<RuleCase>> cases = ParseEvents(events);
  EXPECT_TRUE(cases.ok()) << cases.status();
  return cases.ok() ? cases->at(0).events : std::vector<v1::Event>();
}

std::string ErrorOf(std::string_view yaml) {
  return std::string(ParseRuleTests("x.test.yaml", yaml).status().message());
}

std::string EventError(std::string_view events) {
  return std::string(ParseEvents(events).status().message());
}

TEST(RuleCase, ReadsNameAndExpectation) {
  const auto cases = ParseRuleTests("x.test.yaml",
                                    "tests:\n"
                                    "- rule: A rule\n"
                                    "  name: says what\n"
                                    "  expect: quiet\n"
                                    "  events: [{process_exec: {exe: /bin/ls}}]\n");
  ASSERT_TRUE(cases.ok()) << cases.status();
  ASSERT_EQ(cases->size(), 1u);
  const RuleCase& only = cases->front();
  EXPECT_EQ(only.path, "x.test.yaml");
  EXPECT_EQ(only.line, 2);
  EXPECT_EQ(only.rule, "A rule");
  EXPECT_EQ(only.name, "says what");
  EXPECT_FALSE(only.expect_fire);
  EXPECT_EQ(only.events.size(), 1u);
}

TEST(EventScript, AProgramHasSensibleDefaults) {
  const v1::Event event = Events("  - process_exec: {exe: /usr/bin/averyveryverylongname}\n").at(0);
  EXPECT_EQ(event.type(), "execve");
  EXPECT_EQ(event.task().pid(), 100u);
  EXPECT_EQ(event.task().ppid(), 1u);
  EXPECT_EQ(event.task().comm(), "averyveryverylo");
  EXPECT_NE(event.task().cookie(), 0u);
  const v1::ProcessExec& exec = event.process_exec();
  EXPECT_EQ(exec.exe().path(), "/usr/bin/averyveryverylongname");
  EXPECT_EQ(exec.filename(), "/usr/bin/averyveryverylongname");
  EXPECT_THAT(exec.argv(), ElementsAre("averyveryverylongname"));
  EXPECT_EQ(exec.cwd(), "/");
  EXPECT_EQ(exec.facts().login_uid(), 0xffffffffu);
  EXPECT_EQ(exec.facts().ns_pid(), 100u);
}

TEST(EventScript, AProgramSaysWhatItIsTold) {
  const v1::Event event = Events(
                              "  - process_exec: {pid: 7, ppid: 3, tid: 8, exe: /bin/sh, comm: x, "
                              "argv: [a, 'b c'], filename: /bin/dash, cwd: /tmp, uid: 33, gid: 34, "
                              "euid: 0, caps: 0x3, login_uid: 1000, tty: 34816, sid: 9, ns_pid: 2, "
                              "container: 'abc', upper_layer: true, memfd: true, unlinked: true, "
                              "writable: true, type: execveat}\n")
                              .at(0);
  EXPECT_EQ(event.type(), "execveat");
  EXPECT_EQ(event.task().tid(), 8u);
  EXPECT_EQ(event.task().comm(), "x");
  EXPECT_EQ(event.task().uid(), 33u);
  EXPECT_EQ(event.task().euid(), 0u);
  EXPECT_EQ(event.task().egid(), 34u);
  EXPECT_EQ(event.task().cap_effective(), 3u);
  const v1::ProcessExec& exec = event.process_exec();
  EXPECT_THAT(exec.argv(), ElementsAre("a", "b c"));
  EXPECT_EQ(exec.filename(), "/bin/dash");
  EXPECT_EQ(exec.cwd(), "/tmp");
  EXPECT_TRUE(exec.exe_upper_layer() && exec.exe_memfd() && exec.exe_unlinked());
  EXPECT_TRUE(exec.exe_writable());
  EXPECT_EQ(exec.facts().login_uid(), 1000u);
  EXPECT_EQ(exec.facts().tty(), 34816u);
  EXPECT_EQ(exec.facts().session_id(), 9u);
  EXPECT_EQ(exec.facts().ns_pid(), 2u);
  EXPECT_EQ(exec.facts().cgroup_path(),
            StrCat("/system.slice/docker-abc", std::string(61, '0'), ".scope"));
}

TEST(EventScript, AChildTakesAfterItsParent) {
  const auto events = Events(
      "  - process_seed: {pid: 5, exe: /usr/sbin/nginx, uid: 33, container: 'ab', tty: 4}\n"
      "  - process_exec: {pid: 6, ppid: 5, exe: /bin/sh}\n"
      "  - process_exec: {pid: 6, exe: /bin/id}\n");
  EXPECT_TRUE(events[0].has_process_seed());
  EXPECT_EQ(events[1].task().parent_cookie(), events[0].task().cookie());
  EXPECT_EQ(events[1].task().uid(), 33u);
  EXPECT_EQ(events[1].process_exec().facts().tty(), 4u);
  EXPECT_THAT(events[1].process_exec().facts().cgroup_path(), HasSubstr("docker-ab"));
  EXPECT_EQ(events[2].task().cookie(), events[1].task().cookie());
  EXPECT_EQ(events[2].task().ppid(), 5u);
  EXPECT_THAT(events[2].process_exec().argv(), ElementsAre("id"));
}

TEST(EventScript, ForkAndExit) {
  const auto events = Events(
      "  - process_seed: {pid: 5, exe: /bin/sh, uid: 2}\n"
      "  - process_fork: {pid: 5, child: 6}\n"
      "  - file_open: {pid: 6, path: /x}\n"
      "  - process_exit: {pid: 6, code: 3, signal: 9}\n");
  EXPECT_EQ(events[1].result(), 6);
  EXPECT_EQ(events[1].process_fork().child().pid(), 6u);
  EXPECT_EQ(events[1].process_fork().child().parent_cookie(), events[0].task().cookie());
  EXPECT_EQ(events[2].task().comm(), "sh");
  EXPECT_EQ(events[2].task().uid(), 2u);
  EXPECT_EQ(events[3].process_exit().exit_code(), 3);
  EXPECT_EQ(events[3].process_exit().signal(), 9);
  EXPECT_EQ(events[3].type(), "procexit");
}

TEST(EventScript, Opens) {
  const auto events = Events(
      "  - process_seed: {exe: /bin/sh}\n"
      "  - file_open: {path: /etc/shadow, raw: ../etc/shadow, flags: O_WRONLY|O_CREAT, mode: "
      "0755}\n"
      "  - file_open: {path: /none, result: ENOENT}\n"
      "  - file_open: {path: /etc, file_type: directory, after_s: 2}\n");
  const v1::FileOpen& first = events[1].file_open();
  EXPECT_EQ(first.name_raw(), "../etc/shadow");
  EXPECT_EQ(first.flags(), static_cast<uint32_t>(O_WRONLY | O_CREAT));
  EXPECT_EQ(first.create_mode(), 0755u);
  EXPECT_EQ(events[1].result(), 3);
  EXPECT_EQ(events[2].result(), -ENOENT);
  EXPECT_EQ(events[2].file_open().fd(), -1);
  EXPECT_EQ(events[2].file_open().file().mode(), 0u);
  EXPECT_EQ(events[3].file_open().file().mode() & 0170000, 0040000u);
  EXPECT_EQ(events[3].boot_ns() - events[2].boot_ns(), 2'000'000'000u);
}

TEST(EventScript, ConnectionsNameClientAndServer) {
  const auto events = Events(
      "  - process_seed: {exe: /bin/sh}\n"
      "  - network_connect: {to: '192.0.2.1:80', result: ECONNREFUSED}\n"
      "  - network_accept: {from: '[2001:db8::1]:5', to: '[::1]:443', transport: udp}\n");
  const v1::Socket& connect = events[1].network_connect();
  EXPECT_EQ(connect.remote().address(), std::string("\xc0\0\2\1", 4));
  EXPECT_EQ(connect.remote().port(), 80u);
  EXPECT_EQ(connect.local().port(), 40000u);
  EXPECT_EQ(connect.transport(), v1::TRANSPORT_TCP);
  EXPECT_EQ(events[1].result(), -ECONNREFUSED);
  const v1::Socket& accept = events[2].network_accept();
  EXPECT_EQ(accept.remote().port(), 5u);
  EXPECT_EQ(accept.local().port(), 443u);
  EXPECT_EQ(accept.local().address().size(), 16u);
  EXPECT_EQ(accept.transport(), v1::TRANSPORT_UDP);
}

TEST(RuleCase, MistakesNameTheirLine) {
  EXPECT_THAT(ErrorOf("tests: 3"), HasSubstr("x.test.yaml:1: a test file is"));
  EXPECT_THAT(ErrorOf("tests: [3]"), HasSubstr("expected a test"));
  EXPECT_THAT(ErrorOf("tests:\n- {rule: a, name: b, expect: maybe, events: [1]}"),
              HasSubstr("x.test.yaml:2: expect is fire or quiet, not \"maybe\""));
  EXPECT_THAT(ErrorOf("tests:\n- {rule: a, expect: fire, events: [1]}"), HasSubstr("needs name"));
  EXPECT_THAT(ErrorOf("tests:\n- {rule: a, nmae: b}"), HasSubstr("no key \"nmae\""));
  EXPECT_THAT(ErrorOf("tests:\n- {rule: a, name: b, expect: fire}"), HasSubstr("needs events"));
  EXPECT_THAT(ErrorOf("tests: ["), HasSubstr("x.test.yaml:"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("a test file is"));
}

TEST(EventScript, MistakesSayWhatIsAllowed) {
  EXPECT_THAT(EventError("  - process_exce: {exe: /x}\n"),
              HasSubstr("x.test.yaml:6: there is no event kind \"process_exce\""));
  EXPECT_THAT(EventError("  - process_exec: {exe: /x, pdi: 3}\n"), HasSubstr("no key \"pdi\""));
  EXPECT_THAT(EventError("  - process_exec: {pid: 3}\n"), HasSubstr("exe is missing"));
  EXPECT_THAT(EventError("  - process_exec: {exe: /x, pid: -3}\n"), HasSubstr("expected a number"));
  EXPECT_THAT(EventError("  - process_exec: {exe: /x, pid: 99999999}\n"), HasSubstr("up to"));
  EXPECT_THAT(EventError("  - process_exec: {exe: /x, argv: ls}\n"),
              HasSubstr("list of arguments"));
  EXPECT_THAT(EventError("  - process_exec: {exe: /x, memfd: yes}\n"), HasSubstr("true or false"));
  EXPECT_THAT(EventError("  - process_exec: {exe: /x, container: XYZ}\n"), HasSubstr("hex digits"));
  EXPECT_THAT(EventError("  - process_exec: {exe: /x, type: run}\n"), HasSubstr("an event type"));
  EXPECT_THAT(EventError("  - file_open: {path: /x}\n"), HasSubstr("begin with process_seed"));
  const std::string seed = "  - process_seed: {exe: /x}\n";
  EXPECT_THAT(EventError(seed + "  - file_open: {}\n"), HasSubstr("path is missing"));
  EXPECT_THAT(EventError(seed + "  - file_open: {path: /x, flags: O_FOO}\n"), HasSubstr("O_RDWR"));
  EXPECT_THAT(EventError(seed + "  - file_open: {path: /x, result: NO}\n"), HasSubstr("ENOENT"));
  EXPECT_THAT(EventError(seed + "  - file_open: {path: /x, file_type: y}\n"), HasSubstr("pipe"));
  EXPECT_THAT(EventError(seed + "  - network_connect: {}\n"), HasSubstr("to is missing"));
  EXPECT_THAT(EventError(seed + "  - network_connect: {to: '::1'}\n"), HasSubstr("address:port"));
  EXPECT_THAT(EventError(seed + "  - network_connect: {to: '[::1]:1', from: '1.2.3.4:5'}\n"),
              HasSubstr("must both"));
  EXPECT_THAT(EventError(seed + "  - process_fork: {}\n"), HasSubstr("child is missing"));
  EXPECT_THAT(EventError("  - process_exec\n"), HasSubstr("expected one event"));
  EXPECT_THAT(EventError("  - {process_exec: 3}\n"), HasSubstr("expected {key: value"));
}

TEST(EventScript, CallsHaveArgumentsATextAndATarget) {
  const auto events = Events(
      "  - process_seed: {pid: 5, exe: /bin/bash}\n"
      "  - process_seed: {pid: 7, exe: /usr/bin/gdb}\n"
      "  - process_ptrace: {pid: 7, target: 5, args: [16, 5]}\n"
      "  - process_credentials: {pid: 7, type: setgid, args: [0], result: EPERM}\n"
      "  - memory_file: {pid: 7, text: payload, args: [0, 1], result: 4}\n"
      "  - kernel_module: {pid: 7, type: finit_module, text: evil, file: /tmp/evil.ko}\n");
  EXPECT_EQ(events.at(2).type(), "ptrace");
  EXPECT_EQ(events.at(2).process_ptrace().target().pid(), 5u);
  EXPECT_THAT(events.at(2).process_ptrace().args(), ElementsAre(16u, 5u));
  EXPECT_EQ(events.at(3).type(), "setgid");
  EXPECT_EQ(events.at(3).result(), -EPERM);
  EXPECT_THAT(events.at(3).process_credentials().args(), ElementsAre(0u));
  EXPECT_EQ(events.at(4).type(), "memfd_create");
  EXPECT_EQ(events.at(4).memory_file().text(), "payload");
  EXPECT_EQ(events.at(4).result(), 4);
  EXPECT_EQ(events.at(5).kernel_module().file().path(), "/tmp/evil.ko");
}

TEST(EventScript, CallsThatNameTheirObjects) {
  const auto events = Events(
      "  - process_seed: {exe: /bin/mv}\n"
      "  - file_rename: {path: /etc/a, raw: a, other: /etc/b, result: EPERM}\n"
      "  - file_symlink: {path: /tmp/s, text: /etc/shadow}\n"
      "  - file_chmod: {path: /tmp/x, mode: 04755, type: chmod}\n");
  EXPECT_EQ(events[1].type(), "renameat2");
  EXPECT_EQ(events[1].result(), -1);
  EXPECT_EQ(events[1].file_rename().file().path(), "/etc/a");
  EXPECT_EQ(events[1].file_rename().name_raw(), "a");
  EXPECT_EQ(events[1].file_rename().other_path(), "/etc/b");
  EXPECT_EQ(events[1].file_rename().other_raw(), "/etc/b");
  EXPECT_EQ(events[1].file_rename().fd(), -1);
  EXPECT_EQ(events[2].file_symlink().text(), "/etc/shadow");
  EXPECT_EQ(events[2].file_symlink().name_raw(), "/tmp/s");
  EXPECT_EQ(events[3].type(), "chmod");
  EXPECT_EQ(events[3].file_chmod().mode(), 04755u);
  EXPECT_THAT(EventError("  - process_seed: {exe: /x}\n  - file_unlink: {}\n"),
              HasSubstr("path is missing"));
}

TEST(EventScript, SocketsOfEveryKind) {
  const auto events = Events(
      "  - process_seed: {exe: /bin/nc}\n"
      "  - network_socket: {family: AF_PACKET}\n"
      "  - network_listen: {to: '0.0.0.0:4444'}\n"
      "  - network_send: {to: '1.2.3.4:53'}\n"
      "  - network_connect: {path: /run/docker.sock}\n"
      "  - network_dup: {to: '1.2.3.4:4444', result: 1}\n");
  EXPECT_EQ(events[1].network_socket().family(), 17u);
  EXPECT_EQ(events[1].result(), 3);
  EXPECT_EQ(events[2].network_listen().local().port(), 4444u);
  EXPECT_EQ(events[2].network_listen().remote().port(), 0u);
  EXPECT_EQ(events[3].type(), "sendto");
  EXPECT_EQ(events[3].network_send().transport(), v1::TRANSPORT_UDP);
  EXPECT_EQ(events[3].network_send().remote().port(), 53u);
  EXPECT_EQ(events[4].network_connect().family(), 1u);
  EXPECT_EQ(events[4].network_connect().path(), "/run/docker.sock");
  EXPECT_EQ(events[5].network_dup().fd(), 1);
  EXPECT_EQ(events[5].network_dup().transport(), v1::TRANSPORT_TCP);
  EXPECT_THAT(EventError("  - process_seed: {exe: /x}\n  - network_socket: {family: X}\n"),
              HasSubstr("AF_PACKET"));
}

TEST(ScriptKeys, EachIsDocumented) {
  auto page = ReadFile(StrCat(VAKT_SOURCE_DIR, "/docs/formats/rule_test.md"));
  ASSERT_TRUE(page.ok()) << page.status();
  for (const ScriptKeyRow& row : AllScriptKeys()) {
    EXPECT_THAT(*page, HasSubstr(StrCat("`", row.name, "`"))) << row.name;
    EXPECT_FALSE(row.meaning.empty());
  }
}

}  // namespace
}  // namespace vakt

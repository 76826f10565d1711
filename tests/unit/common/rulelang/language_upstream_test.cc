// SPDX-License-Identifier: Apache-2.0
// What Falco's own rule files use, whether or not they are at hand: each field as they spell it,
// each operator, each event type, and oddities of theirs.
#include <iterator>
#include <string>
#include <string_view>

#include "common/rulelang/operators.h"
#include "tests/unit/common/rulelang/statements.h"

namespace vakt {
namespace {

constexpr std::string_view kInConditions[] = {
    "container.id",
    "container.image.repository",
    "container.mount.dest[/]",
    "container.mount.dest[/etc/kubernetes/manifests]",
    "container.mount.dest[/proc*]",
    "container.mount.dest[/root*]",
    "container.mount.dest[/var/lib/kubelet/pki]",
    "container.mount.dest[/var/run/crio/crio.sock]",
    "container.privileged",
    "evt.arg.cmd",
    "evt.arg.domain",
    "evt.arg.filename",
    "evt.arg.flags",
    "evt.arg.mode",
    "evt.arg.name",
    "evt.arg.newpath",
    "evt.arg.oldpath",
    "evt.arg.path",
    "evt.arg.request",
    "evt.arg.target",
    "evt.arg.uid",
    "evt.buffer",
    "evt.is_open_exec",
    "evt.is_open_read",
    "evt.is_open_write",
    "evt.num",
    "evt.rawres",
    "evt.res",
    "evt.type",
    "fd.cip",
    "fd.cip.name",
    "fd.cnet",
    "fd.connected",
    "fd.directory",
    "fd.filename",
    "fd.ip",
    "fd.l4proto",
    "fd.name",
    "fd.name_changed",
    "fd.nameraw",
    "fd.net",
    "fd.num",
    "fd.port",
    "fd.rnet",
    "fd.sip",
    "fd.sip.name",
    "fd.snet",
    "fd.sockfamily",
    "fd.sport",
    "fd.type",
    "fd.typechar",
    "k8s.ns.name",
    "k8s.pod.name",
    "proc.aexe[2]",
    "proc.aname",
    "proc.aname[1]",
    "proc.aname[5]",
    "proc.args",
    "proc.cmdline",
    "proc.cwd",
    "proc.duration",
    "proc.env",
    "proc.exe",
    "proc.exepath",
    "proc.is_exe_from_memfd",
    "proc.is_exe_upper_layer",
    "proc.is_vpgid_leader",
    "proc.name",
    "proc.pcmdline",
    "proc.pexe",
    "proc.pname",
    "proc.tty",
    "proc.vpid",
    "thread.cap_effective",
    "thread.cap_permitted",
    "user.loginuid",
    "user.name",
    "user.uid",
};

constexpr std::string_view kInOutputs[] = {
    "container.id",
    "container.image.repository",
    "container.image.tag",
    "container.mounts",
    "container.name",
    "container.start_ts",
    "evt.arg.cmd",
    "evt.arg.fd",
    "evt.arg.filename",
    "evt.arg.flags",
    "evt.arg.linkpath",
    "evt.arg.mode",
    "evt.arg.name",
    "evt.arg.newpath",
    "evt.arg.oldpath",
    "evt.arg.path",
    "evt.arg.target",
    "evt.arg.uid",
    "evt.args",
    "evt.res",
    "evt.type",
    "fd.cip.name",
    "fd.l4proto",
    "fd.lip.name",
    "fd.lport",
    "fd.name",
    "fd.nameraw",
    "fd.rip",
    "fd.rip.name",
    "fd.rport",
    "fd.sip",
    "fd.sip.name",
    "fd.sport",
    "fd.type",
    "group.gid",
    "group.name",
    "k8s.ns.name",
    "k8s.pod.name",
    "proc.aexepath[2]",
    "proc.aname[2]",
    "proc.aname[7]",
    "proc.args",
    "proc.cmdline",
    "proc.cwd",
    "proc.env",
    "proc.exe",
    "proc.exe_ino.ctime",
    "proc.exe_ino.ctime_duration_proc_start",
    "proc.exe_ino.mtime",
    "proc.exepath",
    "proc.name",
    "proc.pcmdline",
    "proc.pexe",
    "proc.pexepath",
    "proc.pname",
    "proc.sname",
    "proc.tty",
    "thread.cap_effective",
    "thread.cap_permitted",
    "user.loginname",
    "user.loginuid",
    "user.name",
    "user.uid",
};

TEST(LanguageUpstreamTest, KnowsTheFields) {
  for (const std::string_view field : kInConditions) {
    const LoadResult result =
        LoadTexts({RuleText(StrCat("evt.type = open and ", field, " exists"))});
    EXPECT_TRUE(result.ok) << field << testing::PrintToString(ErrorsOf(result));
  }
  for (const std::string_view field : kInOutputs) {
    const LoadResult result = LoadTexts({RuleWithOutput(StrCat("a %", field, " b=%", field, ")"))});
    EXPECT_TRUE(result.ok) << field << testing::PrintToString(ErrorsOf(result));
  }
}

// With the constants that the files compare them with.
TEST(LanguageUpstreamTest, KnowsTheComparisons) {
  constexpr std::string_view kChecks[] = {
      "container.id != host",
      "container.image.repository endswith /x",
      "not container.mount.dest[/proc*] in (\"<NA>\",\"N/A\")",
      "container.privileged = true",
      "evt.arg.cmd = BPF_PROG_LOAD",
      "evt.arg.flags contains FD_UPPER_LAYER",
      "evt.arg.mode contains \"S_ISUID\"",
      "evt.arg.newpath pmatch (/bin, /sbin)",
      "evt.arg.request contains PTRACE_POKETEXT",
      "evt.arg.uid = root",
      "evt.buffer bcontains cafebabe",
      "evt.is_open_exec = true",
      "evt.num = 0",
      "evt.rawres in (0, -115)",
      "evt.res startswith E",
      "fd.cnet in (\"10.0.0.0/8\")",
      "fd.directory pmatch (/usr)",
      "fd.name glob \"/home/*/.ssh/*\"",
      "fd.nameraw glob *../*../*",
      "fd.net != \"127.0.0.0/8\"",
      "fd.num >= 0",
      "fd.port in (22, 80)",
      "fd.sockfamily = ip",
      "fd.sport >= 30000 and fd.sport <= 32767",
      "fd.type in (\"ipv4\", \"ipv6\")",
      "k8s.pod.name startswith x",
      "proc.aname startswith x",
      "proc.args intersects (\"-a\")",
      "proc.duration <= 5000000000",
      "proc.env icontains HTTP_PROXY",
      "proc.pname exists",
      "proc.tty != 0",
      "thread.cap_effective icontains CAP_SYS_ADMIN",
      "user.loginuid != -1",
      "user.uid != 0",
  };
  for (const std::string_view check : kChecks) {
    const LoadResult result = LoadTexts({RuleText(StrCat("evt.type = open and ", check))});
    EXPECT_TRUE(result.ok) << check << testing::PrintToString(ErrorsOf(result));
  }
}

constexpr std::string_view kTypes[] = {
    "accept",      "accept4",   "bpf",     "chmod",    "connect", "creat",      "dup",
    "dup2",        "dup3",      "execve",  "execveat", "fchmod",  "fchmodat",   "finit_module",
    "init_module", "link",      "linkat",  "listen",   "mkdir",   "mkdirat",    "open",
    "openat",      "openat2",   "ptrace",  "recvfrom", "recvmsg", "rename",     "renameat",
    "renameat2",   "rmdir",     "sendmsg", "sendto",   "setns",   "setuid",     "socket",
    "symlink",     "symlinkat", "unlink",  "unlinkat", "unshare", "userfaultfd"};

TEST(LanguageUpstreamTest, ReportsTheEventTypes) {
  std::string names;
  for (const std::string_view type : kTypes) {
    const LoadResult result = LoadTexts({RuleText(StrCat("evt.type = ", type))});
    ASSERT_TRUE(result.ok) << type;
    EXPECT_EQ(result.rules->rules[0].event_types.size(), 1u) << type;
    EXPECT_NE(result.rules->rules[0].kinds, 0u) << type << " is never reported";
    names += StrCat(names.empty() ? "" : ", ", type);
  }
  const LoadResult all = LoadTexts({RuleText(StrCat("evt.type in (", names, ")"))});
  ASSERT_TRUE(all.ok);
  EXPECT_EQ(all.rules->rules[0].event_types.size(), std::size(kTypes));
}

TEST(LanguageUpstreamTest, EventTypesThatNarrowNothing) {
  CheckStatements({
      {"all but one", RuleText("evt.type != open"), "NO_EVTTYPE"},
      {"negated", RuleText("not evt.type in (open, openat)"), "NO_EVTTYPE"},
      {"another operator", RuleText("evt.type startswith open"), "NO_EVTTYPE"},
      {"any", RuleText("evt.type exists and proc.name = x"), "NO_EVTTYPE"},
      {"or", RuleText("evt.type = open or proc.name = x"), "NO_EVTTYPE"},
      {"always", RuleText("evt.num >= 0"), "NO_EVTTYPE"},
      {"narrowed twice", RuleText("evt.type != open and evt.type in (open, connect)"), ""},
      {"De Morgan", RuleText("not (evt.type != open or proc.name = x)"), ""},
      {"unknown in a negation", RuleText("not evt.type = opne"), "ERR_COMPILE_CONDITION"},
      {"unknown of syscall.type", RuleText("syscall.type = opne"), "ERR_COMPILE_CONDITION"},
  });
}

}  // namespace
}  // namespace vakt

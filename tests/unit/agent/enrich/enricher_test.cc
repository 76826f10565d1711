// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/enricher.h"

#include <string>
#include <string_view>
#include <utility>

#include "common/base/strings.h"
#include "common/event/container.h"
#include "common/event/field_table.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/enrich/process_events.h"

namespace vakt {
namespace {

using std::string_view_literals::operator""sv;

constexpr uint64_t kNow = 100'000 * kSecondNs;

v1::NodeFacts SampleAccounts() {
  v1::NodeFacts node;
  const auto add = [](auto* list, uint32_t id, const char* name) {
    auto* account = list->Add();
    account->set_id(id);
    account->set_name(name);
    account->set_home(StrCat("/home/", name));
    account->set_shell("/bin/sh");
  };
  add(node.mutable_users(), 0, "root");
  add(node.mutable_users(), 1000, "eve");
  add(node.mutable_groups(), 0, "wheel");
  add(node.mutable_groups(), 50, "staff");
  return node;
}

class EnricherTest : public testing::Test {
 protected:
  const Process& Apply(Event event) {
    enricher_.Apply(event);
    EXPECT_NE(event.process, nullptr);
    return *event.process;
  }
  const Process* Find(uint32_t pid) const { return enricher_.processes().Find(CookieOf(pid)); }

  AccountTable accounts_{SampleAccounts()};
  Enricher enricher_{EnrichOptions{}, &accounts_};
};

Task SshdTask() {
  Task task = TaskOf(5, 1, "sshd");
  task.uid = task.euid = 1000;
  task.gid = task.egid = 50;
  task.cap_effective = 7;
  task.mnt_ns = 11;
  task.pid_ns = 12;
  task.net_ns = 13;
  task.user_ns = 14;
  return task;
}

Event SshdSeed() {
  Event seed = SeedOf(SshdTask(), "/usr/sbin/sshd", kNow);
  // A rewritten title, padded with NULs.
  seed.process_exec.argv = "sshd: eve [priv]\0\0\0\0\0"sv;
  seed.process_exec.cwd = "/root";
  seed.process_exec.exe.ino = 21;
  seed.process_exec.exe.ctime_ns = 22;
  seed.process_exec.exe.mtime_ns = 23;
  seed.process_exec.exe_writable = true;
  seed.process_exec.facts.tty = 34816;
  seed.process_exec.facts.login_uid = 1000;
  seed.process_exec.facts.cap_permitted = 24;
  seed.process_exec.facts.cap_inheritable = 25;
  return seed;
}

TEST_F(EnricherTest, SeedSaysWhoItIs) {
  const Process& process = Apply(SshdSeed());
  EXPECT_EQ(process.cookie, CookieOf(5));
  EXPECT_EQ(process.parent_cookie, CookieOf(1));
  EXPECT_EQ(process.parent, nullptr);
  EXPECT_EQ(process.session_leader, &process);
  EXPECT_EQ(process.pid, 5u);
  EXPECT_EQ(process.ppid, 1u);
  EXPECT_EQ(process.start_boot_ns, StartOf(5));
  EXPECT_EQ(process.exec_boot_ns, StartOf(5));
  EXPECT_EQ(process.tty, 34816u);
  EXPECT_EQ(process.login_uid, 1000u);
  EXPECT_EQ(process.cap_permitted, 24u);
  EXPECT_EQ(process.cap_inheritable, 25u);
  EXPECT_EQ(process.cap_effective, 7u);
  EXPECT_EQ(process.mnt_ns, 11u);
  EXPECT_EQ(process.pid_ns, 12u);
  EXPECT_EQ(process.net_ns, 13u);
  EXPECT_EQ(process.user_ns, 14u);
  EXPECT_EQ(process.user_name, "eve");
  EXPECT_EQ(process.user_home, "/home/eve");
  EXPECT_EQ(process.user_shell, "/bin/sh");
  EXPECT_EQ(process.group_name, "staff");
  EXPECT_EQ(process.login_name, "eve");
  EXPECT_EQ(process.container_id, "host");
  EXPECT_EQ(enricher_.counters().unknown_processes, 0u);
  EXPECT_EQ(enricher_.counters().unknown_parents, 1u);
}

TEST_F(EnricherTest, SeedSaysWhatItRuns) {
  const Process& process = Apply(SshdSeed());
  EXPECT_EQ(process.comm, "sshd");
  EXPECT_EQ(process.exe_path, "/usr/sbin/sshd");
  EXPECT_EQ(process.argv, StringList({"sshd: eve [priv]"}));
  EXPECT_EQ(process.args, "");
  EXPECT_EQ(process.cmdline, "sshd");
  EXPECT_EQ(process.exeline, "sshd: eve [priv]");
  EXPECT_EQ(process.cwd, "/root/");
  EXPECT_EQ(process.exe_ino, 21u);
  EXPECT_EQ(process.exe_ctime_ns, 22);
  EXPECT_EQ(process.exe_mtime_ns, 23);
  EXPECT_TRUE(process.exe_writable);
}

TEST_F(EnricherTest, ForkInheritsAndExecReplaces) {
  const Task shell = TaskOf(10, 1, "bash");
  Event seed = SeedOf(shell, "/bin/bash", kNow);
  seed.process_exec.argv = "bash\0-i\0"sv;
  seed.process_exec.facts.cgroup_path = "/user.slice";
  Apply(seed);

  const Process& parent = Apply(ForkOf(shell, 11, kNow + 1));
  EXPECT_EQ(parent.pid, 10u);
  const Process* child = Find(11);
  ASSERT_NE(child, nullptr);
  EXPECT_EQ(child->parent, &parent);
  EXPECT_EQ(child->session_leader, &parent);
  EXPECT_EQ(child->exe_path, "/bin/bash");
  EXPECT_EQ(child->cmdline, "bash -i");
  EXPECT_TRUE(child->argv.SharesWith(parent.argv));
  EXPECT_EQ(child->cgroup_path, "/user.slice");
  EXPECT_EQ(child->start_boot_ns, StartOf(11));
  EXPECT_EQ(child->exec_boot_ns, StartOf(11));

  Event exec = ExecOf(TaskOf(11, 10, "cat"), "/bin/cat", "cat\0/etc/shadow\0x y\0"sv, kNow + 2);
  exec.process_exec.exe_upper_layer = true;
  EXPECT_EQ(&Apply(exec), child);
  EXPECT_EQ(child->parent, &parent);
  EXPECT_EQ(child->start_boot_ns, StartOf(11));
  EXPECT_EQ(child->exec_boot_ns, kNow + 2);
  EXPECT_EQ(child->comm, "cat");
  EXPECT_EQ(child->exe_path, "/bin/cat");
  EXPECT_EQ(child->args, "/etc/shadow x y");
  EXPECT_EQ(child->cmdline, "cat /etc/shadow x y");
  EXPECT_EQ(child->exeline, "cat /etc/shadow x y");
  EXPECT_EQ(child->cwd, "/home/eve/");
  EXPECT_TRUE(child->exe_upper_layer);
  EXPECT_EQ(parent.cmdline, "bash -i");
  EXPECT_EQ(enricher_.counters().unknown_processes, 0u);
}

TEST_F(EnricherTest, UnknownProcessIsMadeFromItsEvent) {
  const Process& process = Apply(EventOf(Kind::file_open, TaskOf(9, 8, "ghost"), kNow));
  EXPECT_EQ(process.comm, "ghost");
  EXPECT_EQ(process.cmdline, "ghost");
  EXPECT_EQ(process.container_id, "host");
  EXPECT_EQ(process.user_name, "root");
  EXPECT_EQ(process.login_name, "<NA>");
  EXPECT_NEAR(static_cast<double>(process.start_boot_ns), static_cast<double>(StartOf(9)), 2e6);
  EXPECT_EQ(enricher_.counters().unknown_processes, 1u);
  // Its parent comes later: a seed, or the wrap-around of pids.
  EXPECT_EQ(process.parent, nullptr);
  Apply(SeedOf(TaskOf(8, 1, "init"), "/init", kNow));
  EXPECT_EQ(process.parent, Find(8));
}

TEST_F(EnricherTest, MomentaryFactsFollowEachEvent) {
  Task task = TaskOf(20, 1, "su");
  const Process& process = Apply(SeedOf(task, "/bin/su", kNow));
  EXPECT_EQ(process.user_name, "root");
  Apply(SeedOf(TaskOf(2, 1, "reaper"), "/reaper", kNow));

  task.euid = 1000;
  task.egid = 50;
  task.cap_effective = 0;
  task.parent_cookie = CookieOf(2);  // reparented
  task.ppid = 2;
  task.net_ns = 99;
  Apply(EventOf(Kind::file_open, task, kNow + 1));
  EXPECT_EQ(process.user_name, "eve");
  EXPECT_EQ(process.group_name, "staff");
  EXPECT_EQ(process.net_ns, 99u);
  EXPECT_EQ(process.parent, Find(2));
  EXPECT_EQ(process.ppid, 2u);
}

TEST_F(EnricherTest, TheNameIsThatOfTheMainThread) {
  Task task = TaskOf(30, 1, "java");
  Event seed = SeedOf(task, "/usr/bin/java", kNow);
  seed.process_exec.argv = "java\0-jar\0"sv;
  const Process& process = Apply(seed);
  Task worker = task;
  worker.tid = 31;
  worker.comm = "http-worker";
  Apply(EventOf(Kind::file_open, worker, kNow + 1));
  EXPECT_EQ(process.comm, "java");
  task.comm = "renamed";
  Apply(EventOf(Kind::file_open, task, kNow + 2));
  EXPECT_EQ(process.comm, "renamed");
  EXPECT_EQ(process.cmdline, "renamed -jar");
}

TEST_F(EnricherTest, ExitedProcessStaysForAWhile) {
  const Task task = TaskOf(40, 1, "id");
  Apply(SeedOf(task, "/bin/id", kNow));
  const Process& process = Apply(EventOf(Kind::process_exit, task, kNow + 1));
  EXPECT_TRUE(process.exited);
  EXPECT_EQ(enricher_.processes().FindLive(40), nullptr);
  // A late event of another CPU.
  EXPECT_EQ(Apply(EventOf(Kind::file_open, task, kNow)).exe_path, "/bin/id");
  const Task other = TaskOf(1, 0, "init");
  Apply(EventOf(Kind::file_open, other, kNow + 29 * kSecondNs));
  EXPECT_NE(Find(40), nullptr);
  Apply(EventOf(Kind::file_open, other, kNow + 31 * kSecondNs));
  EXPECT_EQ(Find(40), nullptr);
  EXPECT_EQ(enricher_.processes().forgotten(), 0u);
}

TEST_F(EnricherTest, ExitedAncestorsStayWhileTheyAreNeeded) {
  Apply(SeedOf(TaskOf(50, 1, "a"), "/a", kNow));
  Apply(ForkOf(TaskOf(50, 1, "a"), 51, kNow));
  Apply(ForkOf(TaskOf(51, 50, "a"), 52, kNow));
  for (const uint32_t pid : {50u, 51u}) {
    Apply(EventOf(Kind::process_exit, TaskOf(pid, pid == 50 ? 1 : 50, "a"), kNow));
  }
  const Task other = TaskOf(1, 0, "init");
  Apply(EventOf(Kind::file_open, other, kNow + 100 * kSecondNs));
  ASSERT_NE(Find(52), nullptr);
  EXPECT_EQ(Find(52)->parent, Find(51));
  EXPECT_EQ(Find(51)->parent, Find(50));

  Apply(EventOf(Kind::process_exit, TaskOf(52, 51, "a"), kNow + 200 * kSecondNs));
  Apply(EventOf(Kind::file_open, other, kNow + 300 * kSecondNs));
  for (const uint32_t pid : {50u, 51u, 52u}) EXPECT_EQ(Find(pid), nullptr) << pid;
}

TEST_F(EnricherTest, SessionLeader) {
  Apply(SeedOf(TaskOf(60, 1, "sshd"), "/sshd", kNow));
  // A member before its leader.
  Event member = SeedOf(TaskOf(62, 60, "vim"), "/vim", kNow);
  member.process_exec.facts.session_id = 61;
  const Process& vim = Apply(member);
  EXPECT_EQ(vim.session_leader, nullptr);
  const Process& bash = Apply(SeedOf(TaskOf(61, 60, "bash"), "/bash", kNow));
  EXPECT_EQ(vim.session_leader, &bash);
  // The leader goes; what it led stays.
  Apply(EventOf(Kind::process_exit, TaskOf(61, 60, "bash"), kNow));
  EXPECT_EQ(vim.session_leader, &bash);
  Apply(EventOf(Kind::file_open, TaskOf(60, 1, "sshd"), kNow + 60 * kSecondNs));
  EXPECT_EQ(Find(61), nullptr);
  EXPECT_EQ(vim.session_leader, nullptr);
  EXPECT_EQ(vim.session_id, 61u);
}

TEST_F(EnricherTest, PidComesBackWithoutAnExit) {
  const Process& old = Apply(EventOf(Kind::file_open, TaskOf(70, 1, "old"), kNow));
  Task reused = TaskOf(70, 1, "new");
  reused.cookie = vakt_cookie(kNow, 70);
  const Process& young = Apply(EventOf(Kind::file_open, reused, kNow + 1));
  EXPECT_TRUE(old.exited);
  EXPECT_EQ(enricher_.processes().FindLive(70), &young);
  EXPECT_EQ(enricher_.processes().lost_exits(), 1u);

  // A late event of one that ended before both does not push the living one aside.
  Task oldest = TaskOf(70, 1, "oldest");
  oldest.cookie = vakt_cookie(kSecondNs, 70);
  EXPECT_TRUE(Apply(EventOf(Kind::file_open, oldest, kNow + 2)).exited);
  EXPECT_EQ(enricher_.processes().FindLive(70), &young);
}

// Who may choose pids (ns_last_pid) gets one back within tens of microseconds.
TEST_F(EnricherTest, PidComesBackAtOnce) {
  const Process& old = Apply(EventOf(Kind::file_open, TaskOf(70, 1, "old"), kNow));
  Task reused = TaskOf(70, 1, "new");
  reused.cookie = vakt_cookie(StartOf(70) + 20'000, 70);
  const Process& young = Apply(EventOf(Kind::file_open, reused, kNow + 1));
  EXPECT_NE(&young, &old);
  EXPECT_TRUE(old.exited);
}

// The time in a cookie comes round after 417 days.
TEST_F(EnricherTest, StartsAreKnownHoweverLongTheNodeRuns) {
  constexpr uint64_t kYears = 3 * 365 * 86400 * kSecondNs;
  Task task = TaskOf(70, 1, "young");
  task.cookie = vakt_cookie(kYears - kSecondNs, 70);
  const Process& process = Apply(EventOf(Kind::file_open, task, kYears));
  EXPECT_NEAR(static_cast<double>(process.start_boot_ns), kYears - kSecondNs, 1e5);
}

TEST_F(EnricherTest, SeedAfterTheForkKnowsBetter) {
  const Task shell = TaskOf(80, 1, "bash");
  Apply(SeedOf(shell, "/bin/bash", kNow));
  Apply(SeedOf(TaskOf(81, 80, "cat"), "/bin/cat", kNow));
  Apply(ForkOf(shell, 81, kNow - 5));  // was in the ring when the seed was taken
  EXPECT_EQ(Find(81)->exe_path, "/bin/cat");
  EXPECT_EQ(Find(81)->comm, "cat");
}

// Process `pid` starts a program in a container (empty: on the host) and a mount namespace.
Event ExecIn(std::string_view container, uint32_t mnt_ns, uint32_t pid, uint32_t ppid,
             std::string* path) {
  Task task = TaskOf(pid, ppid, "x");
  task.mnt_ns = mnt_ns;
  task.cgroup_id = 1000 + container.size() + (container.empty() ? 0 : container.front());
  *path = container.empty() ? "/system.slice" : StrCat("/docker-", container, ".scope");
  Event event = EventOf(Kind::process_exec, task, kNow);
  event.process_exec.exe.path = "/bin/x";
  event.process_exec.facts = FactsOf(pid, pid);
  event.process_exec.facts.cgroup_path = *path;
  return event;
}

TEST_F(EnricherTest, AControlGroupIsAClaimAndTheMountNamespaceTells) {
  const std::string a(64, 'a');
  const std::string b(64, 'b');
  std::string path;
  const auto mismatch = [&](std::string_view container, uint32_t mnt_ns, uint32_t pid,
                            uint32_t ppid) -> std::string {
    Event event = ExecIn(container, mnt_ns, pid, ppid, &path);
    enricher_.Apply(event);
    Extractor extractor;
    FindField("container.ns_mismatch")->extract(event, FieldArg(), extractor);
    if (extractor.values().empty()) return "null";
    return extractor.values()[0].bool_value ? "true" : "false";
  };
  EXPECT_EQ(mismatch("", 1, 2, 1), "null");    // the host: the runtime's shim
  EXPECT_EQ(mismatch(a, 1, 10, 2), "true");    // made, not yet in its namespace
  EXPECT_EQ(mismatch(a, 7, 10, 2), "false");   // the first program
  EXPECT_EQ(mismatch(a, 7, 11, 10), "false");  // its child
  EXPECT_EQ(mismatch(a, 8, 12, 11), "false");  // one that left for a namespace of its own
  EXPECT_EQ(mismatch(a, 7, 13, 2), "false");   // an exec from outside
  EXPECT_EQ(mismatch(a, 1, 14, 2), "true");    // a process of the host moved itself here
  EXPECT_EQ(mismatch(a, 1, 15, 14), "true");   // its child
  EXPECT_EQ(mismatch(a, 9, 16, 2), "true");    // one in a namespace of its own
  EXPECT_EQ(mismatch(b, 7, 17, 11), "true");   // of a, in a group that it named as another's
  EXPECT_EQ(mismatch(b, 7, 18, 17), "true");   // its child
  EXPECT_EQ(mismatch(b, 20, 19, 2), "false");  // the true one
  EXPECT_EQ(mismatch(b, 7, 20, 17), "true");
}

TEST_F(EnricherTest, TheNodesFirstProcessStandsForAnUnknownRuntime) {
  const std::string a(64, 'a');
  std::string path;
  Task init = TaskOf(1, 0, "systemd");
  init.mnt_ns = 1;
  Apply(SeedOf(init, "/sbin/init", kNow));
  for (const auto& [mnt_ns, expected] : {std::pair(1u, true), std::pair(7u, false)}) {
    Event event = ExecIn(a, mnt_ns, 10, 999, &path);
    const Process& process = Apply(event);
    EXPECT_EQ(SharesNamespaceOutside(process), expected);
    EXPECT_EQ(process.container->mnt_ns, expected ? 0u : 7u);
  }
}

TEST_F(EnricherTest, AnAnswerMakesAnotherStateOfTheProcess) {
  const std::string a(64, 'a');
  std::string path;
  Event event = ExecIn(a, 7, 10, 2, &path);
  const Process& process = Apply(event);
  ASSERT_NE(process.container, nullptr);
  EXPECT_EQ(process.container->runtime, "docker");
  const uint64_t before = process.change;
  Apply(event);
  const uint64_t again = Apply(event).change;
  v1::Container answer;
  answer.set_id(a);
  answer.set_name("web");
  answer.mutable_created()->set_seconds(1);
  answer.set_metadata(v1::Container::METADATA_COMPLETE);
  enricher_.Learn(answer);
  Event look = EventOf(Kind::file_open, event.task, kNow);
  EXPECT_NE(Apply(look).change, again);
  EXPECT_NE(Apply(look).change, before);
  EXPECT_EQ(process.container->name, "web");
}

TEST_F(EnricherTest, ContainersByCgroup) {
  const std::string id(64, 'c');
  const std::string path = StrCat("/kubepods.slice/cri-containerd-", id, ".scope");
  // The runtime forks the container's init on the host, moves it, and it executes the program.
  Task runc = TaskOf(90, 1, "runc");
  Event seed = SeedOf(runc, "/usr/bin/runc", kNow);
  seed.process_exec.facts.cgroup_path = "/system.slice/containerd.service";
  EXPECT_EQ(Apply(seed).container_id, "host");
  Apply(ForkOf(runc, 91, kNow + 1));
  Task init = TaskOf(91, 90, "runc:[2:INIT]");
  init.cgroup_id = 200;
  const Process& process = Apply(EventOf(Kind::file_open, init, kNow + 2));
  EXPECT_EQ(process.container_id, "host");  // nothing has named cgroup 200 yet
  init.comm = "app";
  Event exec = ExecOf(init, "/app", "app\0"sv, kNow + 3);
  exec.process_exec.facts.cgroup_path = path;
  Apply(exec);
  EXPECT_EQ(process.container_id, "cccccccccccc");
  EXPECT_EQ(process.container_full_id, id);
  EXPECT_EQ(process.cgroup_path, path);
  // From now on whoever is in that cgroup is in that container, however it got there.
  Apply(ForkOf(init, 92, kNow + 4));
  EXPECT_EQ(Find(92)->container_id, "cccccccccccc");
  Task moved = TaskOf(93, 1, "nsenter");
  moved.cgroup_id = 200;
  EXPECT_EQ(Apply(EventOf(Kind::file_open, moved, kNow + 5)).container_full_id, id);
}

TEST_F(EnricherTest, TableIsBoundedAndTheActorStays) {
  EnrichOptions options;
  options.max_processes = 2;
  Enricher small(options, &accounts_);
  uint32_t pid = 100;
  for (int i = 0; i < 50; ++i, ++pid) {
    Event fork = ForkOf(TaskOf(pid, pid - 1, "bomb"), pid + 1, kNow + i);
    small.Apply(fork);
    ASSERT_NE(fork.process, nullptr);
    EXPECT_EQ(fork.process->pid, pid);
    EXPECT_LE(small.processes().size(), 2u);
  }
  EXPECT_EQ(small.processes().forgotten(), 49u);
}

TEST_F(EnricherTest, ABombDisplacesItselfAndNotTheDaemons) {
  EnrichOptions options;
  options.max_processes = 20;
  Enricher small(options, &accounts_);
  for (uint32_t pid = 1; pid <= 10; ++pid) {
    Event seed = SeedOf(TaskOf(pid, pid == 1 ? 0 : 1, "daemon"), "/daemon", kNow);
    small.Apply(seed);
  }
  for (uint32_t pid = 1000; pid < 3000; ++pid) {
    Event fork = ForkOf(TaskOf(10, 1, "daemon"), pid, kNow + pid);
    small.Apply(fork);
  }
  for (uint32_t pid = 1; pid <= 10; ++pid) {
    const Process* daemon = small.processes().Find(CookieOf(pid));
    ASSERT_NE(daemon, nullptr) << pid;
    EXPECT_EQ(daemon->exe_path, "/daemon");
  }
  EXPECT_EQ(small.processes().size(), 20u);
}

// What one process does to another.
Event ActOf(Kind kind, const Task& actor, const Task& target, uint64_t boot_ns) {
  Event event = EventOf(kind, actor, boot_ns);
  event.process_act.target = target;
  return event;
}

TEST(EnricherActTest, AMoveToAnotherCgroupChangesTheContainer) {
  AccountTable accounts((v1::NodeFacts()));
  Enricher enricher(EnrichOptions{}, &accounts);
  const Task runtime = TaskOf(10, 1, "containerd-shim");
  Task target = TaskOf(20, 10, "init");
  Event seed = SeedOf(target, "/init", StartOf(100));
  enricher.Apply(seed);
  EXPECT_EQ(enricher.processes().Find(target.cookie)->container_id, "host");
  const uint64_t state = enricher.processes().Find(target.cookie)->change;
  target.cgroup_id = 777;
  Event move = ActOf(Kind::process_cgroup, runtime, target, StartOf(101));
  const std::string id(64, 'b');
  const std::string path = "/kubepods.slice/cri-containerd-" + id + ".scope";
  move.process_act.text = path;
  enricher.Apply(move);
  const Process* moved = enricher.processes().Find(target.cookie);
  EXPECT_EQ(moved->container_id, "bbbbbbbbbbbb");
  EXPECT_EQ(moved->cgroup_path, path);
  EXPECT_EQ(move.process_act.process, moved);
  EXPECT_EQ(move.process->pid, 10u);
  Event later = EventOf(Kind::file_open, target, StartOf(102));
  enricher.Apply(later);
  EXPECT_EQ(later.process->container_id, "bbbbbbbbbbbb");
  EXPECT_NE(later.process->change, state);  // what was decided about the process holds no more
}

TEST(EnricherActTest, AMoveOfOneThreadMovesNoProcess) {
  AccountTable accounts((v1::NodeFacts()));
  Enricher enricher(EnrichOptions{}, &accounts);
  Task target = TaskOf(20, 10, "worker");
  Event seed = SeedOf(target, "/worker", StartOf(100));
  enricher.Apply(seed);
  target.tid = 21;
  Event move = ActOf(Kind::process_cgroup, TaskOf(10, 1, "mover"), target, StartOf(101));
  move.process_act.text = "/elsewhere";
  enricher.Apply(move);
  EXPECT_NE(enricher.processes().Find(target.cookie)->cgroup_path, "/elsewhere");
}

TEST(EnricherActTest, ARenameOfTheMainThreadRenamesTheProcess) {
  AccountTable accounts((v1::NodeFacts()));
  Enricher enricher(EnrichOptions{}, &accounts);
  const Task target = TaskOf(20, 10, "bash");
  Event seed = SeedOf(target, "/bin/bash", StartOf(100));
  enricher.Apply(seed);
  Event rename = ActOf(Kind::process_rename, target, target, StartOf(101));
  rename.process_act.text = "kworker/0:1";
  enricher.Apply(rename);
  EXPECT_EQ(rename.process->comm, "kworker/0:1");
  EXPECT_TRUE(rename.process->cmdline.view().starts_with("kworker/0:1"));
}

TEST(EnricherActTest, ATargetOfWhichTheKernelHadTheNumberAlone) {
  AccountTable accounts((v1::NodeFacts()));
  Enricher enricher(EnrichOptions{}, &accounts);
  Event seed = SeedOf(TaskOf(20, 10, "bash"), "/bin/bash", StartOf(100));
  enricher.Apply(seed);
  Task number;
  number.pid = 20;
  Event trace = ActOf(Kind::process_ptrace, TaskOf(30, 1, "gdb"), number, StartOf(101));
  enricher.Apply(trace);
  ASSERT_NE(trace.process_act.process, nullptr);
  EXPECT_EQ(trace.process_act.process->comm, "bash");
  number.pid = 99;
  Event nobody = ActOf(Kind::process_ptrace, TaskOf(30, 1, "gdb"), number, StartOf(102));
  enricher.Apply(nobody);
  EXPECT_EQ(nobody.process_act.process, nullptr);
}

TEST(EnricherActTest, CredentialsBeforeAndAfter) {
  v1::NodeFacts node;
  AccountTable accounts(node);
  Enricher enricher(EnrichOptions{}, &accounts);
  Task task = TaskOf(20, 10, "su");
  task.uid = task.euid = 1000;
  Event seed = SeedOf(task, "/bin/su", StartOf(100));
  enricher.Apply(seed);
  task.uid = task.euid = 0;
  Event change = EventOf(Kind::process_credentials, task, StartOf(101));
  change.type = FindEventType("setuid")->id;
  change.process_credentials.after.cap_permitted = 7;
  enricher.Apply(change);
  EXPECT_TRUE(change.process_credentials.before_known);
  EXPECT_EQ(change.process_credentials.euid_before, 1000u);
  EXPECT_EQ(change.process_credentials.asked_names[0], "<NA>");
  EXPECT_EQ(change.process->euid, 0u);
  EXPECT_EQ(change.process->cap_permitted, 7u);
}

TEST(EnricherActTest, AScriptIsRememberedUntilTheNextProgram) {
  AccountTable accounts((v1::NodeFacts()));
  Enricher enricher(EnrichOptions{}, &accounts);
  const Task task = TaskOf(20, 10, "deploy.sh");
  Event exec = ExecOf(task, "/bin/sh", std::string_view("sh\0./deploy.sh\0", 15), StartOf(100));
  exec.process_exec.filename = "deploy.sh";
  exec.process_exec.interpreter = "/bin/sh";
  enricher.Apply(exec);
  EXPECT_EQ(exec.process->script, "/home/eve/deploy.sh");
  Event next = ExecOf(task, "/bin/ls", std::string_view("ls\0", 3), StartOf(101));
  next.process_exec.filename = "/bin/ls";
  enricher.Apply(next);
  EXPECT_EQ(next.process->script, "");
}

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/enricher.h"

#include <algorithm>
#include <utility>

#include "agent/enrich/account_file.h"
#include "agent/enrich/container_id.h"

namespace vakt {
namespace {

constexpr std::string_view kHost = "host";

// Made by the agent itself, of a process that it knows.
constexpr KindSet kAgentKinds = KindsWith(Payload::kFlow) | KindsWith(Payload::kDns);

// A node has a few hundred; should something make them without end, all are forgotten and learnt
// again from the next execs.
constexpr size_t kMaxCgroups = 8192;

// The start time in a cookie (bpf/wire/wire.h, vakt_cookie), to 8.2 us, of a process that started
// in the 417 days before `now`: that long the cookie counts.
uint64_t StartOfCookie(uint64_t cookie, uint64_t now_boot_ns) {
  constexpr uint64_t kTicks = (uint64_t{1} << 42) - 1;
  const uint64_t age_ns = (((now_boot_ns >> 13) - (cookie >> 22)) & kTicks) << 13;
  return age_ns > now_boot_ns ? now_boot_ns : now_boot_ns - age_ns;
}

// Sets *to; whether it was something else.
template <typename T>
bool Update(T* to, const T& from) {
  if (*to == from) return false;
  *to = from;
  return true;
}

// Forking copies the program.
void InheritProgram(const Process& from, Process* to) {
  to->exe_path = from.exe_path;
  to->script = from.script;
  to->argv = from.argv;
  to->env = from.env;
  to->args = from.args;
  to->exeline = from.exeline;
  to->cwd = from.cwd;
  to->argv_truncated = from.argv_truncated;
  to->exe_upper_layer = from.exe_upper_layer;
  to->exe_memfd = from.exe_memfd;
  to->exe_unlinked = from.exe_unlinked;
  to->exe_writable = from.exe_writable;
  to->exe_ino = from.exe_ino;
  to->exe_ctime_ns = from.exe_ctime_ns;
  to->exe_mtime_ns = from.exe_mtime_ns;
}

// setgid, setregid, setresgid, setfsgid: the ids that they take are groups'.
bool AsksForGroups(EventTypeId type) {
  return type < AllEventTypes().size() && AllEventTypes()[type].name.ends_with("gid");
}

// A process that rewrote its title (sshd, nginx, postgres) leaves NULs behind it; what /proc then
// shows is one argument and a row of empty ones.
std::string_view WithoutPadding(std::string_view argv) {
  while (argv.ends_with(std::string_view("\0\0", 2))) argv.remove_suffix(1);
  return argv;
}

}  // namespace

Enricher::Enricher(const EnrichOptions& options, AccountTable* accounts)
    : accounts_(accounts),
      containers_(options.max_containers, options.container_retention_ns),
      table_(options.max_processes, options.exited_retention_ns),
      host_(kHost) {}

void Enricher::Apply(Event& event) {
  now_boot_ns_ = std::max(now_boot_ns_, event.boot_ns);
  accounts_->ReloadIfChanged(now_boot_ns_);
  table_.Expire(now_boot_ns_);
  containers_.Expire(now_boot_ns_);

  ProcessEntry* process = table_.FindEntry(event.task.cookie);
  if (In(kAgentKinds, event.kind)) return ApplyAgentEvent(event, process);
  if (process == nullptr) {
    process = Add(event.task, nullptr);
    if (event.kind != Kind::process_seed) ++counters_.unknown_processes;
  }
  if (event.kind == Kind::process_credentials) ApplyCredentials(event, process);
  ApplyTask(event.task, process);
  ApplyKind(event, process);
  table_.Number(process);
  event.process = process;
}

void Enricher::LearnAccounts(const v1::ContainerAccounts& accounts) {
  containers_.SetAccounts(
      accounts.container_id(),
      std::make_shared<const Accounts>(Accounts{.users = AccountsFromProto(accounts.users()),
                                                .groups = AccountsFromProto(accounts.groups())}));
}

// The agent knows of the process what the table does, or did when it was still there: it is not put
// back, since no exit would take it out again.
void Enricher::ApplyAgentEvent(Event& event, ProcessEntry* process) {
  if (process == nullptr && event.process != nullptr) return;  // a copy of what it was
  if (process == nullptr) {
    gone_ = Process{};
    gone_.cookie = event.task.cookie;
    gone_.pid = event.task.pid;
    gone_.ppid = event.task.ppid;
    gone_.uid = event.task.uid;
    gone_.gid = event.task.gid;
    gone_.euid = event.task.euid;
    gone_.egid = event.task.egid;
    gone_.exited = true;
    gone_.comm = SharedString(event.task.comm);
    gone_.cmdline = gone_.comm;
    gone_.container_id = host_;
    event.process = &gone_;
    return;
  }
  table_.Number(process);
  event.process = process;
}

void Enricher::ApplyKind(Event& event, ProcessEntry* process) {
  switch (event.kind) {
    case Kind::process_seed:
    case Kind::process_exec:
      return ApplyProgram(event, process);
    case Kind::process_fork:
      return ApplyFork(event.process_fork, *process);
    case Kind::process_exit:
      return table_.MarkExited(process, event.boot_ns);
    default:
      if (PayloadOf(event.kind) == Payload::kAct) ApplyAct(event.kind, event.process_act);
      return;  // the others say nothing about the process but what the task says
  }
}

ProcessEntry* Enricher::Add(const Task& task, const ProcessEntry* keep) {
  ProcessEntry* process = table_.Insert(task.cookie, task.pid, now_boot_ns_, keep);
  process->start_boot_ns = StartOfCookie(task.cookie, now_boot_ns_);
  process->exec_boot_ns = process->start_boot_ns;
  process->container_id = host_;
  if (task.parent_cookie != 0 && table_.FindEntry(task.parent_cookie) == nullptr) {
    ++counters_.unknown_parents;
  }
  return process;
}

void Enricher::ApplyTask(const Task& task, ProcessEntry* process) {
  table_.SetParent(process, task.parent_cookie);
  bool changed = Update(&process->ppid, task.ppid);
  changed |= Update(&process->cap_effective, task.cap_effective);
  changed |= Update(&process->mnt_ns, task.mnt_ns);
  changed |= Update(&process->pid_ns, task.pid_ns);
  changed |= Update(&process->net_ns, task.net_ns);
  changed |= Update(&process->user_ns, task.user_ns);
  changed |= Update(&process->kernel_thread, task.kernel_thread);
  changed |= Update(&process->uid, task.uid);
  changed |= Update(&process->gid, task.gid);
  const bool new_user = Update(&process->euid, task.euid);
  const bool new_group = Update(&process->egid, task.egid);
  if (new_user || new_group || process->account_generation != accounts_->generation()) {
    ApplyNames(process);
    changed = true;
  }
  if (process->cgroup_id != task.cgroup_id) {
    ApplyCgroup(task.cgroup_id, {}, process);
    changed = true;
  }
  std::string_view name = task.process_comm;
  if (name.empty() && (task.tid == task.pid || process->comm.empty())) name = task.comm;
  if (!name.empty() && !(process->comm == name)) {
    process->comm = strings_.Share(name);
    SetCommandLine(process);
    changed = true;
  }
  if (changed) table_.Changed(process);
}

void Enricher::ApplyFacts(const ProcessFacts& facts, ProcessEntry* process) {
  process->start_boot_ns = facts.start_boot_ns;
  process->cap_permitted = facts.cap_permitted;
  process->cap_inheritable = facts.cap_inheritable;
  process->ns_pid = facts.ns_pid;
  process->pgid = facts.pgid;
  process->ns_pgid = facts.ns_pgid;
  process->ns_session_id = facts.ns_session_id;
  process->tty = facts.tty;
  table_.SetSession(process, facts.session_id);
  if (process->login_uid != facts.login_uid) {
    process->login_uid = facts.login_uid;
    process->login_name = accounts_->User(facts.login_uid).name;
  }
  if (!facts.cgroup_path.empty()) ApplyCgroup(process->cgroup_id, facts.cgroup_path, process);
}

void Enricher::ApplyProgram(const Event& event, ProcessEntry* process) {
  const ProcessExec& exec = event.process_exec;
  const bool is_seed = event.kind == Kind::process_seed;
  if (is_seed && process->pid == 1) host_mnt_ns_ = process->mnt_ns;
  ApplyFacts(exec.facts, process);
  process->has_program = true;
  process->exec_id = event.task.exec_id;
  process->exec_boot_ns = is_seed ? process->start_boot_ns : event.boot_ns;
  process->exe_path = strings_.Share(exec.exe.path);
  process->argv = strings_.ShareList(is_seed ? WithoutPadding(exec.argv) : exec.argv);
  process->env = strings_.ShareList(exec.env);
  process->args = process->argv.Joined(1);
  process->exeline = process->argv.Joined();
  process->argv_truncated = exec.argv_truncated;
  process->exe_upper_layer = exec.exe_upper_layer;
  process->exe_memfd = exec.exe_memfd;
  process->exe_unlinked = exec.exe_unlinked;
  process->exe_writable = exec.exe_writable;
  process->exe_ino = exec.exe.ino;
  process->exe_ctime_ns = exec.exe.ctime_ns;
  process->exe_mtime_ns = exec.exe.mtime_ns;
  if (!exec.cwd.empty()) {
    scratch_ = exec.cwd;
    if (scratch_.back() != '/') scratch_.push_back('/');
    process->cwd = strings_.Share(scratch_);
  }
  SetScript(exec, process);
  SetCommandLine(process);
  SetContainerNamespace(process);
  table_.Changed(process);
}

// Its first program makes a container's mount namespace known, unless it is another's.
void Enricher::SetContainerNamespace(ProcessEntry* process) {
  if (process->container == nullptr || process->container->mnt_ns != 0) return;
  if (process->mnt_ns == 0 || SharesNamespaceOutside(*process) != false) return;
  containers_.SetMountNamespace(process->container->id, process->mnt_ns);
}

void Enricher::ApplyFork(const ProcessFork& fork, const ProcessEntry& forker) {
  ProcessEntry* child = table_.FindEntry(fork.child.cookie);
  // A seed, or an exec that another CPU reported first, knows better. (And a child that is its own
  // parent exists in forged records only.)
  if (child == &forker || (child != nullptr && child->has_program)) return;
  if (child == nullptr) child = Add(fork.child, &forker);
  ApplyTask(fork.child, child);
  ApplyFacts(fork.facts, child);
  child->has_program = true;
  child->exec_id = forker.exec_id == fork.child.exec_id ? forker.exec_id : -1;
  child->exec_boot_ns = child->start_boot_ns;
  InheritProgram(forker, child);
  if (child->comm == forker.comm) {
    child->cmdline = forker.cmdline;
  } else {
    SetCommandLine(child);
  }
  if (child->cgroup_id == forker.cgroup_id && child->cgroup_path.empty()) {
    child->cgroup_path = forker.cgroup_path;
    child->container_id = forker.container_id;
    child->container_full_id = forker.container_full_id;
    child->container = forker.container;
  }
  table_.Changed(child);
}

void Enricher::ApplyAct(Kind kind, ProcessAct& act) {
  // Without a cookie the kernel had the number alone.
  act.process =
      act.target.cookie != 0 ? table_.Find(act.target.cookie) : table_.FindLive(act.target.pid);
  ProcessEntry* target = table_.FindEntry(act.target.cookie);
  if (target == nullptr || act.target.cookie == 0) return;
  ApplyTask(act.target, target);
  const bool main_thread = act.target.tid == act.target.pid;
  if (kind == Kind::process_cgroup && main_thread) {
    ApplyCgroup(act.target.cgroup_id, act.text, target);
    table_.Changed(target);
  }
  if (kind == Kind::process_rename && main_thread) {
    target->comm = strings_.Share(act.text);
    SetCommandLine(target);
    table_.Changed(target);
  }
}

// Before the task of the event is applied: what is known is still what was.
void Enricher::ApplyCredentials(Event& event, ProcessEntry* process) {
  CredentialChange& change = event.process_credentials;
  change.before_known = process->has_program;
  change.uid_before = process->uid;
  change.euid_before = process->euid;
  change.gid_before = process->gid;
  change.egid_before = process->egid;
  change.cap_effective_before = process->cap_effective;
  const bool permitted = Update(&process->cap_permitted, change.after.cap_permitted);
  const bool inheritable = Update(&process->cap_inheritable, change.after.cap_inheritable);
  if (permitted || inheritable) table_.Changed(process);
  const bool groups = AsksForGroups(event.type);
  for (size_t i = 0; i < change.asked_names.size(); ++i) {
    const auto id = static_cast<uint32_t>(change.args[i]);
    if (process->container != nullptr) {
      change.asked_names[i] =
          groups ? GroupNameIn(*process->container, id) : UserIn(*process->container, id).name;
    } else {
      change.asked_names[i] = (groups ? accounts_->Group(id) : accounts_->User(id)).name.view();
    }
  }
}

void Enricher::ApplyNames(ProcessEntry* process) {
  const Account& user = accounts_->User(process->euid);
  process->user_name = user.name;
  process->user_home = user.home;
  process->user_shell = user.shell;
  process->group_name = accounts_->Group(process->egid).name;
  process->login_name = accounts_->User(process->login_uid).name;
  process->account_generation = accounts_->generation();
}

// A process may move to a cgroup that no exec has named yet (a container's init before its exec, a
// service that systemd starts): the names stay those of the old one until that exec tells.
void Enricher::ApplyCgroup(uint64_t cgroup_id, std::string_view path, ProcessEntry* process) {
  process->cgroup_id = cgroup_id;
  auto found = cgroups_.find(cgroup_id);
  if (!path.empty() && (found == cgroups_.end() || !(found->second.path == path))) {
    if (cgroups_.size() >= kMaxCgroups) cgroups_.clear();
    const auto [id, runtime] = ContainerOfCgroup(path);
    const Cgroup cgroup{
        .path = SharedString(path),
        .container_id = id.empty() ? host_ : SharedString(id.substr(0, kShortContainerIdSize)),
        .container_full_id = SharedString(id),
        .runtime = runtime};
    found = cgroups_.insert_or_assign(cgroup_id, cgroup).first;
  }
  if (found == cgroups_.end()) return;
  process->cgroup_path = found->second.path;
  process->container_id = found->second.container_id;
  process->container_full_id = found->second.container_full_id;
  if (found->second.container_full_id.empty()) {
    process->container = nullptr;
    return;
  }
  const std::shared_ptr<Container> container =
      containers_.Use(found->second.container_full_id, found->second.runtime);
  container->host_mnt_ns = host_mnt_ns_;
  process->container = container;
}

// What was asked for is a claim: the kernel has let go of the script's file when exec is done.
void Enricher::SetScript(const ProcessExec& exec, ProcessEntry* process) {
  scratch_.clear();
  if (!exec.interpreter.empty()) {
    if (!exec.filename.starts_with('/')) scratch_ = process->cwd.view();
    scratch_.append(exec.filename);
  }
  process->script = strings_.Share(scratch_);
}

void Enricher::SetCommandLine(ProcessEntry* process) {
  scratch_ = process->comm.view();
  if (!process->args.empty()) scratch_.append(" ").append(process->args);
  process->cmdline = strings_.Share(scratch_);
}

}  // namespace vakt

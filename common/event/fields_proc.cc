// SPDX-License-Identifier: Apache-2.0
// proc.* and thread.*: what is known of the acting process and of its relatives.
#include <cstdint>
#include <string>
#include <string_view>

#include "common/event/event_names.h"
#include "common/event/fields.h"

namespace vakt {
namespace {

// The topmost of the process and its ancestors, without a break, for which `same` holds. Stands in
// for a leader that has ended: its oldest known companion.
template <typename Same>
const Process* Topmost(const Process* process, Same same) {
  const Process* top = process;
  for (int depth = 0; top != nullptr && depth < kMaxAncestors; ++depth) {
    const Process* parent = top->parent;
    if (parent == nullptr || !same(*parent)) break;
    top = parent;
  }
  return top;
}

void PutCapabilities(uint64_t capabilities, Extractor& out) {
  out.Add(Value::String(out.Keep(CapabilityNames(capabilities))));
}

// The signed distance between two unsigned moments.
int64_t Distance(uint64_t from, uint64_t to) { return static_cast<int64_t>(to - from); }

}  // namespace

int64_t WallNs(const Event& event, uint64_t boot_ns) {
  return event.wall_ns + Distance(event.boot_ns, boot_ns);
}

uint64_t PidNamespaceStart(const Event& event) {
  const Process* process = event.process;
  if (process == nullptr) return 0;
  const Process* top =
      Topmost(process, [process](const Process& other) { return other.pid_ns == process->pid_ns; });
  return top->ns_pid == 1 ? top->start_boot_ns : 0;
}

const Process* Self(const Event& event) { return event.process; }

const Process* Target(const Event& event) {
  return PayloadOf(event.kind) == Payload::kAct ? event.process_act.process : nullptr;
}

// The kernel names the target of an event even when nothing else is known of it.
void TargetName(const Event& event, const FieldArg&, Extractor& out) {
  if (PayloadOf(event.kind) != Payload::kAct) return;
  const std::string_view comm = event.process_act.target.comm;
  if (!comm.empty()) return out.Add(Value::String(comm));
  if (const Process* target = Target(event)) out.Add(Value::String(target->comm));
}

void TargetPid(const Event& event, const FieldArg&, Extractor& out) {
  if (PayloadOf(event.kind) != Payload::kAct || event.process_act.target.pid == 0) return;
  out.Add(Value::Int(event.process_act.target.pid));
}

const Process* Parent(const Event& event) {
  return event.process == nullptr ? nullptr : event.process->parent;
}

const Process* SessionLeader(const Event& event) {
  const Process* process = event.process;
  if (process == nullptr || process->session_leader != nullptr) {
    return process == nullptr ? nullptr : process->session_leader;
  }
  return Topmost(
      process, [process](const Process& other) { return other.session_id == process->session_id; });
}

const Process* GroupLeader(const Event& event) {
  const Process* process = event.process;
  return Topmost(process, [process](const Process& other) { return other.pgid == process->pgid; });
}

const Process* NsGroupLeader(const Event& event) {
  const Process* process = event.process;
  return Topmost(process, [process](const Process& other) {
    return other.ns_pgid == process->ns_pgid && other.pid_ns == process->pid_ns;
  });
}

Value ProcName(const Process& process) { return Value::String(process.comm); }
Value ProcExepath(const Process& process) { return Value::String(process.exe_path); }
Value ProcArgs(const Process& process) { return Value::String(process.args); }
Value ProcCmdline(const Process& process) { return Value::String(process.cmdline); }
Value ProcExeline(const Process& process) { return Value::String(process.exeline); }
Value ProcCwd(const Process& process) { return Value::String(process.cwd); }
Value ProcPid(const Process& process) { return Value::Int(process.pid); }
Value ProcPpid(const Process& process) { return Value::Int(process.ppid); }
Value ProcVpid(const Process& process) { return Value::Int(process.ns_pid); }
Value ProcSid(const Process& process) { return Value::Int(process.session_id); }
Value ProcVpgid(const Process& process) { return Value::Int(process.ns_pgid); }
Value ProcPgid(const Process& process) { return Value::Int(process.pgid); }
Value ProcTty(const Process& process) { return Value::Uint(process.tty); }
Value ProcScript(const Process& process) {
  return process.script.empty() ? Value() : Value::String(process.script);
}
Value ProcCookie(const Process& process) { return Value::Uint(process.cookie); }
Value ProcIsExeWritable(const Process& process) { return Value::Bool(process.exe_writable); }
Value ProcIsExeUpperLayer(const Process& process) { return Value::Bool(process.exe_upper_layer); }
Value ProcArgsTruncated(const Process& process) { return Value::Bool(process.argv_truncated); }
Value ProcIsExeFromMemfd(const Process& process) { return Value::Bool(process.exe_memfd); }
Value ProcIsExeUnlinked(const Process& process) { return Value::Bool(process.exe_unlinked); }
Value ProcExeIno(const Process& process) {
  return Value::Int(static_cast<int64_t>(process.exe_ino));
}
Value ProcExeInoCtime(const Process& process) { return Value::Int(process.exe_ctime_ns); }
Value ProcExeInoMtime(const Process& process) { return Value::Int(process.exe_mtime_ns); }
Value ThreadCgroups(const Process& process) { return Value::String(process.cgroup_path); }

// A process that never passed a command line (a kernel thread, or one that cleared it) has none.
Value ProcExe(const Process& process) {
  return Value::String(process.argv.empty() ? std::string_view() : process.argv.front());
}

Value ProcCmdnargs(const Process& process) {
  return Value::Uint(process.argv.empty() ? 0 : process.argv.size() - 1);
}

Value ProcCmdlenargs(const Process& process) {
  uint64_t bytes = 0;
  for (size_t i = 1; i < process.argv.size(); ++i) bytes += process.argv[i].size();
  return Value::Uint(bytes);
}

Value ProcIsSidLeader(const Process& process) {
  return Value::Bool(process.session_id == process.pid);
}

Value ProcIsVpgidLeader(const Process& process) {
  return Value::Bool(process.ns_pgid == process.ns_pid);
}

Value ProcIsPgidLeader(const Process& process) { return Value::Bool(process.pgid == process.pid); }

void ProcArgsAt(const Event& event, const FieldArg& arg, Extractor& out) {
  if (event.process == nullptr) return;
  if (!arg.present) return Put(ProcArgs(*event.process), out);
  const size_t count = event.process->argv.size();
  if (arg.index < 0 || static_cast<uint64_t>(arg.index) + 1 >= count) return;
  out.Add(Value::String(event.process->argv[arg.index + 1]));
}

const FieldRow& ProcArgvField() {
  static constexpr FieldRow kRow = {"proc.args",
                                    FieldType::kString,
                                    ArgRule::kNone,
                                    kFieldList | kFieldProcessOnly | kFieldProcessState,
                                    "Arguments without argv[0].",
                                    [](const Event& event, const FieldArg&, Extractor& out) {
                                      if (event.process == nullptr) return;
                                      for (size_t i = 1; i < event.process->argv.size(); ++i) {
                                        out.Add(Value::String(event.process->argv[i]));
                                      }
                                    }};
  return kRow;
}

namespace {

// The value of the variable `name`; null when there is none.
Value Variable(const StringList& env, std::string_view name) {
  for (size_t i = 0; i < env.size(); ++i) {
    const std::string_view entry = env[i];
    if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name)) {
      return Value::String(entry.substr(name.size() + 1));
    }
  }
  return {};
}

Value Environment(const StringList& env) {
  return env.empty() ? Value() : Value::String(env.Joined());
}

}  // namespace

void ProcEnv(const Event& event, const FieldArg& arg, Extractor& out) {
  if (event.process == nullptr) return;
  const StringList& env = event.process->env;
  Put(arg.present ? Variable(env, arg.text) : Environment(env), out);
}

void ProcAenv(const Event& event, const FieldArg& arg, Extractor& out) {
  const bool by_name = arg.present && arg.index < 0;
  const Process* process = event.process;
  for (int depth = 0; process != nullptr && depth <= kMaxAncestors; ++depth) {
    if (by_name && depth > 0) {
      const Value value = Variable(process->env, arg.text);
      if (!value.is_null()) return out.Add(value);
    } else if (!by_name && (arg.present ? depth == arg.index : depth > 0)) {
      Put(Environment(process->env), out);
    }
    process = process->parent;
  }
}

void ProcDuration(const Event& event, const FieldArg&, Extractor& out) {
  if (event.process == nullptr) return;
  out.Add(Value::Int(Distance(event.process->start_boot_ns, event.boot_ns)));
}

void ProcPpidDuration(const Event& event, const FieldArg&, Extractor& out) {
  const Process* parent = Parent(event);
  if (parent == nullptr) return;
  out.Add(Value::Int(Distance(parent->start_boot_ns, event.boot_ns)));
}

void ProcPidTs(const Event& event, const FieldArg&, Extractor& out) {
  if (event.process == nullptr) return;
  out.Add(Value::Int(WallNs(event, event.process->start_boot_ns)));
}

void ProcPpidTs(const Event& event, const FieldArg&, Extractor& out) {
  const Process* parent = Parent(event);
  if (parent != nullptr) out.Add(Value::Int(WallNs(event, parent->start_boot_ns)));
}

void ProcCtimeToStart(const Event& event, const FieldArg&, Extractor& out) {
  const Process* process = event.process;
  if (process == nullptr || process->exe_ino == 0) return;
  out.Add(Value::Int(WallNs(event, process->start_boot_ns) - process->exe_ctime_ns));
}

void ProcCtimeToPidns(const Event& event, const FieldArg&, Extractor& out) {
  const uint64_t start = PidNamespaceStart(event);
  if (start == 0 || event.process->exe_ino == 0) return;
  out.Add(Value::Int(WallNs(event, start) - event.process->exe_ctime_ns));
}

void ProcPidnsStart(const Event& event, const FieldArg&, Extractor& out) {
  const uint64_t start = PidNamespaceStart(event);
  if (start != 0) out.Add(Value::Uint(static_cast<uint64_t>(WallNs(event, start))));
}

void ProcLoginShell(const Event& event, const FieldArg&, Extractor& out) {
  const Process* shell = nullptr;
  const Process* process = event.process;
  for (int depth = 0; process != nullptr && depth <= kMaxAncestors; ++depth) {
    if (process->comm.view().ends_with("sh")) shell = process;
    process = process->parent;
  }
  if (shell != nullptr) out.Add(Value::Int(shell->pid));
}

void ThreadCapPermitted(const Event& event, const FieldArg&, Extractor& out) {
  if (event.process != nullptr) PutCapabilities(event.process->cap_permitted, out);
}

void ThreadCapInheritable(const Event& event, const FieldArg&, Extractor& out) {
  if (event.process != nullptr) PutCapabilities(event.process->cap_inheritable, out);
}

void ThreadCapEffective(const Event& event, const FieldArg&, Extractor& out) {
  PutCapabilities(event.task.cap_effective, out);
}

void ThreadTid(const Event& event, const FieldArg&, Extractor& out) {
  out.Add(Value::Int(event.task.tid));
}

void ThreadIsMain(const Event& event, const FieldArg&, Extractor& out) {
  out.Add(Value::Bool(event.task.tid == event.task.pid));
}

void ThreadVtid(const Event& event, const FieldArg&, Extractor& out) {
  if (event.process == nullptr || event.task.tid != event.task.pid) return;
  out.Add(Value::Int(event.process->ns_pid));
}

}  // namespace vakt

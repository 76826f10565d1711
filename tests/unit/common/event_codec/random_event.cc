// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/common/event_codec/random_event.h"

#include <algorithm>
#include <utility>

#include "common/base/strings.h"

namespace vakt {
namespace {

// Collects "prefix.name=value".
class FieldList {
 public:
  template <typename Value>
  FieldList& Add(std::string_view name, const Value& value) {
    fields_.push_back(StrCat(prefix_, name, "=", value));
    return *this;
  }
  FieldList& In(std::string_view prefix) {
    prefix_ = StrCat(prefix, ".");
    return *this;
  }
  std::vector<std::string> Take() { return std::move(fields_); }

 private:
  std::string prefix_;
  std::vector<std::string> fields_;
};

void AddTask(const Task& task, FieldList& out) {
  out.Add("cookie", task.cookie)
      .Add("parent_cookie", task.parent_cookie)
      .Add("cgroup_id", task.cgroup_id)
      .Add("cap_effective", task.cap_effective)
      .Add("pid", task.pid)
      .Add("tid", task.tid)
      .Add("ppid", task.ppid)
      .Add("uid", task.uid)
      .Add("gid", task.gid)
      .Add("euid", task.euid)
      .Add("egid", task.egid)
      .Add("mnt_ns", task.mnt_ns)
      .Add("pid_ns", task.pid_ns)
      .Add("net_ns", task.net_ns)
      .Add("user_ns", task.user_ns)
      .Add("kernel_thread", int{task.kernel_thread})
      .Add("comm", task.comm)
      .Add("process_comm", task.process_comm);
}

void AddStack(const UserStack& stack, FieldList& out) {
  out.Add("captured", int{stack.captured})
      .Add("origin", static_cast<int>(stack.origin))
      .Add("truncated", int{stack.truncated})
      .Add("origin_dev", stack.origin_dev)
      .Add("origin_ino", stack.origin_ino)
      .Add("origin_name", stack.origin_name);
  for (const StackFrame& frame : stack.Frames()) {
    const auto* id = reinterpret_cast<const char*>(frame.build_id.data());
    out.Add("has_build_id", int{frame.has_build_id})
        .Add("build_id", std::string_view(id, frame.build_id.size()))
        .Add("offset", frame.offset);
  }
}

void AddFacts(const ProcessFacts& facts, FieldList& out) {
  out.Add("start_boot_ns", facts.start_boot_ns)
      .Add("cap_permitted", facts.cap_permitted)
      .Add("cap_inheritable", facts.cap_inheritable)
      .Add("ns_pid", facts.ns_pid)
      .Add("pgid", facts.pgid)
      .Add("ns_pgid", facts.ns_pgid)
      .Add("session_id", facts.session_id)
      .Add("ns_session_id", facts.ns_session_id)
      .Add("login_uid", facts.login_uid)
      .Add("tty", facts.tty)
      .Add("cgroup_path", facts.cgroup_path);
}

void AddFile(const File& file, FieldList& out) {
  out.Add("path", file.path)
      .Add("ino", file.ino)
      .Add("ctime_ns", file.ctime_ns)
      .Add("mtime_ns", file.mtime_ns)
      .Add("dev", file.dev)
      .Add("nlink", file.nlink)
      .Add("mode", file.mode)
      .Add("file_uid", file.uid)
      .Add("path_status", static_cast<int>(file.path_status))
      .Add("outer_path", file.outer_path);
}

void AddExec(const ProcessExec& exec, FieldList& out) {
  AddFile(exec.exe, out);
  AddFacts(exec.facts, out);
  out.Add("filename", exec.filename)
      .Add("interpreter", exec.interpreter)
      .Add("argv", exec.argv)
      .Add("env", exec.env)
      .Add("cwd", exec.cwd)
      .Add("argv_truncated", int{exec.argv_truncated})
      .Add("exe_upper_layer", int{exec.exe_upper_layer})
      .Add("exe_memfd", int{exec.exe_memfd})
      .Add("exe_unlinked", int{exec.exe_unlinked})
      .Add("exe_writable", int{exec.exe_writable});
}

void AddCredentials(const Credentials& credentials, FieldList& out) {
  out.Add("cap_effective", credentials.cap_effective)
      .Add("cap_permitted", credentials.cap_permitted)
      .Add("cap_inheritable", credentials.cap_inheritable)
      .Add("cap_bounding", credentials.cap_bounding)
      .Add("cap_ambient", credentials.cap_ambient)
      .Add("uid", credentials.uid)
      .Add("gid", credentials.gid)
      .Add("euid", credentials.euid)
      .Add("egid", credentials.egid)
      .Add("suid", credentials.suid)
      .Add("sgid", credentials.sgid)
      .Add("fsuid", credentials.fsuid)
      .Add("fsgid", credentials.fsgid);
}

void AddChange(const FileChange& change, FieldList& out) {
  AddFile(change.file, out);
  out.Add("name_raw", change.name_raw)
      .Add("other_path", change.other_path)
      .Add("other_raw", change.other_raw)
      .Add("text", change.text)
      .Add("other_status", static_cast<int>(change.other_status))
      .Add("name_unreadable", int{change.name_unreadable})
      .Add("fd", change.fd)
      .Add("dirfd", change.dirfd)
      .Add("other_dirfd", change.other_dirfd)
      .Add("flags", change.flags)
      .Add("change_mode", change.mode)
      .Add("uid", change.uid)
      .Add("gid", change.gid)
      .Add("number", change.number);
}

void AddEndpoint(std::string_view name, const Endpoint& endpoint, FieldList& out) {
  out.In(name).Add("port", endpoint.port);
  for (const uint8_t byte : endpoint.address) out.Add("byte", int{byte});
}

void AddFlow(const FlowReport& flow, FieldList& out) {
  AddEndpoint("flow_local", flow.local, out);
  AddEndpoint("flow_remote", flow.remote, out);
  out.In("flow")
      .Add("protocol", flow.protocol)
      .Add("name_count", flow.name_count)
      .Add("tls_client_count", flow.tls_client_count)
      .Add("remote_namespace", flow.remote_namespace)
      .Add("remote_pod", flow.remote_pod)
      .Add("country", flow.country)
      .Add("as_number", flow.as_number)
      .Add("begin_wall_ns", flow.begin_wall_ns)
      .Add("end_wall_ns", flow.end_wall_ns)
      .Add("first_seen_wall_ns", flow.first_seen_wall_ns)
      .Add("total_connections", flow.total_connections)
      .Add("total_bytes_out", flow.total_bytes_out)
      .Add("total_bytes_in", flow.total_bytes_in)
      .Add("day_bytes_out", flow.day_bytes_out)
      .Add("known_ns", flow.known_ns)
      .Add("rhythm_contacts", flow.rhythm_contacts)
      .Add("rhythm_period_ns", flow.rhythm_period_ns)
      .Add("rhythm_jitter_permille", flow.rhythm_jitter_permille)
      .Add("reach_addresses", flow.reach_addresses)
      .Add("reach_ports", flow.reach_ports)
      .Add("reach_ports_of_peer", flow.reach_ports_of_peer)
      .Add("reach_addresses_of_port", flow.reach_addresses_of_port)
      .Add("reach_folded", flow.reach_folded)
      .Add("reach_unanswered", flow.reach_unanswered)
      .Add("segment", flow.segment)
      .Add("remote_segment", flow.remote_segment)
      .Add("has_addresses", int{flow.has_addresses})
      .Add("ipv6", int{flow.ipv6})
      .Add("new_peer", int{flow.new_peer})
      .Add("new_external", int{flow.new_external})
      .Add("memory_full", int{flow.memory_full})
      .Add("segments_apart", int{flow.segments_apart})
      .Add("state", static_cast<int>(flow.state))
      .Add("direction", static_cast<int>(flow.direction))
      .Add("remote_class", static_cast<int>(flow.remote_class))
      .Add("transport", static_cast<int>(flow.transport))
      .Add("connections", flow.sums.connections)
      .Add("established", flow.sums.established)
      .Add("refused", flow.sums.refused)
      .Add("timed_out", flow.sums.timed_out)
      .Add("reset", flow.sums.reset)
      .Add("bytes_out", flow.sums.bytes_out)
      .Add("bytes_in", flow.sums.bytes_in)
      .Add("packets_out", flow.sums.packets_out)
      .Add("packets_in", flow.sums.packets_in)
      .Add("retransmits", flow.sums.retransmits)
      .Add("open", flow.sums.open)
      .Add("folded", flow.sums.folded);
  for (const std::string_view client : flow.tls_clients) out.Add("tls_client", client);
  for (const FlowName& name : flow.names) {
    out.Add("name", name.text).Add("source", static_cast<int>(name.source));
  }
}

void AddDns(const DnsReport& dns, FieldList& out) {
  AddEndpoint("server", dns.server, out);
  out.In("dns")
      .Add("ipv6", int{dns.ipv6})
      .Add("transport", static_cast<int>(dns.transport))
      .Add("name", dns.name)
      .Add("type", dns.type)
      .Add("rcode", dns.rcode)
      .Add("addresses", dns.addresses)
      .Add("aliases", dns.aliases)
      .Add("answers", dns.answers)
      .Add("ttl_seconds", dns.ttl_seconds)
      .Add("size_bytes", dns.size_bytes)
      .Add("truncated", int{dns.truncated});
}

}  // namespace

std::vector<std::string> FieldsOf(const Event& event) {
  FieldList out;
  out.Add("kind", static_cast<int>(event.kind))
      .Add("type", event.type)
      .Add("abi", static_cast<int>(event.abi))
      .Add("lane", static_cast<int>(event.lane))
      .Add("cpu", event.cpu)
      .Add("seq", event.seq)
      .Add("num", event.num)
      .Add("boot_ns", event.boot_ns)
      .Add("wall_ns", event.wall_ns)
      .Add("result", event.result);
  AddTask(event.task, out.In("task"));
  AddStack(event.user_stack, out.In("stack"));
  AddTask(event.process_fork.child, out.In("child"));
  AddFacts(event.process_fork.facts, out.In("child_facts"));
  out.Add("clone_flags", event.process_fork.clone_flags);
  AddExec(event.process_exec, out.In("exec"));
  out.In("exit")
      .Add("exit_code", event.process_exit.exit_code)
      .Add("signal", event.process_exit.signal)
      .Add("core_dumped", int{event.process_exit.core_dumped});
  for (const uint64_t arg : event.call.args) out.In("call").Add("arg", arg);
  out.Add("text", event.call.text);
  AddFile(event.call.file, out.In("call_file"));
  for (const uint64_t arg : event.process_act.args) out.In("act").Add("arg", arg);
  out.Add("text", event.process_act.text);
  AddTask(event.process_act.target, out.In("target"));
  for (const uint64_t arg : event.process_credentials.args) out.In("credentials").Add("arg", arg);
  AddCredentials(event.process_credentials.after, out);
  AddFile(event.file_open.file, out.In("open"));
  out.Add("name_raw", event.file_open.name_raw)
      .Add("flags", event.file_open.flags)
      .Add("create_mode", event.file_open.create_mode)
      .Add("dirfd", event.file_open.dirfd)
      .Add("fd", event.file_open.fd)
      .Add("resolve", event.file_open.resolve)
      .Add("created", int{event.file_open.created})
      .Add("name_unreadable", int{event.file_open.name_unreadable});
  AddChange(event.file_change, out.In("change"));
  AddEndpoint("local", event.network.local, out);
  AddEndpoint("remote", event.network.remote, out);
  out.In("network")
      .Add("ipv6", int{event.network.ipv6})
      .Add("v4_mapped", int{event.network.v4_mapped})
      .Add("transport", static_cast<int>(event.network.transport))
      .Add("fd", event.network.fd)
      .Add("family", event.network.family)
      .Add("type", event.network.type)
      .Add("protocol", event.network.protocol)
      .Add("argument", event.network.argument)
      .Add("path", event.network.path)
      .Add("path_status", static_cast<int>(event.network.path_status));
  AddFlow(event.flow, out);
  AddDns(event.dns, out);
  return out.Take();
}

template <typename Number>
void RandomEvents::Fill(Number* number) {
  *number = static_cast<Number>(random_() >> (random_() % 64));  // all magnitudes
}

void RandomEvents::Fill(std::string_view* text) {
  std::string& bytes = strings_.emplace_back(random_() % 30, '\0');
  for (char& c : bytes) c = static_cast<char>(random_());
  *text = bytes;
}

void RandomEvents::Fill(Task* task) {
  for (uint64_t* number :
       {&task->cookie, &task->parent_cookie, &task->cgroup_id, &task->cap_effective}) {
    Fill(number);
  }
  for (uint32_t* number :
       {&task->pid, &task->tid, &task->ppid, &task->uid, &task->gid, &task->euid, &task->egid,
        &task->mnt_ns, &task->pid_ns, &task->net_ns, &task->user_ns}) {
    Fill(number);
  }
  Fill(&task->kernel_thread);
  Fill(&task->comm);
  Fill(&task->process_comm);
}

void RandomEvents::Fill(ProcessFacts* facts) {
  for (uint64_t* number : {&facts->start_boot_ns, &facts->cap_permitted, &facts->cap_inheritable}) {
    Fill(number);
  }
  for (uint32_t* number : {&facts->ns_pid, &facts->pgid, &facts->ns_pgid, &facts->session_id,
                           &facts->ns_session_id, &facts->login_uid, &facts->tty}) {
    Fill(number);
  }
  Fill(&facts->cgroup_path);
}

void RandomEvents::Fill(File* file) {
  Fill(&file->path);
  Fill(&file->ino);
  Fill(&file->ctime_ns);
  Fill(&file->mtime_ns);
  for (uint32_t* number : {&file->dev, &file->nlink, &file->mode, &file->uid}) Fill(number);
  file->path_status = static_cast<PathStatus>(random_() % 7);
  Fill(&file->outer_path);
}

void RandomEvents::Fill(FileChange* change) {
  Fill(&change->file);
  for (std::string_view* text :
       {&change->name_raw, &change->other_path, &change->other_raw, &change->text}) {
    Fill(text);
  }
  change->other_status = static_cast<PathStatus>(random_() % 7);
  Fill(&change->name_unreadable);
  for (int32_t* number : {&change->fd, &change->dirfd, &change->other_dirfd}) Fill(number);
  for (uint32_t* number : {&change->flags, &change->mode, &change->uid, &change->gid}) {
    Fill(number);
  }
  Fill(&change->number);
}

void RandomEvents::Fill(ProcessExec* exec) {
  Fill(&exec->exe);
  Fill(&exec->filename);
  Fill(&exec->interpreter);
  std::string argv;
  for (uint64_t count = random_() % 5; count > 0; --count) {
    std::string_view arg;
    Fill(&arg);
    argv.append(arg);
    argv.push_back('\0');
  }
  exec->argv = strings_.emplace_back(std::move(argv));
  Fill(&exec->cwd);
  Fill(&exec->env);
  for (bool* flag : {&exec->argv_truncated, &exec->exe_upper_layer, &exec->exe_memfd,
                     &exec->exe_unlinked, &exec->exe_writable}) {
    Fill(flag);
  }
  Fill(&exec->facts);
}

void RandomEvents::Fill(CallArgs* args) {
  for (uint64_t& arg : *args) Fill(&arg);
}

void RandomEvents::Fill(Credentials* credentials) {
  for (uint64_t* number :
       {&credentials->cap_effective, &credentials->cap_permitted, &credentials->cap_inheritable,
        &credentials->cap_bounding, &credentials->cap_ambient}) {
    Fill(number);
  }
  for (uint32_t* number :
       {&credentials->uid, &credentials->gid, &credentials->euid, &credentials->egid,
        &credentials->suid, &credentials->sgid, &credentials->fsuid, &credentials->fsgid}) {
    Fill(number);
  }
}

void RandomEvents::Fill(Endpoint* endpoint, bool ipv6) {
  for (size_t i = 0; i < (ipv6 ? 16 : 4); ++i) Fill(&endpoint->address[i]);
  Fill(&endpoint->port);
}

void RandomEvents::Fill(Network* network) {
  Fill(&network->ipv6);
  Fill(&network->local, network->ipv6);
  Fill(&network->remote, network->ipv6);
  Fill(&network->v4_mapped);
  network->transport = static_cast<Transport>(random_() % 3);
  Fill(&network->fd);
  network->family = static_cast<uint16_t>(1 + random_() % 0xffff);  // 0: of older recordings
  Fill(&network->type);
  Fill(&network->protocol);
  Fill(&network->argument);
  Fill(&network->path);
  network->path_status = static_cast<PathStatus>(random_() % 7);
}

void RandomEvents::Fill(UserStack* stack) {
  Fill(&stack->captured);
  if (!stack->captured) return;
  stack->origin = static_cast<CallOrigin>(random_() % 3);
  Fill(&stack->truncated);
  Fill(&stack->origin_dev);
  Fill(&stack->origin_ino);
  Fill(&stack->origin_name);
  stack->frame_count = random_() % (UserStack::kMaxFrames + 1);
  for (uint8_t i = 0; i < stack->frame_count; ++i) {
    StackFrame& frame = stack->frames[i];
    Fill(&frame.has_build_id);
    Fill(&frame.offset);
    for (uint8_t& byte : frame.build_id) byte = frame.has_build_id ? random_() % 256 : 0;
  }
}

void RandomEvents::FillName(std::string_view* text) {
  std::string& name = strings_.emplace_back(random_() % 30, '\0');
  for (char& c : name) c = static_cast<char>('a' + random_() % 26);
  *text = name;
}

void RandomEvents::Fill(FlowReport* flow) {
  flow->state = static_cast<FlowState>(random_() % 4);
  flow->direction = static_cast<FlowDirection>(random_() % 4);
  flow->remote_class = static_cast<FlowClass>(random_() % 10);
  flow->transport = static_cast<Transport>(random_() % 3);
  Fill(&flow->protocol);
  Fill(&flow->has_addresses);
  if (flow->has_addresses) {
    Fill(&flow->ipv6);
    Fill(&flow->local, flow->ipv6);
    Fill(&flow->remote, flow->ipv6);
  }
  flow->name_count = random_() % (kMaxFlowNames + 1);
  for (uint32_t i = 0; i < flow->name_count; ++i) {
    FillName(&flow->names[i].text);
    flow->names[i].source = static_cast<NameSource>(random_() % 3);
  }
  flow->tls_client_count = random_() % (kMaxTlsClients + 1);
  for (uint32_t i = 0; i < flow->tls_client_count; ++i) FillName(&flow->tls_clients[i]);
  for (auto* text : {&flow->remote_namespace, &flow->remote_pod, &flow->country, &flow->segment,
                     &flow->remote_segment}) {
    FillName(text);
  }
  for (auto* time : {&flow->begin_wall_ns, &flow->end_wall_ns, &flow->first_seen_wall_ns}) {
    *time = static_cast<int64_t>(random_() >> 2);
  }
  for (auto* number : {&flow->sums.connections,  &flow->sums.established, &flow->sums.refused,
                       &flow->sums.timed_out,    &flow->sums.reset,       &flow->sums.bytes_out,
                       &flow->sums.bytes_in,     &flow->sums.packets_out, &flow->sums.packets_in,
                       &flow->sums.retransmits,  &flow->sums.open,        &flow->sums.folded,
                       &flow->total_connections, &flow->total_bytes_out,  &flow->total_bytes_in,
                       &flow->day_bytes_out,     &flow->known_ns,         &flow->rhythm_period_ns,
                       &flow->reach_folded,      &flow->reach_unanswered}) {
    Fill(number);
  }
  for (auto* number :
       {&flow->rhythm_contacts, &flow->rhythm_jitter_permille, &flow->reach_addresses,
        &flow->reach_ports, &flow->reach_ports_of_peer, &flow->reach_addresses_of_port}) {
    Fill(number);
  }
  for (auto* flag :
       {&flow->new_peer, &flow->new_external, &flow->memory_full, &flow->segments_apart}) {
    Fill(flag);
  }
}

void RandomEvents::Fill(DnsReport* dns) {
  Fill(&dns->ipv6);
  Fill(&dns->server, dns->ipv6);
  dns->transport = static_cast<Transport>(random_() % 3);
  FillName(&dns->name);
  std::string& addresses = strings_.emplace_back();
  for (uint64_t i = random_() % 5; i > 0; --i) {
    const size_t size = random_() % 2 == 0 ? 4 : 16;
    addresses.push_back(static_cast<char>(size));
    for (size_t b = 0; b < size; ++b) addresses.push_back(static_cast<char>(random_()));
  }
  dns->addresses = addresses;
  std::string& aliases = strings_.emplace_back();
  for (uint64_t i = random_() % 4; i > 0; --i) {
    std::string_view alias;
    FillName(&alias);
    aliases.append(alias).push_back('\0');
  }
  dns->aliases = aliases;
  for (auto* number :
       {&dns->type, &dns->rcode, &dns->answers, &dns->ttl_seconds, &dns->size_bytes}) {
    Fill(number);
  }
  Fill(&dns->truncated);
}

Event RandomEvents::Make(Kind kind) {
  strings_.clear();
  Event event;
  event.kind = kind;
  event.lane = FindKind(static_cast<uint16_t>(kind))->lane;
  event.type = random_() % 8 == 0 ? kNoEventType
                                  : static_cast<EventTypeId>(random_() % AllEventTypes().size());
  event.abi = static_cast<Abi>(random_() % 5);
  Fill(&event.cpu);
  Fill(&event.seq);
  Fill(&event.boot_ns);
  Fill(&event.result);
  Fill(&event.task);
  Fill(&event.user_stack);
  switch (PayloadOf(kind)) {
    case Payload::kFork:
      Fill(&event.process_fork.child);
      Fill(&event.process_fork.facts);
      Fill(&event.process_fork.clone_flags);
      break;
    case Payload::kExec:
      Fill(&event.process_exec);
      break;
    case Payload::kExit:
      Fill(&event.process_exit.exit_code);
      Fill(&event.process_exit.signal);
      Fill(&event.process_exit.core_dumped);
      break;
    case Payload::kCall:
      Fill(&event.call.args);
      Fill(&event.call.text);
      Fill(&event.call.file);
      break;
    case Payload::kAct:
      Fill(&event.process_act.args);
      Fill(&event.process_act.target);
      Fill(&event.process_act.text);
      break;
    case Payload::kCredentials:
      Fill(&event.process_credentials.args);
      Fill(&event.process_credentials.after);
      break;
    case Payload::kOpen:
      Fill(&event.file_open.file);
      Fill(&event.file_open.name_raw);
      Fill(&event.file_open.flags);
      Fill(&event.file_open.create_mode);
      Fill(&event.file_open.dirfd);
      Fill(&event.file_open.fd);
      Fill(&event.file_open.resolve);
      Fill(&event.file_open.created);
      Fill(&event.file_open.name_unreadable);
      break;
    case Payload::kChange:
      Fill(&event.file_change);
      break;
    case Payload::kNetwork:
      Fill(&event.network);
      break;
    case Payload::kFlow:
      Fill(&event.flow);
      break;
    case Payload::kDns:
      Fill(&event.dns);
      break;
    case Payload::kNone:
      break;
  }
  return event;
}

}  // namespace vakt

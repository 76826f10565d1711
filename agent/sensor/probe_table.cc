// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/probe_table.h"

namespace vakt {
namespace {

constexpr ProbeRow kProbes[] = {
    {"process_fork", Kind::process_fork, HookType::kBtfTracepoint, "sched_process_fork",
     "new processes are known only from their first other event"},
    {"process_exec", Kind::process_exec, HookType::kBtfTracepoint, "sched_process_exec",
     "program starts are not seen"},
    {"process_exit", Kind::process_exit, HookType::kBtfTracepoint, "sched_process_exit",
     "process ends are not seen"},
    {"process_seed", Kind::process_seed, HookType::kIterator, "iter/task",
     "processes that ran before the agent are known only from their first event"},
    {"file_open", Kind::file_open, HookType::kSyscallTracepoint, "sys_exit_openat",
     "opens by openat(2) and the C library are not seen"},
    {"file_open", Kind::file_open, HookType::kSyscallTracepoint, "sys_exit_open",
     "opens by open(2) are not seen"},
    {"file_open", Kind::file_open, HookType::kSyscallTracepoint, "sys_exit_openat2",
     "opens by openat2(2) are not seen"},
    {"file_open", Kind::file_open, HookType::kSyscallTracepoint, "sys_exit_creat",
     "opens by creat(2) are not seen"},
    {"file_open", Kind::file_open, HookType::kSyscallTracepoint, "sys_exit_open_by_handle_at",
     "opens by file handle are not seen"},
    {"network_connect_state", Kind::network_connect, HookType::kBtfTracepoint,
     "inet_sock_set_state", "TCP connections are not seen"},
    {"network_connect_retransmit", Kind::network_connect, HookType::kBtfTracepoint,
     "tcp_retransmit_skb", "TCP connects without an answer are reported only when they time out"},
    {"network_connect4", Kind::network_connect, HookType::kCgroup, "connect4",
     "connected IPv4 datagram sockets are not seen"},
    {"network_connect6", Kind::network_connect, HookType::kCgroup, "connect6",
     "connected IPv6 datagram sockets are not seen"},
    {"network_accept_state", Kind::network_accept, HookType::kBtfTracepoint, "inet_sock_set_state",
     "accepted TCP connections are not seen"},
    {"network_accept4", Kind::network_accept, HookType::kCgroup, "getpeername4",
     "accepted IPv4 connections are reported at their first send, receive or close"},
    {"network_accept6", Kind::network_accept, HookType::kCgroup, "getpeername6",
     "accepted IPv6 connections are reported at their first send, receive or close"},
    {"network_accept_send", Kind::network_accept, HookType::kBtfTracepoint, "sock_send_length",
     "connections accepted without asking for the address are reported late"},
    {"network_accept_receive", Kind::network_accept, HookType::kBtfTracepoint, "sock_recv_length",
     "connections accepted without asking for the address are reported late"},
    {"network_accept_destroy", Kind::network_accept, HookType::kBtfTracepoint, "tcp_destroy_sock",
     "accepted connections that nobody used may be missed"},
};

}  // namespace

absl::Span<const ProbeRow> AllProbes() { return kProbes; }

KindSet EssentialKinds() {
  return KindBit(Kind::process_fork) | KindBit(Kind::process_exec) | KindBit(Kind::process_exit) |
         KindBit(Kind::process_seed);
}

}  // namespace vakt

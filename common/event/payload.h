// SPDX-License-Identifier: Apache-2.0
// Which payload an event of a kind has: kinds that tell the same share one.
#ifndef VAKT_COMMON_EVENT_PAYLOAD_H_
#define VAKT_COMMON_EVENT_PAYLOAD_H_

#include <cstdint>

#include "common/event/kind.h"

namespace vakt {

// The members of Event (common/event/event.h).
enum class Payload : uint8_t {
  kNone,
  kFork,
  kExec,
  kExit,
  kCall,
  kAct,
  kCredentials,
  kOpen,
  kChange,
  kNetwork,
  kFlow,
  kDns,
};

constexpr Payload PayloadOf(Kind kind) {
  switch (kind) {
    case Kind::none:
      return Payload::kNone;
    case Kind::process_fork:
      return Payload::kFork;
    case Kind::process_exec:
    case Kind::process_seed:
      return Payload::kExec;
    case Kind::process_exit:
      return Payload::kExit;
    case Kind::process_exec_failed:
    case Kind::process_session:
    case Kind::process_prctl:
    case Kind::process_namespace:
    case Kind::process_seccomp:
    case Kind::process_personality:
    case Kind::memory_file:
    case Kind::memory_protect:
    case Kind::kernel_module:
    case Kind::kernel_bpf:
    case Kind::kernel_kexec:
    case Kind::kernel_perf:
    case Kind::kernel_key:
    case Kind::kernel_io_uring:
    case Kind::kernel_userfaultfd:
    case Kind::kernel_time:
    case Kind::kernel_swap:
    case Kind::kernel_reboot:
      return Payload::kCall;
    case Kind::process_rename:
    case Kind::process_ptrace:
    case Kind::process_vm:
    case Kind::process_signal:
    case Kind::process_cgroup:
    case Kind::process_descriptor:
    case Kind::process_limit:
      return Payload::kAct;
    case Kind::process_credentials:
      return Payload::kCredentials;
    case Kind::file_open:
      return Payload::kOpen;
    case Kind::file_unlink:
    case Kind::file_rename:
    case Kind::file_link:
    case Kind::file_symlink:
    case Kind::file_mkdir:
    case Kind::file_mknod:
    case Kind::file_chmod:
    case Kind::file_chown:
    case Kind::file_setxattr:
    case Kind::file_truncate:
    case Kind::file_mount:
    case Kind::file_umount:
    case Kind::file_chroot:
      return Payload::kChange;
    case Kind::network_connect:
    case Kind::network_accept:
    case Kind::network_socket:
    case Kind::network_bind:
    case Kind::network_listen:
    case Kind::network_send:
    case Kind::network_receive:
    case Kind::network_dup:
      return Payload::kNetwork;
    case Kind::network_flow:
      return Payload::kFlow;
    case Kind::network_dns:
      return Payload::kDns;
  }
  return Payload::kNone;
}

constexpr KindSet KindsWith(Payload payload) {
  KindSet kinds = 0;
#define VAKT_EVENT(stem, id, lane, stack, text) \
  if (PayloadOf(Kind::stem) == payload) kinds |= KindBit(Kind::stem);
#include "bpf/wire/events.def"
#undef VAKT_EVENT
  return kinds;
}

inline constexpr KindSet kFileChangeKinds = KindsWith(Payload::kChange);
inline constexpr KindSet kNetworkKinds = KindsWith(Payload::kNetwork);

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_PAYLOAD_H_

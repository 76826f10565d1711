// SPDX-License-Identifier: Apache-2.0
// A flow record as the event that rules match and that the delivered message is made of. Threads:
// pure functions.
#ifndef VAKT_AGENT_FLOW_FLOW_REPORT_H_
#define VAKT_AGENT_FLOW_FLOW_REPORT_H_

#include <cstdint>
#include <vector>

#include "agent/flow/address_classes.h"
#include "agent/flow/flow_table.h"
#include "common/base/shared_string.h"
#include "common/event/event.h"

namespace vakt {

// What the remote side is called, newest first.
struct RemoteNames {
  std::vector<SharedString> dns;      // as name servers told
  std::vector<SharedString> sni;      // as asked for in ClientHellos
  std::vector<SharedString> clients;  // fingerprints of these
};

// The process as it was when the flow was seen last, for when the process table has it no more.
Process ProcessOf(const FlowProcess& process);

// Overwrites `*out`, which is of `boot_ns` and borrows from all of these. Its process is
// `*snapshot`. `boot_to_wall_ns` is the wall clock's offset from the boot clock.
void MakeFlowEvent(const FlowRecord& record, const AddressClasses& classes,
                   const RemoteNames& names, uint64_t boot_ns, int64_t boot_to_wall_ns,
                   const Process* snapshot, Event* out);

// The process of an event that is not about a call: as the table has it, or had.
void SetTask(const Process& process, uint32_t net_ns, Task* out);

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_FLOW_REPORT_H_

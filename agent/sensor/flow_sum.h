// SPDX-License-Identifier: Apache-2.0
// What one flow has added in the kernel's tables since they were taken last. A value.
#ifndef VAKT_AGENT_SENSOR_FLOW_SUM_H_
#define VAKT_AGENT_SENSOR_FLOW_SUM_H_

#include "bpf/wire/wire.h"

namespace vakt {

struct FlowSum {
  vakt_flow_key key = {};
  vakt_flow_counts counts = {};
  bool folded = false;  // of all flows of the process (or, without one, of the node) without room
};

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_FLOW_SUM_H_

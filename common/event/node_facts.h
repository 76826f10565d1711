// SPDX-License-Identifier: Apache-2.0
// Facts about this node and this run of the agent that alerts are made from. Immutable once made.
#ifndef VAKT_COMMON_EVENT_NODE_FACTS_H_
#define VAKT_COMMON_EVENT_NODE_FACTS_H_

#include <cstdint>
#include <string>

namespace vakt {

struct NodeFacts {
  std::string hostname;
  std::string boot_id;          // UUID with dashes, /proc/sys/kernel/random/boot_id
  int64_t boot_to_wall_ns = 0;  // CLOCK_REALTIME - CLOCK_BOOTTIME, when the agent started
  std::string agent_version;
  std::string kernel_release;
  std::string program_digest;  // SHA-256 of the file that the agent runs, as bytes; not recorded
  uint64_t epoch = 0;          // this run of the agent, see proto Record
  std::string tier = "tracepoint";
};

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_NODE_FACTS_H_

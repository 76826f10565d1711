// SPDX-License-Identifier: Apache-2.0
// Which node, as its certificate says, and what is the matter with it. Values.
#ifndef VAKT_COLLECTOR_STORE_NODE_KEY_H_
#define VAKT_COLLECTOR_STORE_NODE_KEY_H_

#include <cstdint>
#include <string>

namespace vakt {

struct NodeKey {
  std::string cluster;
  std::string node;
};

// A condition that has begun and not ended (fleet/condition_table.h).
struct ConditionRow {
  NodeKey about;
  std::string name;
  int64_t opened_ns = 0;  // wall clock
  std::string detail;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_NODE_KEY_H_

// SPDX-License-Identifier: Apache-2.0
// Which node, as its certificate says. A value.
#ifndef VAKT_COLLECTOR_STORE_NODE_KEY_H_
#define VAKT_COLLECTOR_STORE_NODE_KEY_H_

#include <string>

namespace vakt {

struct NodeKey {
  std::string cluster;
  std::string node;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_NODE_KEY_H_

// SPDX-License-Identifier: Apache-2.0
// What delivery_crasher and the test that kills it agree on.
#ifndef VAKT_TESTS_SUPPORT_DELIVERY_CRASHER_H_
#define VAKT_TESTS_SUPPORT_DELIVERY_CRASHER_H_

#include "agent/spool/position.h"

namespace vakt {

// Written to a pipe in one piece (it is smaller than PIPE_BUF).
struct DeliveryReport {
  Position durable;       // everything up to here is durable on the node
  Position acknowledged;  // and up to here at the collector
};

// Before and after which file operations the crasher can kill itself.
inline constexpr const char* kKillPoints[] = {"create", "append", "sync",          "trim",
                                              "rename", "unlink", "sync_directory"};

}  // namespace vakt

#endif  // VAKT_TESTS_SUPPORT_DELIVERY_CRASHER_H_

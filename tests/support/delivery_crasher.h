// SPDX-License-Identifier: Apache-2.0
// What delivery_crasher tells whoever kills it.
#ifndef VAKT_TESTS_SUPPORT_DELIVERY_CRASHER_H_
#define VAKT_TESTS_SUPPORT_DELIVERY_CRASHER_H_

#include "agent/spool/position.h"

namespace vakt {

// Written to a pipe in one piece (it is smaller than PIPE_BUF): four numbers of 64 bits.
struct DeliveryReport {
  Position durable;       // everything up to here is durable on the node
  Position acknowledged;  // and up to here at the collector
};

}  // namespace vakt

#endif  // VAKT_TESTS_SUPPORT_DELIVERY_CRASHER_H_

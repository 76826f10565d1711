// SPDX-License-Identifier: Apache-2.0
// What spool_crasher and the test that kills it agree on.
#ifndef VAKT_TESTS_SUPPORT_SPOOL_CRASHER_H_
#define VAKT_TESTS_SUPPORT_SPOOL_CRASHER_H_

#include <string>

#include "agent/spool/position.h"

namespace vakt {

// Written to a pipe in one piece (it is smaller than PIPE_BUF). {0, 0}: says nothing.
struct CrasherReport {
  Position durable;       // everything up to here is durable
  Position acknowledged;  // everything up to here may be freed from now on
};

// The bytes of the record at `position`.
inline std::string CrasherBytes(Position position) {
  std::string bytes(position.seq * 37 % 900, static_cast<char>('a' + position.seq % 26));
  return bytes + std::to_string(position.epoch) + "/" + std::to_string(position.seq);
}

}  // namespace vakt

#endif  // VAKT_TESTS_SUPPORT_SPOOL_CRASHER_H_

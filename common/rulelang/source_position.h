// SPDX-License-Identifier: Apache-2.0
// Where something is written in rule files. Threads: value type.
#ifndef VAKT_COMMON_RULELANG_SOURCE_POSITION_H_
#define VAKT_COMMON_RULELANG_SOURCE_POSITION_H_

namespace vakt {

struct SourcePosition {
  int line = 0;  // from 1; 0 when unknown
  int column = 0;
  int file = 0;  // index into the files of one load
};

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_SOURCE_POSITION_H_

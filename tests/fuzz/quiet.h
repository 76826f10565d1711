// SPDX-License-Identifier: Apache-2.0
// Keeps libraries from writing a line for each malformed message. Threads: thread-safe.
#ifndef VAKT_TESTS_FUZZ_QUIET_H_
#define VAKT_TESTS_FUZZ_QUIET_H_

#include <google/protobuf/stubs/logging.h>

namespace vakt {

inline void SilenceLibraries() {
  static const auto previous = google::protobuf::SetLogHandler(nullptr);
  static_cast<void>(previous);
}

}  // namespace vakt

#endif  // VAKT_TESTS_FUZZ_QUIET_H_

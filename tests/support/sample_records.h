// SPDX-License-Identifier: Apache-2.0
// Records as an agent's pipeline would make them, for tests of what stores and carries them.
// Threads: thread-safe.
#ifndef VAKT_TESTS_SUPPORT_SAMPLE_RECORDS_H_
#define VAKT_TESTS_SUPPORT_SAMPLE_RECORDS_H_

#include <cstdint>
#include <string>

#include "vakt/v1/alert.pb.h"

namespace vakt {

inline constexpr char kSampleBootId[] = "7d9e5c1a-3f7b-4e0c-9a53-1b2f6f0d4c11";

struct SamplePosition {
  std::string boot_id = kSampleBootId;
  uint64_t epoch = 1000;
  uint64_t seq = 1;
};

struct SampleAlert {
  std::string rule = "Read sensitive file untrusted";
  v1::Priority priority = v1::PRIORITY_WARNING;
  int64_t event_ns = 1'700'000'000'000'000'000;
  std::string output = "Sensitive file opened (user=alice file=/etc/shadow)";
};

// uid: "<boot id>-<epoch>-<seq>".
v1::Record MakeAlertRecord(const SamplePosition& position, const SampleAlert& alert = {});
v1::Record MakeGapRecord(const SamplePosition& position, uint64_t count,
                         int64_t event_ns = 1'700'000'000'000'000'000);
v1::Record MakeLifecycleRecord(const SamplePosition& position);
// Of /usr/bin/curl in the pod shop/web to 198.51.100.7:443.
v1::Record MakeFlowRecord(const SamplePosition& position,
                          int64_t end_ns = 1'700'000'000'000'000'000);

}  // namespace vakt

#endif  // VAKT_TESTS_SUPPORT_SAMPLE_RECORDS_H_

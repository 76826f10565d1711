// SPDX-License-Identifier: Apache-2.0
// What the kernel itself knows of each loaded program: its size, what it costs, and how often the
// kernel skipped it.
#ifndef VAKT_AGENT_SENSOR_PROGRAM_STATS_H_
#define VAKT_AGENT_SENSOR_PROGRAM_STATS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace vakt {

// struct bpf_prog_info (include/uapi/linux/bpf.h).
struct ProgramStats {
  std::string name;
  uint32_t verified_instructions = 0;  // that the verifier walked; 0 before 5.16
  uint32_t jited_bytes = 0;
  // While somebody measures (MeasurePrograms, or the sysctl kernel.bpf_stats_enabled).
  uint64_t runs = 0;
  uint64_t run_time_ns = 0;
  // Runs that did not happen because the program, or on older kernels any program, already ran on
  // the CPU: events that nobody counted.
  uint64_t skipped = 0;
};

struct LoadedProgram {
  std::string name;
  int fd;
};

// A program that cannot be asked is left out. Thread-safe.
std::vector<ProgramStats> ReadPrograms(absl::Span<const LoadedProgram> programs);

// Has the kernel measure every BPF program of the machine for `duration` (20 to 50 ns per run
// meanwhile) and returns what ran in it. Waits that long. Thread-safe.
absl::StatusOr<std::vector<ProgramStats>> MeasurePrograms(absl::Span<const LoadedProgram> programs,
                                                          absl::Duration duration);

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_PROGRAM_STATS_H_

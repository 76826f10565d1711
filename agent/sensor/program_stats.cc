// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/program_stats.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <cstddef>

#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"

namespace vakt {

std::vector<ProgramStats> ReadPrograms(absl::Span<const LoadedProgram> programs) {
  std::vector<ProgramStats> stats;
  for (const LoadedProgram& program : programs) {
    bpf_prog_info info = {};
    uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(program.fd, &info, &size) != 0) continue;
    stats.push_back({.name = program.name,
                     .verified_instructions = info.verified_insns,
                     .jited_bytes = info.jited_prog_len,
                     .runs = info.run_cnt,
                     .run_time_ns = info.run_time_ns,
                     .skipped = info.recursion_misses});
  }
  return stats;
}

absl::StatusOr<std::vector<ProgramStats>> MeasurePrograms(absl::Span<const LoadedProgram> programs,
                                                          absl::Duration duration) {
  const UniqueFd measuring(bpf_enable_stats(BPF_STATS_RUN_TIME));  // until it is closed
  if (!measuring) return ErrnoStatus(errno, "asking the kernel to measure its BPF programs");
  const std::vector<ProgramStats> before = ReadPrograms(programs);
  absl::SleepFor(duration);
  std::vector<ProgramStats> after = ReadPrograms(programs);
  for (size_t i = 0; i < after.size() && i < before.size(); ++i) {
    if (after[i].name != before[i].name) continue;
    after[i].runs -= before[i].runs;
    after[i].run_time_ns -= before[i].run_time_ns;
    after[i].skipped -= before[i].skipped;
  }
  return after;
}

}  // namespace vakt

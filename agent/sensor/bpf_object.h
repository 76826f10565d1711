// SPDX-License-Identifier: Apache-2.0
// The loaded BPF object: programs, maps and links with owners.
//
// Ownership: RAII over libbpf's pointers. Threads: thread-compatible.
#ifndef VAKT_AGENT_SENSOR_BPF_OBJECT_H_
#define VAKT_AGENT_SENSOR_BPF_OBJECT_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/sensor/kernel_sensor.h"
#include "agent/sensor/prefilter_maps.h"
#include "bpf/wire/wire.h"
#include "common/base/unique_fd.h"

struct vakt_bpf;
struct bpf_link;

namespace vakt {

class BpfObject {
 public:
  // Loads every probe that is wanted and that the kernel takes; fills `reports` (one per row of the
  // probe table) with those that it refuses. Creates the rings: `ring_bytes` over all CPUs and
  // lanes.
  static absl::StatusOr<std::unique_ptr<BpfObject>> Load(const KernelSensorOptions& options,
                                                         std::vector<ProbeReport>* reports);
  ~BpfObject();

  // Attaches what was loaded and is to be attached, and detaches the rest; failures go to
  // `reports`. Returns how many are attached.
  int Attach(std::vector<ProbeReport>* reports);

  std::vector<int> ring_fds() const;
  size_t ring_size() const { return ring_size_; }
  vakt_control* control() const { return control_; }
  PrefilterMaps* prefilter() const { return prefilter_.get(); }
  absl::Span<const vakt_cpu_state> cpus() const { return {cpu_state_, cpu_count_}; }
  // A file whose content are process_seed records, end to end; fails when the iterator is missing.
  absl::StatusOr<UniqueFd> OpenSeeds() const;
  uint64_t MapBytes() const;
  std::vector<LoadedProgram> Programs() const;

 private:
  struct SkeletonDeleter {
    void operator()(vakt_bpf* skeleton) const;
  };
  struct LinkDeleter {
    void operator()(bpf_link* link) const;
  };
  using Skeleton = std::unique_ptr<vakt_bpf, SkeletonDeleter>;
  using Link = std::unique_ptr<bpf_link, LinkDeleter>;

  BpfObject() = default;
  absl::Status TryLoad(const std::vector<ProbeReport>& reports);
  absl::Status FillRings(size_t ring_bytes);
  absl::Status MapControl();
  absl::StatusOr<Link> AttachProbe(const ProbeRow& row);

  Skeleton skeleton_;
  std::vector<Link> links_;  // by row of the probe table; null: not attached
  std::vector<UniqueFd> perf_events_;
  std::vector<UniqueFd> rings_;
  UniqueFd cgroup_root_;
  size_t ring_size_ = 0;
  size_t cpu_count_ = 0;
  vakt_control* control_ = nullptr;            // mapped
  const vakt_cpu_state* cpu_state_ = nullptr;  // mapped
  std::unique_ptr<PrefilterMaps> prefilter_;   // uses the control block
};

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_BPF_OBJECT_H_

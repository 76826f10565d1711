// SPDX-License-Identifier: Apache-2.0
// The prefilter's maps, written while probes read them (bpf/lib/prefilter.h).
//
// Tables are installed into the element that is not in use and then named by their version; a probe
// whose tables are overwritten meanwhile notices and sends its event. Masks are found by the
// fingerprint of a process's state, so they are never wrong, only missing.
//
// Ownership: owns its mappings, not the map descriptors. Threads: one thread.
#ifndef VAKT_AGENT_SENSOR_PREFILTER_MAPS_H_
#define VAKT_AGENT_SENSOR_PREFILTER_MAPS_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "bpf/wire/prefilter.h"

namespace vakt {

class PrefilterMaps {
 public:
  // `control` outlives the object.
  static absl::StatusOr<std::unique_ptr<PrefilterMaps>> Map(int prefilters_fd, int masks_fd,
                                                            vakt_control* control);
  ~PrefilterMaps();
  PrefilterMaps(const PrefilterMaps&) = delete;
  PrefilterMaps& operator=(const PrefilterMaps&) = delete;

  // From now on these tables decide. All that was told and all masks are void.
  absl::Status Install(const vakt_prefilter& tables);
  // From now on everything is sent.
  void Disable();

  bool HasMasks(uint64_t fingerprint) const;
  // `masks` has VAKT_MASKED_KINDS elements. May displace another process's.
  void SetMasks(uint64_t fingerprint, absl::Span<const uint64_t> masks);

 private:
  PrefilterMaps(int prefilters_fd, vakt_control* control)
      : prefilters_fd_(prefilters_fd), control_(control) {}

  const int prefilters_fd_;
  vakt_control* const control_;
  vakt_process_masks* masks_ = nullptr;  // mapped
  uint64_t version_ = 0;
  uint32_t next_way_ = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_PREFILTER_MAPS_H_

// SPDX-License-Identifier: Apache-2.0
#include "agent/app/prefilter_feed.h"

#include <utility>

#include "common/base/status.h"

namespace vakt {

absl::StatusOr<std::unique_ptr<Prefilter>> PrefilterFeed::Install(
    std::unique_ptr<Prefilter> prefilter) {
  VAKT_RETURN_IF_ERROR(sensor_->InstallPrefilter(prefilter->tables()));
  return std::exchange(prefilter_, std::move(prefilter));
}

// Of a process whose program is not the one that the event comes from (its exec is still on its
// way, or was lost) nothing can be said.
void PrefilterFeed::OnEvaluated(const Event& event) {
  const uint64_t fingerprint = event.task.fingerprint;
  if (fingerprint == 0 || prefilter_ == nullptr || !prefilter_->wants_masks()) return;
  if (event.process->exec_id != event.task.exec_id || event.kind == Kind::process_exit) return;
  if (sensor_->HasProcessMasks(fingerprint)) return;
  ProcessMasks masks;
  prefilter_->MasksOf(event, &masks);
  sensor_->SetProcessMasks(fingerprint, masks);
}

}  // namespace vakt

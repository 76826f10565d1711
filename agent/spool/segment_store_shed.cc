// SPDX-License-Identifier: Apache-2.0
// The part of SegmentStore that makes room: what is given up, in which order, and the file that is
// kept in reserve so that it can be written down on a full disk.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/spool/segment_rewriter.h"
#include "agent/spool/segment_store.h"
#include "common/base/log.h"
#include "common/base/status.h"

namespace vakt {
namespace {

std::string ReservePath(const std::string& dir) { return dir + "/reserve"; }

}  // namespace

void SegmentStore::MakeRoom(uint64_t bytes) {
  while (stats().bytes + bytes > options_.max_bytes && ShedOnce(LossReason::kQuota)) continue;
}

bool SegmentStore::ShedOnce(LossReason reason) {
  RewriteOrder order;
  order.inputs = ChooseVictims(&order.shed_rank);
  if (order.inputs.empty()) return false;
  order.acknowledged = acknowledged();
  order.reason = reason;
  order.epoch = epoch_;
  absl::StatusOr<Rewritten> rewritten = absl::UnknownError("");
  do {  // on a full disk: again, with what was kept in reserve
    // What the new file leaves out as acknowledged must not be missed.
    const absl::Status status = PersistState(/*closed=*/false);
    rewritten = status.ok() ? RewriteSegments(file_system_, options_.dir, order, options_.codec)
                            : absl::StatusOr<Rewritten>(status);
  } while (absl::IsResourceExhausted(rewritten.status()) && ReleaseReserve());
  if (!rewritten.ok()) {
    LogWarning(absl::StrCat("spool: cannot make room: ", rewritten.status().ToString()));
    return false;
  }
  if (rewritten->shed > 0 && LogEvery("spool_shed", absl::Minutes(1))) {
    LogWarning(absl::StrCat("spool: no room left (", std::string(LossReasonName(reason)),
                            "): ", rewritten->shed, " records given up, the least severe first"));
  }
  {
    std::lock_guard lock(mutex_);
    stats_.shed += rewritten->shed;
  }
  Replace(order.inputs, std::move(rewritten->segment));
  DeleteFreed();
  TakeReserve();
  return true;
}

// The oldest segment with records of the least severe kind there is, with those before it that have
// become small. Without records left to give up: all segments, so that their tombstones merge.
std::vector<Segment> SegmentStore::ChooseVictims(std::optional<size_t>* rank) const {
  std::lock_guard lock(mutex_);
  for (size_t r = 0; r < kShedRanks; ++r) {
    const auto victim = std::find_if(segments_.begin(), segments_.end(),
                                     [r](const Segment& s) { return s.bytes_of_rank[r] > 0; });
    if (victim == segments_.end()) continue;
    *rank = r;
    auto first = victim;
    uint64_t bytes = victim->end_bytes - std::min(victim->end_bytes, victim->bytes_of_rank[r]);
    while (first != segments_.begin() &&
           bytes + std::prev(first)->end_bytes <= options_.segment_bytes) {
      bytes += (--first)->end_bytes;
    }
    return {first, std::next(victim)};
  }
  return segments_.size() > 1 ? segments_ : std::vector<Segment>{};
}

// The uplink may have freed some of `old` meanwhile.
void SegmentStore::Replace(const std::vector<Segment>& old, Segment by) {
  std::lock_guard lock(mutex_);
  const auto is_old = [&old](const Segment& segment) {
    return std::any_of(old.begin(), old.end(),
                       [&segment](const Segment& o) { return o.name == segment.name; });
  };
  const auto first = std::find_if(segments_.begin(), segments_.end(), is_old);
  const bool newest = !segments_.empty() && is_old(segments_.back());
  if (by.index.empty() && newest) return;  // all acknowledged: the newest stays as it is
  for (auto segment = first; segment != segments_.end() && is_old(*segment); ++segment) {
    freed_.push_back(segment->name);
  }
  const auto place = segments_.erase(first, std::find_if_not(first, segments_.end(), is_old));
  if (by.index.empty()) return;
  if (by.end.position <= acknowledged_ && !newest) {
    freed_.push_back(by.name);
  } else {
    segments_.insert(place, std::move(by));
  }
}

void SegmentStore::TakeReserve() {
  if (has_reserve_) return;
  const auto file = file_system_.Create(ReservePath(options_.dir), options_.segment_bytes);
  // On a disk that is full it is taken when there is room again.
  const bool taken = file.ok() || absl::IsAlreadyExists(file.status());
  std::lock_guard lock(mutex_);
  has_reserve_ = taken;
}

bool SegmentStore::ReleaseReserve() {
  if (!has_reserve_) return false;
  const absl::Status status = file_system_.Unlink(ReservePath(options_.dir));
  std::lock_guard lock(mutex_);
  has_reserve_ = false;
  return status.ok();
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/dealt_queue.h"

#include <utility>

namespace vakt {

void DealtQueue::Extent::Settle(const Settled& settled) {
  if (given == kOpen && seen <= settled.decided) given = settled.given;
}

void DealtQueue::Settle(const Settled& settled) {
  settled_ = settled;
  for (Entry& entry : entries_) entry.extent.Settle(settled);
  given_up_.Settle(settled);
  if (given_up_.given <= settled.written) given_up_ = {};
}

void DealtQueue::Add(Dealt dealt) {
  const bool is_open = settled_.decided < settled_.seen;
  Entry entry = {{settled_.seen, is_open ? kOpen : settled_.given}, std::move(dealt)};
  if (!entries_.empty()) {
    const Extent& last = entries_.back().extent;
    const bool is_same =
        last.given == entry.extent.given && (!is_open || last.seen == entry.extent.seen);
    if (is_same) return Join(&entries_.back(), std::move(entry));
  }
  if (entries_.size() == kMost) Thin();
  entries_.push_back(std::move(entry));
}

void DealtQueue::Join(Entry* entry, Entry later) {
  if (later.dealt.told.empty()) later.dealt.told = std::move(entry->dealt.told);
  *entry = std::move(later);
}

void DealtQueue::Thin() {
  std::deque<Entry> kept;
  for (size_t i = 0; i + 1 < entries_.size(); i += 2) {
    Join(&entries_[i], std::move(entries_[i + 1]));
    kept.push_back(std::move(entries_[i]));
  }
  entries_ = std::move(kept);
}

bool DealtQueue::Take(Dealt* dealt) {
  if (entries_.empty() || entries_.front().extent.given > settled_.written) return false;
  return TakeAnyway(dealt);
}

bool DealtQueue::TakeAnyway(Dealt* dealt) {
  if (entries_.empty()) return false;
  if (entries_.front().extent.given > settled_.written) given_up_ = entries_.front().extent;
  *dealt = std::move(entries_.front().dealt);
  entries_.pop_front();
  return true;
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/dealt_queue.h"

#include <utility>

namespace vakt {

void DealtQueue::Settle(const Settled& settled) {
  settled_ = settled;
  for (Entry& entry : entries_) {
    if (entry.seen > settled.decided) return;
    if (entry.given == kOpen) entry.given = settled.given;
  }
}

void DealtQueue::Add(Dealt dealt) {
  const bool is_open = settled_.decided < settled_.seen;
  Entry entry = {settled_.seen, is_open ? kOpen : settled_.given, std::move(dealt)};
  if (!entries_.empty() && entries_.back().given == entry.given &&
      (!is_open || entries_.back().seen == entry.seen)) {
    return Join(&entries_.back(), std::move(entry));
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
  if (entries_.empty() || entries_.front().given > settled_.written) return false;
  return TakeAnyway(dealt);
}

bool DealtQueue::TakeAnyway(Dealt* dealt) {
  if (entries_.empty()) return false;
  *dealt = std::move(entries_.front().dealt);
  entries_.pop_front();
  return true;
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
// What waits for a commit, in one line per flow: a node, or all that is no node's. The lines take
// turns, so that one who has much to write makes its own line longer and no other's. A group is the
// smaller the fewer wait: what comes next waits for it.
//
// Items have `flow` and `bytes`. Those of a flow leave in the order in which they came.
// Threads: thread-compatible.
#ifndef VAKT_COLLECTOR_STORE_FAIR_QUEUE_H_
#define VAKT_COLLECTOR_STORE_FAIR_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace vakt {

struct GroupLimits {
  size_t turn_bytes = 0;  // of a line, in a turn
  size_t min_bytes = 0;   // turns go on until then,
  size_t max_bytes = 0;   // and never longer
  size_t max_items = 0;
};

template <typename Item>
class FairQueue {
 public:
  bool empty() const { return turns_.empty(); }

  void Push(Item item) {
    std::deque<Item>& line = lines_[item.flow];
    if (line.empty()) turns_.push_back(item.flow);
    line.push_back(std::move(item));
  }

  // At least one, if there is any; the bounds may be passed by one item.
  std::vector<Item> Take(const GroupLimits& limits) {
    const size_t bound =
        std::clamp(turns_.size() * limits.turn_bytes, limits.min_bytes, limits.max_bytes);
    std::vector<Item> group;
    size_t bytes = 0;
    while (!turns_.empty() && bytes < bound && group.size() < limits.max_items) {
      const uint64_t flow = turns_.front();
      turns_.pop_front();
      std::deque<Item>& line = lines_[flow];
      const size_t end = std::min(bytes + limits.turn_bytes, bound);
      do {
        bytes += line.front().bytes;
        group.push_back(std::move(line.front()));
        line.pop_front();
      } while (!line.empty() && bytes < end && group.size() < limits.max_items);
      if (line.empty()) {
        lines_.erase(flow);
      } else {
        turns_.push_back(flow);
      }
    }
    return group;
  }

 private:
  absl::flat_hash_map<uint64_t, std::deque<Item>> lines_;  // none is empty
  std::deque<uint64_t> turns_;                             // each line once
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_FAIR_QUEUE_H_

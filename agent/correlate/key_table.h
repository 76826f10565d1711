// SPDX-License-Identifier: Apache-2.0
// State by key, for the keys that were used last: a full table gives up the one unused longest.
//
// Ownership: owns keys and states; an entry stays where it is until it is removed.
// Threads: pipeline thread only. Allocates for new keys alone.
#ifndef VAKT_AGENT_CORRELATE_KEY_TABLE_H_
#define VAKT_AGENT_CORRELATE_KEY_TABLE_H_

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/base/strings.h"

namespace vakt {

template <typename State>
class KeyTable {
 public:
  struct Entry {
    std::string key;
    State state;
  };

  size_t size() const { return index_.size(); }

  // The entry of the key; a new one has a default state. `gone` is called with an entry that is
  // given up so that there are at most `limit`.
  template <typename Gone>
  Entry& Use(std::string_view key, size_t limit, Gone gone) {
    const auto found = index_.find(ToAbsl(key));
    if (found != index_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return order_.front();
    }
    if (!order_.empty() && order_.size() >= limit) {
      gone(order_.back());
      index_.erase(ToAbsl(order_.back().key));
      order_.splice(order_.begin(), order_, std::prev(order_.end()));
      order_.front().key.assign(key);
      order_.front().state = State();
    } else {
      order_.push_front({std::string(key), State()});
    }
    index_.emplace(ToAbsl(order_.front().key), order_.begin());
    return order_.front();
  }

  template <typename Visit>
  void ForEach(Visit visit) {
    for (Entry& entry : order_) visit(entry);
  }

 private:
  std::list<Entry> order_;  // the one used last is first
  absl::flat_hash_map<absl::string_view, typename std::list<Entry>::iterator> index_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_CORRELATE_KEY_TABLE_H_

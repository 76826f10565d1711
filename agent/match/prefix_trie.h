// SPDX-License-Identifier: Apache-2.0
// Which of many texts a value begins with, found in one walk over the value's first bytes.
//
// Ownership: owns its nodes. Threads: thread-compatible; lookups allocate nothing.
#ifndef VAKT_AGENT_MATCH_PREFIX_TRIE_H_
#define VAKT_AGENT_MATCH_PREFIX_TRIE_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace vakt {

class PrefixTrie {
 public:
  using Id = uint32_t;

  void Add(std::string_view prefix, Id id) {
    uint64_t node = 0;
    for (const char c : prefix) {
      node = edges_.try_emplace(Edge(node, c), ids_.size()).first->second;
      if (node == ids_.size()) ids_.emplace_back();
    }
    if (ids_[node].empty()) ++prefixes_;
    ids_[node].push_back(id);
  }

  // How many different prefixes it holds.
  size_t size() const { return prefixes_; }

  // Calls visit(id) for each id whose prefix `text` begins with.
  template <typename Visit>
  void ForEachPrefixOf(std::string_view text, Visit visit) const {
    uint64_t node = 0;
    for (size_t i = 0;; ++i) {
      for (const Id id : ids_[node]) visit(id);
      if (i == text.size()) return;
      const auto next = edges_.find(Edge(node, text[i]));
      if (next == edges_.end()) return;
      node = next->second;
    }
  }

 private:
  static uint64_t Edge(uint64_t node, char c) { return node << 8 | static_cast<unsigned char>(c); }

  absl::flat_hash_map<uint64_t, uint64_t> edges_;
  std::vector<std::vector<Id>> ids_ = {{}};  // per node; node 0 is the root
  size_t prefixes_ = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_PREFIX_TRIE_H_

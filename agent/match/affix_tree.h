// SPDX-License-Identifier: Apache-2.0
// Which of many texts a text begins with, found in one walk down a radix tree.
//
// Nodes lie in one array, siblings next to each other; the first bytes of all labels lie in
// another, so that finding a child is one memchr.
//
//   PrefixTree tree;
//   tree.Add("/etc/", 1);  tree.Add("/etc/ssh/", 2);
//   tree.Freeze();
//   tree.Find("/etc/ssh/x", &ids);  // appends 1, 2
//
// Ownership: owns its texts. Threads: immutable after Freeze, so it may be shared.
#ifndef VAKT_AGENT_MATCH_AFFIX_TREE_H_
#define VAKT_AGENT_MATCH_AFFIX_TREE_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vakt {

enum class ReadFrom : bool { kBegin, kEnd };

template <ReadFrom from>
class AffixTree {
 public:
  using Id = uint32_t;

  // Each text at most once, all before Freeze.
  void Add(std::string_view text, Id id);
  void Freeze();

  bool empty() const { return nodes_.empty(); }
  // Appends the ids of all texts that `text` begins (ends) with, shortest first. After Freeze.
  void Find(std::string_view text, std::vector<Id>* ids) const;
  // The same for the path's PathKey (term.h), which is not made: it is read as it would be.
  void FindPath(std::string_view path, std::vector<Id>* ids) const
      requires(from == ReadFrom::kBegin);

 private:
  static constexpr Id kNoId = std::numeric_limits<Id>::max();
  using Text = std::pair<std::string, Id>;

  struct Node {
    uint32_t label = 0;  // into labels_: what follows the first byte on the edge to this node
    uint32_t label_size = 0;
    uint32_t first_child = 0;
    uint32_t children = 0;
    Id id = kNoId;
  };
  // A node that is to be filled from texts that share `depth` bytes.
  struct Task {
    uint32_t node;
    size_t begin;
    size_t end;
    size_t depth;
  };

  void Fill(const Task& task, std::vector<Task>* tasks);
  template <typename Reader>
  void Walk(Reader reader, std::vector<Id>* ids) const;
  const Node* ChildOf(const Node& node, char first) const;

  std::vector<Text> texts_;  // as they are read; until Freeze
  std::vector<Node> nodes_;  // nodes_[0] is the root
  std::string first_bytes_;  // of the edge to each node
  std::string labels_;
};

using PrefixTree = AffixTree<ReadFrom::kBegin>;
using SuffixTree = AffixTree<ReadFrom::kEnd>;

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_AFFIX_TREE_H_

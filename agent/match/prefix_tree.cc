// SPDX-License-Identifier: Apache-2.0
#include "agent/match/prefix_tree.h"

#include <algorithm>
#include <cstring>

namespace vakt {
namespace {

// How many bytes from `depth` on two texts have in common.
size_t CommonBytes(std::string_view a, std::string_view b, size_t depth) {
  const auto [at, unused] = std::mismatch(a.begin() + static_cast<ptrdiff_t>(depth), a.end(),
                                          b.begin() + static_cast<ptrdiff_t>(depth), b.end());
  return static_cast<size_t>(at - a.begin()) - depth;
}

}  // namespace

void PrefixTree::Freeze() {
  if (texts_.empty()) return;
  std::sort(texts_.begin(), texts_.end());
  for (const auto& [text, id] : texts_) longest_ = std::max(longest_, text.size());
  nodes_.emplace_back();
  first_bytes_.push_back('\0');
  std::vector<Task> tasks = {{0, 0, texts_.size(), 0}};
  while (!tasks.empty()) {
    const Task task = tasks.back();
    tasks.pop_back();
    Fill(task, &tasks);
  }
  nodes_.shrink_to_fit();
  labels_.shrink_to_fit();
  std::vector<Text>().swap(texts_);
}

// The texts are sorted: one that ends here comes first, and those with the same next byte lie
// together.
void PrefixTree::Fill(const Task& task, std::vector<Task>* tasks) {
  size_t begin = task.begin;
  if (texts_[begin].first.size() == task.depth) nodes_[task.node].id = texts_[begin++].second;
  nodes_[task.node].first_child = static_cast<uint32_t>(nodes_.size());
  while (begin < task.end) {
    const std::string& text = texts_[begin].first;
    const char first = text[task.depth];
    size_t end = begin + 1;
    while (end < task.end && texts_[end].first[task.depth] == first) ++end;
    const size_t common = CommonBytes(text, texts_[end - 1].first, task.depth);
    tasks->push_back({static_cast<uint32_t>(nodes_.size()), begin, end, task.depth + common});
    Node& child = nodes_.emplace_back();
    child.label = static_cast<uint32_t>(labels_.size());
    child.label_size = static_cast<uint32_t>(common - 1);
    labels_.append(text, task.depth + 1, common - 1);
    first_bytes_.push_back(first);
    ++nodes_[task.node].children;
    begin = end;
  }
}

void PrefixTree::FindPrefixesOf(std::string_view text, std::vector<Id>* ids) const {
  const Node* node = nodes_.data();
  for (;;) {
    if (node->id != kNoId) ids->push_back(node->id);
    if (text.empty() || node->children == 0) return;
    const char* siblings = first_bytes_.data() + node->first_child;
    const void* found = std::memchr(siblings, text.front(), node->children);
    if (found == nullptr) return;
    node = &nodes_[static_cast<size_t>(static_cast<const char*>(found) - first_bytes_.data())];
    text.remove_prefix(1);
    if (text.size() < node->label_size ||
        std::memcmp(text.data(), labels_.data() + node->label, node->label_size) != 0) {
      return;
    }
    text.remove_prefix(node->label_size);
  }
}

}  // namespace vakt

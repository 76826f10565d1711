// SPDX-License-Identifier: Apache-2.0
#include "agent/match/affix_tree.h"

#include <algorithm>
#include <cstring>

namespace vakt {
namespace {

// So many bytes are compared faster than memchr is called.
constexpr uint32_t kFew = 16;

// How many bytes from `depth` on two texts have in common.
size_t CommonBytes(std::string_view a, std::string_view b, size_t depth) {
  const auto [at, unused] = std::mismatch(a.begin() + static_cast<ptrdiff_t>(depth), a.end(),
                                          b.begin() + static_cast<ptrdiff_t>(depth), b.end());
  return static_cast<size_t>(at - a.begin()) - depth;
}

// What a walk reads, byte by byte: each says whether there is one more.
struct Forward {
  bool Next(char* byte) {
    if (at == end) return false;
    *byte = *at++;
    return true;
  }
  const char* at;
  const char* end;
};

struct Backward {
  bool Next(char* byte) {
    if (begin == at) return false;
    *byte = *--at;
    return true;
  }
  const char* begin;
  const char* at;
};

// A path with one slash before, between and behind its components.
struct PathForward {
  bool Next(char* byte) {
    if (behind_slash) {
      while (at != end && *at == '/') ++at;
      if (at == end) return false;
    }
    behind_slash = !begun || at == end || *at == '/';
    *byte = behind_slash ? '/' : *at++;
    begun = true;
    return true;
  }
  const char* at;
  const char* end;
  bool begun = false;
  bool behind_slash = false;
};

}  // namespace

template <ReadFrom from>
void AffixTree<from>::Add(std::string_view text, Id id) {
  if constexpr (from == ReadFrom::kBegin) {
    texts_.emplace_back(text, id);
  } else {
    texts_.emplace_back(std::string(text.rbegin(), text.rend()), id);
  }
}

template <ReadFrom from>
void AffixTree<from>::Freeze() {
  if (texts_.empty()) return;
  std::sort(texts_.begin(), texts_.end());
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
template <ReadFrom from>
void AffixTree<from>::Fill(const Task& task, std::vector<Task>* tasks) {
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

template <ReadFrom from>
auto AffixTree<from>::ChildOf(const Node& node, char first) const -> const Node* {
  const char* const begin = first_bytes_.data() + node.first_child;
  if (node.children > kFew) {
    const void* found = std::memchr(begin, first, node.children);
    if (found == nullptr) return nullptr;
    return &nodes_[static_cast<size_t>(static_cast<const char*>(found) - first_bytes_.data())];
  }
  for (uint32_t i = 0; i < node.children; ++i) {
    if (begin[i] == first) return &nodes_[node.first_child + i];
  }
  return nullptr;
}

// Only as much of the text is read as some edge agrees with: mostly a few bytes.
template <ReadFrom from>
template <typename Reader>
void AffixTree<from>::Walk(Reader reader, std::vector<Id>* ids) const {
  const Node* node = nodes_.data();
  for (;;) {
    if (node->id != kNoId) ids->push_back(node->id);
    char byte;
    if (!reader.Next(&byte)) return;
    node = ChildOf(*node, byte);
    if (node == nullptr) return;
    const char* label = labels_.data() + node->label;
    for (uint32_t i = 0; i < node->label_size; ++i) {
      if (!reader.Next(&byte) || byte != label[i]) return;
    }
  }
}

template <ReadFrom from>
void AffixTree<from>::Find(std::string_view text, std::vector<Id>* ids) const {
  if constexpr (from == ReadFrom::kBegin) {
    Walk(Forward{text.data(), text.data() + text.size()}, ids);
  } else {
    Walk(Backward{text.data(), text.data() + text.size()}, ids);
  }
}

template <ReadFrom from>
void AffixTree<from>::FindPath(std::string_view path, std::vector<Id>* ids) const
    requires(from == ReadFrom::kBegin) {
  Walk(PathForward{path.data(), path.data() + path.size()}, ids);
}

template class AffixTree<ReadFrom::kBegin>;
template class AffixTree<ReadFrom::kEnd>;

}  // namespace vakt

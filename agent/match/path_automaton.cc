// SPDX-License-Identifier: Apache-2.0
#include "agent/match/path_automaton.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <string>

namespace vakt {
namespace {

constexpr uint8_t kBegin = 2;  // stands before the last byte, on this side only: see start
constexpr uint8_t kFirstByte = 3;
constexpr size_t kStates = VAKT_PATH_STATES;
constexpr size_t kSymbols = VAKT_PATH_SYMBOLS;

// Tried in turn until the states suffice.
constexpr size_t kPatternLimits[] = {4096, 96, 48, 32, 24, 16, 12, 8};

// Still occurs wherever the whole pattern occurs.
PathPattern Shortened(PathPattern pattern, size_t limit) {
  if (pattern.text.size() <= limit) return pattern;
  if (pattern.at_end) {
    pattern.text.erase(0, pattern.text.size() - limit);
    pattern.at_begin = false;
  } else {
    pattern.text.resize(limit);
  }
  return pattern;
}

// A symbol for each byte, the frequent ones first; what does not fit shares the last one.
void AssignSymbols(absl::Span<const ClassedPattern> patterns, uint8_t (&symbols)[256]) {
  std::array<size_t, 256> uses{};
  for (const ClassedPattern& p : patterns) {
    for (const char c : p.pattern.text) ++uses[static_cast<uint8_t>(c)];
  }
  std::array<uint8_t, 256> order;
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint8_t>(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint8_t a, uint8_t b) { return uses[a] > uses[b]; });
  size_t next = kFirstByte;
  for (const uint8_t byte : order) {
    if (uses[byte] == 0) break;
    symbols[byte] = static_cast<uint8_t>(std::min(next++, kSymbols - 1));
  }
}

class Trie {
 public:
  explicit Trie(vakt_path_automaton* out) : out_(*out) {}

  bool Add(const PathPattern& pattern, uint64_t classes) {
    size_t node = 0;
    if (pattern.at_end && !Step(kBegin, &node)) return false;
    for (auto c = pattern.text.rbegin(); c != pattern.text.rend(); ++c) {
      if (!Step(out_.symbols[static_cast<uint8_t>(*c)], &node)) return false;
    }
    if (pattern.at_begin && !Step(VAKT_SYMBOL_END, &node)) return false;
    out_.hits[node] |= classes;
    return true;
  }

  // Completes the transitions: where the trie has none, on from the longest suffix that it has.
  // Then marks those that lead to a hit.
  void Finish() {
    std::vector<uint16_t> suffix(size_, 0);
    std::deque<uint16_t> queue;
    for (size_t symbol = 0; symbol < kSymbols; ++symbol) {
      if (At(0, symbol) != 0) queue.push_back(At(0, symbol));
    }
    for (; !queue.empty(); queue.pop_front()) {
      const uint16_t node = queue.front();
      out_.hits[node] |= out_.hits[suffix[node]];
      for (size_t symbol = 0; symbol < kSymbols; ++symbol) {
        uint16_t& to = At(node, symbol);
        const uint16_t other = At(suffix[node], symbol);
        if (to == 0) {
          to = other;
        } else {
          suffix[to] = other;
          queue.push_back(to);
        }
      }
    }
    out_.start = At(0, kBegin);
    for (size_t i = 0; i < size_ * kSymbols; ++i) {
      if (out_.hits[out_.next[i]] != 0) out_.next[i] |= VAKT_PATH_HIT;
    }
  }

 private:
  uint16_t& At(size_t node, size_t symbol) { return out_.next[node * kSymbols + symbol]; }

  bool Step(uint8_t symbol, size_t* node) {
    uint16_t& to = At(*node, symbol);
    if (to == 0) {
      if (size_ == kStates) return false;
      to = static_cast<uint16_t>(size_++);
    }
    *node = to;
    return true;
  }

  vakt_path_automaton& out_;
  size_t size_ = 1;  // node 0 is the root
};

bool TryBuild(absl::Span<const ClassedPattern> patterns, size_t limit, vakt_path_automaton* out) {
  *out = {};
  AssignSymbols(patterns, out->symbols);
  Trie trie(out);
  for (const ClassedPattern& p : patterns) {
    if (!trie.Add(Shortened(p.pattern, limit), p.classes)) return false;
  }
  trie.Finish();
  return true;
}

}  // namespace

bool BuildPathAutomaton(absl::Span<const ClassedPattern> patterns, vakt_path_automaton* out) {
  for (const size_t limit : kPatternLimits) {
    if (TryBuild(patterns, limit, out)) return true;
  }
  *out = {};
  return false;
}

uint64_t RunPathAutomaton(const vakt_path_automaton& automaton, std::string_view path) {
  __u64 hits = 0;
  uint32_t state = automaton.start;
  for (auto c = path.rbegin(); c != path.rend(); ++c) {
    state = vakt_path_byte(&automaton, state, static_cast<uint8_t>(*c), &hits);
  }
  vakt_path_next(&automaton, state, VAKT_SYMBOL_END, &hits);
  return hits;
}

}  // namespace vakt

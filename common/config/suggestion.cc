// SPDX-License-Identifier: Apache-2.0
#include "common/config/suggestion.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "common/base/strings.h"

namespace vakt {
namespace {

// Levenshtein's distance: insertions, deletions and replacements from `a` to `b`.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string DidYouMean(std::string_view name, absl::Span<const std::string_view> known) {
  constexpr size_t kLongest = 128;  // beyond it nothing is near, and the distance is quadratic
  if (name.size() > kLongest) return "";
  std::string_view nearest;
  size_t least = std::max<size_t>(2, name.size() / 3) + 1;
  for (std::string_view candidate : known) {
    const size_t distance = Distance(name, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest.empty() ? "" : StrCat(" (did you mean '", nearest, "'?)");
}

}  // namespace vakt

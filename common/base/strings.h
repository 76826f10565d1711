// SPDX-License-Identifier: Apache-2.0
// Joining strings, and hash tables keyed by them. The distribution builds abseil with a string_view
// type of its own, so absl::StrCat and abseil's default string hash refuse std::string_view: the
// ones here take it. Threads: thread-safe.
#ifndef VAKT_COMMON_BASE_STRINGS_H_
#define VAKT_COMMON_BASE_STRINGS_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace vakt {

inline absl::string_view ToAbsl(std::string_view view) { return {view.data(), view.size()}; }
inline std::string_view ToStd(absl::string_view view) { return {view.data(), view.size()}; }

// What absl::StrCat takes, and std::string_view: text, numbers, absl::Hex(...).
template <typename... Parts>
std::string StrCat(const Parts&... parts) {
  std::string out;
  [[maybe_unused]] const auto append = [&out](const auto& part) {
    using Part = std::decay_t<decltype(part)>;
    if constexpr (std::is_convertible_v<const Part&, std::string_view>) {
      out.append(std::string_view(part));
    } else {
      absl::StrAppend(&out, part);
    }
  };
  (append(parts), ...);
  return out;
}

// Lets tables keyed by std::string be asked with a std::string_view.
struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
template <typename Value>
using StringMap = absl::flat_hash_map<std::string, Value, StringHash, std::equal_to<>>;
using StringSet = absl::flat_hash_set<std::string, StringHash, std::equal_to<>>;

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_STRINGS_H_

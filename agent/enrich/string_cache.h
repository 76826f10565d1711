// SPDX-License-Identifier: Apache-2.0
// A small memory of strings seen lately, so that the many processes of one program share what they
// have in common without having one parent. A miss costs a copy, never a wrong string.
//
// Ownership: keeps at most 2 x 1024 strings alive. Threads: thread-compatible.
#ifndef VAKT_AGENT_ENRICH_STRING_CACHE_H_
#define VAKT_AGENT_ENRICH_STRING_CACHE_H_

#include <array>
#include <cstddef>
#include <functional>
#include <string_view>
#include <utility>

#include "common/base/shared_string.h"

namespace vakt {

class StringCache {
 public:
  SharedString Share(std::string_view text) {
    SharedString& slot = strings_[SlotOf(text)];
    if (!(slot == text)) slot = text;
    return slot;
  }

  StringList ShareList(std::string_view nul_separated) {
    StringList list = StringList::FromNulSeparated(nul_separated);
    StringList& slot = lists_[SlotOf(nul_separated)];
    if (!(slot == list)) slot = std::move(list);
    return slot;
  }

 private:
  static constexpr size_t kSlots = 1024;
  static size_t SlotOf(std::string_view text) {
    return std::hash<std::string_view>()(text) % kSlots;
  }

  std::array<SharedString, kSlots> strings_;
  std::array<StringList, kSlots> lists_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_ENRICH_STRING_CACHE_H_

// SPDX-License-Identifier: Apache-2.0
// The values of some fields of an event as one text: by it state is kept, and from it the values
// are told again when the event is gone.
//
// Threads: thread-compatible functions.
#ifndef VAKT_AGENT_CORRELATE_EVENT_KEY_H_
#define VAKT_AGENT_CORRELATE_EVENT_KEY_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/event/event.h"
#include "common/event/field_table.h"
#include "common/rulelang/operand.h"

namespace vakt {

// Longer values are cut, and followed by a hash of the whole.
inline constexpr size_t kMaxKeyValueBytes = 128;

// Sets *key. Null is a value of its own.
void MakeEventKey(const std::vector<Operand>& by, const Event& event, Extractor& scratch,
                  std::string* key);

// The values that the key was made of, in the order of `by`; nullopt for null.
std::vector<std::optional<std::string>> ValuesOfKey(std::string_view key);

}  // namespace vakt

#endif  // VAKT_AGENT_CORRELATE_EVENT_KEY_H_

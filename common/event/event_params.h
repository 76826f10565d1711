// SPDX-License-Identifier: Apache-2.0
// Parameters of system calls: what evt.arg, evt.rawarg and evt.args show. Names, order and
// rendering per event type are Falco's.
//
// Threads: pure functions over constant tables; the Extractor belongs to the caller.
#ifndef VAKT_COMMON_EVENT_EVENT_PARAMS_H_
#define VAKT_COMMON_EVENT_EVENT_PARAMS_H_

#include <string_view>

#include "absl/types/span.h"
#include "common/event/event.h"
#include "common/event/field_table.h"

namespace vakt {

// One parameter of one event. Strings point into the event, its process, or the Extractor.
struct ParamValue {
  Value raw;                  // null: not known for this event
  std::string_view text;      // the raw value in print: "-2", "0644"
  std::string_view resolved;  // its meaning, when it has one: "ENOENT"; else empty

  std::string_view readable() const { return resolved.empty() ? text : resolved; }
};

struct ParamRow {
  std::string_view name;  // "flags"
  ParamValue (*get)(const Event& event, Extractor& out);
};

// The parameters of this event's type, in Falco's order; empty when the type has none.
absl::Span<const ParamRow> EventParams(const Event& event);

// Whether some event type, of ours or not yet, has a parameter of this name: what may follow
// "evt.arg." in a rule.
bool IsEventParam(std::string_view name);

// What evt.rawarg yields for a parameter of this name: a text, or a number.
FieldType RawParamType(std::string_view name);

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_EVENT_PARAMS_H_

// SPDX-License-Identifier: Apache-2.0
// Parameters behind the tables of event_params.cc; nobody else includes this.
//
// One file per family: params_process.cc, params_call.cc, params_file.cc and
// params_network.cc, each with its
// parameters, their rows per event type, and a table of those.
#ifndef VAKT_COMMON_EVENT_PARAMS_H_
#define VAKT_COMMON_EVENT_PARAMS_H_

#include <cstdint>
#include <string_view>

#include "absl/types/span.h"
#include "common/event/event_params.h"
#include "common/event/fields.h"

namespace vakt {

struct TypeParams {
  std::string_view type;  // "openat"
  absl::Span<const ParamRow> params;
};

absl::Span<const TypeParams> ProcessParams();
absl::Span<const TypeParams> CallParams();
absl::Span<const TypeParams> FileParams();
absl::Span<const TypeParams> NetworkParams();

using Param = ParamValue(const Event& event, Extractor& out);

// ---- params.cc: what all families use
ParamValue Signed(int64_t number, Extractor& out, std::string_view resolved = {});
ParamValue Unsigned(uint64_t number, Extractor& out, std::string_view resolved = {});
ParamValue Text(std::string_view text, std::string_view resolved = {});
// A result: a negative one is resolved to its error's name.
ParamValue Error(int64_t result, Extractor& out);

Param UnknownParam;  // Falco has it, our probes do not
Param ResParam;      // the event's result

// "<f>/etc/passwd", "<4t>10.0.0.1:40000->10.0.0.2:443"
std::string_view DescribeFd(const Event& event, Extractor& out);

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_PARAMS_H_

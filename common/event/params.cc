// SPDX-License-Identifier: Apache-2.0
#include "common/event/params.h"

#include "common/base/strings.h"
#include "common/event/event_names.h"

namespace vakt {

ParamValue Signed(int64_t number, Extractor& out, std::string_view resolved) {
  return {Value::Int(number), out.Keep(StrCat(number)), resolved};
}

ParamValue Unsigned(uint64_t number, Extractor& out, std::string_view resolved) {
  return {Value::Uint(number), out.Keep(StrCat(number)), resolved};
}

ParamValue Text(std::string_view text, std::string_view resolved) {
  return {Value::String(text), text, resolved};
}

ParamValue Error(int64_t result, Extractor& out) {
  return Signed(result, out, result < 0 ? ErrnoName(-result) : std::string_view());
}

ParamValue UnknownParam(const Event&, Extractor&) { return {}; }

ParamValue ResParam(const Event& event, Extractor& out) { return Error(event.result, out); }

std::string_view DescribeFd(const Event& event, Extractor& out) {
  std::string_view transport;
  switch (event.network.transport) {
    case Transport::kTcp:
      transport = "t";
      break;
    case Transport::kUdp:
      transport = "u";
      break;
    case Transport::kUnknown:
      break;
  }
  const char type[2] = {FdTypecharOf(event), '\0'};
  return out.Keep(StrCat("<", type, transport, ">", FdNameOf(event, out)));
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
// Parameters of calls on sockets.
#include <iterator>

#include "common/event/params.h"

namespace vakt {
namespace {

// ---- connect, accept, accept4

ParamValue SocketFd(const Event& event, Extractor& out) {
  if (event.network.fd < 0) return {};
  return Signed(event.network.fd, out, DescribeFd(event, out));
}

ParamValue AcceptedFd(const Event& event, Extractor& out) {
  return event.result < 0 ? Error(event.result, out) : SocketFd(event, out);
}

ParamValue Tuple(const Event& event, Extractor& out) { return Text(ConnectionName(event, out)); }

ParamValue RemoteAddress(const Event& event, Extractor& out) {
  return Text(out.Keep(EndpointName(event.network.remote, event.network.ipv6)));
}

// ---- the tables

constexpr ParamRow kConnect[] = {
    {"res", ResParam}, {"tuple", Tuple}, {"fd", SocketFd}, {"addr", RemoteAddress}};

constexpr ParamRow kAccept4[] = {{"fd", AcceptedFd},         {"tuple", Tuple},
                                 {"queuepct", UnknownParam}, {"queuelen", UnknownParam},
                                 {"queuemax", UnknownParam}, {"flags", UnknownParam}};
constexpr size_t kAcceptCount = std::size(kAccept4) - 1;

const TypeParams kTypes[] = {
    {"connect", kConnect},
    {"accept", absl::MakeConstSpan(kAccept4, kAcceptCount)},
    {"accept4", kAccept4},
};

}  // namespace

absl::Span<const TypeParams> NetworkParams() { return kTypes; }

}  // namespace vakt

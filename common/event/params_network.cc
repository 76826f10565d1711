// SPDX-License-Identifier: Apache-2.0
// Parameters of calls on sockets.
#include <sys/socket.h>

#include <cstdint>
#include <iterator>

#include "common/event/event_names.h"
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
  if (event.network.family == AF_UNIX) return Text(event.network.path);
  return Text(out.Keep(EndpointName(event.network.remote, event.network.ipv6)));
}

// ---- socket, bind, listen

ParamValue CreatedFd(const Event& event, Extractor& out) {
  if (event.result < 0) return Error(event.result, out);
  return Signed(event.result, out, DescribeFd(event, out));
}
ParamValue Domain(const Event& event, Extractor& out) {
  return Unsigned(event.network.family, out, FamilyName(event.network.family));
}
ParamValue SocketType(const Event& event, Extractor& out) {
  return Unsigned(event.network.type, out);
}
ParamValue Protocol(const Event& event, Extractor& out) {
  return Unsigned(event.network.protocol, out);
}
ParamValue CreationFlags(const Event& event, Extractor& out) {
  static constexpr FlagName kFlags[] = {{"SOCK_NONBLOCK", SOCK_NONBLOCK},
                                        {"SOCK_CLOEXEC", SOCK_CLOEXEC}};
  const auto flags = static_cast<uint32_t>(event.network.argument);
  return Unsigned(flags, out, out.Keep(FlagNames(flags, kFlags)));
}
ParamValue LocalAddress(const Event& event, Extractor& out) {
  if (event.network.family == AF_UNIX) return Text(event.network.path);
  return Text(out.Keep(EndpointName(event.network.local, event.network.ipv6)));
}
ParamValue Backlog(const Event& event, Extractor& out) {
  return Signed(event.network.argument, out);
}

// ---- dup and its like

ParamValue NewFd(const Event& event, Extractor& out) {
  return Signed(event.network.fd, out, DescribeFd(event, out));
}
ParamValue OldFd(const Event& event, Extractor& out) {
  return Signed(event.network.argument, out, DescribeFd(event, out));
}

// ---- the tables

constexpr ParamRow kConnect[] = {
    {"res", ResParam}, {"tuple", Tuple}, {"fd", SocketFd}, {"addr", RemoteAddress}};

constexpr ParamRow kAccept4[] = {{"fd", AcceptedFd},         {"tuple", Tuple},
                                 {"queuepct", UnknownParam}, {"queuelen", UnknownParam},
                                 {"queuemax", UnknownParam}, {"flags", UnknownParam}};
constexpr size_t kAcceptCount = std::size(kAccept4) - 1;

constexpr ParamRow kSocket[] = {{"fd", CreatedFd},
                                {"domain", Domain},
                                {"type", SocketType},
                                {"proto", Protocol},
                                {"flags", CreationFlags}};
constexpr ParamRow kBind[] = {{"res", ResParam}, {"addr", LocalAddress}, {"fd", SocketFd}};
constexpr ParamRow kListen[] = {{"res", ResParam}, {"fd", SocketFd}, {"backlog", Backlog}};

// Datagrams: seen before they are on their way, so neither size nor content is known.
constexpr ParamRow kSend[] = {{"res", ResParam},
                              {"data", UnknownParam},
                              {"fd", SocketFd},
                              {"size", UnknownParam},
                              {"tuple", Tuple}};
constexpr ParamRow kSendmmsg[] = {{"res", ResParam},
                                  {"fd", SocketFd},
                                  {"size", UnknownParam},
                                  {"data", UnknownParam},
                                  {"tuple", Tuple}};
constexpr ParamRow kRecvfrom[] = {{"res", ResParam},
                                  {"data", UnknownParam},
                                  {"tuple", Tuple},
                                  {"fd", SocketFd},
                                  {"size", UnknownParam}};
constexpr ParamRow kRecvmsg[] = {
    {"res", ResParam}, {"size", UnknownParam},       {"data", UnknownParam},
    {"tuple", Tuple},  {"msgcontrol", UnknownParam}, {"fd", SocketFd}};
constexpr ParamRow kRecvmmsg[] = {{"res", ResParam},      {"fd", SocketFd},
                                  {"size", UnknownParam}, {"data", UnknownParam},
                                  {"tuple", Tuple},       {"msgcontrol", UnknownParam}};

constexpr ParamRow kDup3[] = {
    {"res", NewFd}, {"oldfd", OldFd}, {"newfd", NewFd}, {"flags", UnknownParam}};
constexpr size_t kDupCount = 2;
constexpr size_t kDup2Count = 3;
constexpr ParamRow kFcntl[] = {{"res", NewFd}, {"fd", OldFd}, {"cmd", UnknownParam}};

const TypeParams kTypes[] = {
    {"connect", kConnect},
    {"accept", absl::MakeConstSpan(kAccept4, kAcceptCount)},
    {"accept4", kAccept4},
    {"socket", kSocket},
    {"bind", kBind},
    {"listen", kListen},
    {"sendto", kSend},
    {"sendmsg", kSend},
    {"sendmmsg", kSendmmsg},
    {"recvfrom", kRecvfrom},
    {"recvmsg", kRecvmsg},
    {"recvmmsg", kRecvmmsg},
    {"dup", absl::MakeConstSpan(kDup3, kDupCount)},
    {"dup2", absl::MakeConstSpan(kDup3, kDup2Count)},
    {"dup3", kDup3},
    {"fcntl", kFcntl},
};

}  // namespace

absl::Span<const TypeParams> NetworkParams() { return kTypes; }

}  // namespace vakt

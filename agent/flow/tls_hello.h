// SPDX-License-Identifier: Apache-2.0
// Reads what a TLS client says of itself and of its peer before anything is encrypted: the server's
// name (SNI, RFC 6066) and what makes the client's JA4 fingerprint (FoxIO, TLS client
// specification). The bytes are whatever a program sent: every length is checked and the work is
// bounded by theirs. Name and fingerprint are all that leaves the parser.
//
// With Encrypted ClientHello the name is the outer one, of the provider.
//
// Threads: pure functions.
#ifndef VAKT_AGENT_FLOW_TLS_HELLO_H_
#define VAKT_AGENT_FLOW_TLS_HELLO_H_

#include <optional>
#include <string>
#include <string_view>

namespace vakt {

struct TlsHello {
  // That was asked for: lower case, without the last dot, bytes that host names do not have as
  // \DDD. Empty: none, or none that is a name.
  std::string name;
  std::string ja4;  // empty while the message is not complete, or malformed behind the name
  bool is_complete = false;  // what follows adds nothing
};

// `stream`: what the client sent, from the beginning of a record. Nothing when it does not begin
// with a ClientHello, as far as can be told: of a cut one it has what came before the cut.
std::optional<TlsHello> ParseTlsHello(std::string_view stream);

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_TLS_HELLO_H_

// SPDX-License-Identifier: Apache-2.0
// What the door lets anybody cost, and its counts. A *source* is an IPv4 address or an IPv6 /64
// network; a *stranger* a connection that was let in and has not made a call yet.
#ifndef VAKT_COLLECTOR_DOOR_DOOR_LIMITS_H_
#define VAKT_COLLECTOR_DOOR_DOOR_LIMITS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace vakt {

struct DoorLimits {
  // Connections that are not let in yet, of all sources and of one. A whole fleet may come at once
  // from behind one address, when a network is back.
  size_t lobby = 4096;
  size_t lobby_of_source = 2048;
  absl::Duration hello_timeout = absl::Seconds(5);  // for a whole ClientHello
  absl::Duration patience = absl::Seconds(15);      // in line behind others

  // A handshake takes milliseconds of CPU, so few run at once. What a stranger of a source took is
  // given back when it makes a call: agents that reconnect wait for no more than the CPU.
  size_t strangers = 256;
  uint64_t strangers_per_second = 20;  // of one source
  uint64_t strangers_burst = 100;
  absl::Duration call_timeout = absl::Seconds(10);  // for its first call
  // Handshake, settings, the call's headers, and as much of its first message as may be sent before
  // the call is answered (64 KiB: RFC 9113, 6.9.2).
  uint64_t stranger_bytes = 128 << 10;
  // Of those strangers, that one costs its source who is closed for what it did. It will be back.
  uint64_t strangers_for_misuse = 50;

  // Of one identity. An agent makes one call in its life, a user some.
  uint64_t agent_calls_per_second = 10;   // 0: no limit; ten times as many at once
  uint64_t user_calls_per_second = 2000;  // likewise; two times as many at once
  uint64_t calls_for_refusal = 10;        // that one costs which is refused
  uint64_t seconds_for_misuse = 30;       // for which it may make no call
  size_t connections_of_identity = 64;
};

struct DoorStats {
  std::atomic<uint64_t> let_in{0};
  std::atomic<uint64_t> crowd{0};     // too many of the source, or of all, were waiting
  std::atomic<uint64_t> no_hello{0};  // said nothing, not enough, or something that is not TLS
  std::atomic<uint64_t> waited{0};    // in line, in vain
  std::atomic<uint64_t> no_call{0};   // made none after the handshake, or failed that
  std::atomic<uint64_t> calls{0};     // too many, or too many connections of the identity
  std::atomic<uint64_t> chatter{0};   // much more than its calls and messages account for
  std::atomic<uint64_t> waiting{0};   // now
  std::atomic<uint64_t> inside{0};    // now
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_DOOR_DOOR_LIMITS_H_

// SPDX-License-Identifier: Apache-2.0
// What a client can do to a collector to bring it down: one row per way. Each goes on until it is
// told to stop, over connections of its own. Threads: thread-compatible.
#ifndef VAKT_TESTS_INTEGRATION_HOSTILE_ATTACKS_H_
#define VAKT_TESTS_INTEGRATION_HOSTILE_ATTACKS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "absl/types/span.h"
#include "tests/integration/raw_http2.h"
#include "tests/support/dev_certificates.h"

namespace vakt {

constexpr size_t kGoodAgents = 10;  // n0, n1, ...: whom an attacker may name

// One attacker: knows the address, has the certificate of a node.
struct Attack {
  const std::string address;
  const std::string node;
  const std::string from;  // his own address
  const CertificateSet certificates;
  const std::atomic<bool>& over;
  const uint64_t wanted;  // malformed messages
  uint64_t acts = 0;      // for the table
  std::mt19937_64 random{7};

  std::string RandomBytes(size_t count);
  std::unique_ptr<RawHttp2> Open() const;
};

struct AttackRow {
  const char* name;
  void (*run)(Attack& attack);
};
// All that go on until `over`.
absl::Span<const AttackRow> Attacks();
// Ends by itself.
AttackRow MalformedMessagesAttack();

}  // namespace vakt

#endif  // VAKT_TESTS_INTEGRATION_HOSTILE_ATTACKS_H_

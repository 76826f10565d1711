// SPDX-License-Identifier: Apache-2.0
// Reads the addresses out of a name server's answer (RFC 1035). The bytes are whatever came over
// the network: every length is checked, compression pointers only lead backwards, and the work is
// bounded. Nothing of the answer but names, addresses and their time to live leaves the parser.
//
// Threads: pure function.
#ifndef VAKT_AGENT_FLOW_DNS_ANSWER_H_
#define VAKT_AGENT_FLOW_DNS_ANSWER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vakt {

struct DnsAddress {
  std::string address;  // 4 or 16 bytes
  uint32_t ttl_seconds = 0;
};

struct DnsAnswer {
  // What was asked for: lower case, without the last dot; bytes that host names do not have as
  // \DDD.
  std::string name;
  std::vector<DnsAddress> addresses;  // at most 64
};

// Nothing when it is no answer to a question for addresses, or malformed before the first address.
// Addresses that follow damage or a cut are left out.
std::optional<DnsAnswer> ParseDnsAnswer(std::string_view message);

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_DNS_ANSWER_H_

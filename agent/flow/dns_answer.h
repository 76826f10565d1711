// SPDX-License-Identifier: Apache-2.0
// Reads what was asked for and the addresses out of a name server's answer (RFC 1035). The bytes
// are whatever came over the network: every length is checked, compression pointers only lead
// backwards, and the work is bounded. Nothing of the answer but names, addresses, numbers and times
// to live leaves the parser.
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
  uint16_t type = 0;  // of the question
  uint8_t rcode = 0;
  bool truncated = false;             // as the server says
  std::vector<DnsAddress> addresses;  // at most 64
  std::vector<std::string> aliases;   // at most 16, in order
  uint16_t answers = 0;               // records, as the server says
  bool has_records = false;           // some were read
  uint32_t ttl_seconds = 0;           // the shortest of them
};

// Nothing when it is no answer to one question, or malformed in it. Records that follow damage or a
// cut are left out. An answer that is negative, or to a question for something else, has no
// addresses.
std::optional<DnsAnswer> ParseDnsAnswer(std::string_view message);

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_DNS_ANSWER_H_

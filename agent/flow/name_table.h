// SPDX-License-Identifier: Apache-2.0
// Which names the addresses have, as processes of each network namespace (of each pod, that is)
// were told by their name servers.
//
// Bounds: at most `max_entries` pairs of namespace and address, of which those go first that were
// told longest ago; at most four names each. Time is CLOCK_BOOTTIME in ns. Threads: pipeline thread
// only.
#ifndef VAKT_AGENT_FLOW_NAME_TABLE_H_
#define VAKT_AGENT_FLOW_NAME_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/flow/age_map.h"
#include "agent/flow/dns_answer.h"
#include "common/base/shared_string.h"

namespace vakt {

class NameTable {
 public:
  explicit NameTable(size_t max_entries = 8192) : entries_(max_entries) {}

  void Learn(uint32_t net_ns, const DnsAnswer& answer, uint64_t boot_ns);
  // The names of `address` that held at some time from `begin_ns` to `end_ns`, newest first.
  // Programs go on using an address for a while: a name holds a minute at least, and that much
  // longer.
  std::vector<SharedString> Find(uint32_t net_ns, std::string_view address, uint64_t begin_ns,
                                 uint64_t end_ns) const;
  size_t size() const { return entries_.size(); }

 private:
  struct Name {
    SharedString text;
    uint64_t since_ns = 0;
    uint64_t until_ns = 0;
  };
  using Key = std::pair<uint32_t, std::string>;

  void LearnOne(const Key& key, const Name& name);

  AgeMap<Key, std::vector<Name>> entries_;  // newest first
};

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_NAME_TABLE_H_

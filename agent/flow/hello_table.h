// SPDX-License-Identifier: Apache-2.0
// Which servers programs asked for in TLS ClientHellos, and with which fingerprints, by program,
// remote address and port. Unlike what a name server answers this is no property of the address:
// it belongs to the connections of the program that said it.
//
// Bounds: at most `max_entries` of these, of which those go first that were neither told nor asked
// for longest; at most four names and fingerprints each, the newest. Time is CLOCK_BOOTTIME in ns.
// Threads: pipeline thread only.
#ifndef VAKT_AGENT_FLOW_HELLO_TABLE_H_
#define VAKT_AGENT_FLOW_HELLO_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "agent/flow/age_map.h"
#include "agent/flow/tls_hello.h"
#include "common/base/shared_string.h"

namespace vakt {

class HelloTable {
 public:
  // The program's number (FlowTable), the remote address of 4 or 16 bytes, and port.
  using Key = std::tuple<uint64_t, std::string, uint16_t>;
  struct Found {
    std::vector<SharedString> names;  // newest first
    std::vector<SharedString> clients;
  };

  explicit HelloTable(size_t max_entries = 4096) : entries_(max_entries) {}

  void Learn(const Key& key, const TlsHello& hello, uint64_t boot_ns);
  // What was said from `begin_ns` to `end_ns`.
  Found Find(const Key& key, uint64_t begin_ns, uint64_t end_ns);
  size_t size() const { return entries_.size(); }

 private:
  struct Said {
    SharedString text;
    uint64_t first_ns = 0;
    uint64_t last_ns = 0;
  };
  struct Entry {
    std::vector<Said> names;
    std::vector<Said> clients;
  };

  static void Add(const std::string& text, uint64_t boot_ns, std::vector<Said>* all);

  AgeMap<Key, Entry> entries_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_HELLO_TABLE_H_

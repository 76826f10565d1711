// SPDX-License-Identifier: Apache-2.0
// What workloads have had to do with, so that the first time can be told from all later ones. A
// workload is the image of a container, or an executable outside; a peer is a remote side by its
// name, else by its network, or a port that is listened at.
//
//   WorkloadMemory memory;
//   memory.Load(bytes);                       // what Save made, of an earlier run
//   WorkloadMemory::Answer first = memory.Meet("sha256:...", "api.example.com", true, wall_ns);
//   if (memory.changed()) ... memory.Save();  // docs/formats/workload_memory.md
//
// Workloads and peers are kept as hashes under a key of the node's own, drawn at random and kept in
// the same file: whoever chooses names cannot make one pass for another.
//
// Bounds: kMaxWorkloads with kMaxPeers each; of workloads those go first that were seen longest
// ago, a workload with more peers learns no more of them. About 2.5 MiB when full, in memory and as
// saved.
//
// Threads: pipeline thread only.
#ifndef VAKT_AGENT_FLOW_WORKLOAD_MEMORY_H_
#define VAKT_AGENT_FLOW_WORKLOAD_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "common/base/siphash.h"

namespace vakt {

class WorkloadMemory {
 public:
  static constexpr size_t kMaxWorkloads = 1024;
  static constexpr size_t kMaxPeers = 256;

  struct Answer {
    uint64_t known_ns = 0;  // for how long the workload is known
    bool new_peer = false;
    bool new_external = false;
    bool full = false;
  };

  WorkloadMemory();  // with a new key

  // Tells what is new of this meeting, and remembers it.
  Answer Meet(std::string_view workload, std::string_view peer, bool is_external, int64_t wall_ns);

  // Takes the key, too. DataLoss: not what Save made; nothing is remembered then.
  absl::Status Load(std::string_view bytes);
  // All of it, with key and checksum. Nothing has changed since then.
  std::string Save();
  bool changed() const { return changed_; }

  size_t size() const { return workloads_.size(); }

 private:
  struct Workload {
    int64_t first_s = 0;  // since 1970
    int64_t last_s = 0;
    bool external = false;
    std::vector<uint64_t> peers;  // hashes, sorted
  };

  Workload& Find(uint64_t id, int64_t now_s);

  SipKey key_;
  absl::flat_hash_map<uint64_t, Workload> workloads_;  // by hash
  bool changed_ = false;
};

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_WORKLOAD_MEMORY_H_

// SPDX-License-Identifier: Apache-2.0
// The containers of the node: one for each id that a process's control group names or that the
// container runtime has told of.
//
// A container stays as long as one of its processes is known, and a while longer; what the runtime
// tells ahead of the first process waits for it as long. There are never more than max_containers:
// those without processes go first, and with none of these left, a further one is not kept, so that
// its processes have it to themselves and nobody asks for it. Each is counted.
//
// Ownership: shared with the processes. Threads: pipeline thread only.
#ifndef VAKT_AGENT_ENRICH_CONTAINER_TABLE_H_
#define VAKT_AGENT_ENRICH_CONTAINER_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/event/container.h"
#include "vakt/v1/container.pb.h"

namespace vakt {

class ContainerTable {
 public:
  ContainerTable(size_t max_containers, uint64_t unused_retention_ns)
      : max_containers_(max_containers), unused_retention_ns_(unused_retention_ns) {}

  // The container of a process; it is made if it is new. `runtime` may be empty.
  std::shared_ptr<Container> Use(std::string_view id, std::string_view runtime);
  // Null when it is not known.
  const Container* Find(std::string_view id) const;

  // What the runtime says, or that it was asked (METADATA_UNSPECIFIED), or that it did not answer
  // in time (METADATA_PARTIAL and nothing else; never takes back what was said).
  void Learn(const v1::Container& message, uint64_t now_boot_ns);

  // Null is never taken.
  void SetAccounts(std::string_view id, std::shared_ptr<const Accounts> accounts);

  // Of its first program. Of a container that found no room nothing is said.
  void SetMountNamespace(std::string_view id, uint32_t mnt_ns);

  // Forgets what was unused for long; looks at most every few seconds of event time.
  void Expire(uint64_t now_boot_ns);

  // Since the last call: ids of containers that processes brought, of those that have their first
  // process, known before or not, and of containers that were forgotten. Cheap while there are
  // none.
  bool has_news() const { return !new_.empty() || !started_.empty() || !forgotten_.empty(); }
  std::vector<std::string> TakeNew() { return std::exchange(new_, {}); }
  std::vector<std::string> TakeStarted() { return std::exchange(started_, {}); }
  std::vector<std::string> TakeForgotten() { return std::exchange(forgotten_, {}); }

  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const auto& [id, entry] : containers_) visit(*entry.container);
  }
  size_t size() const { return containers_.size(); }
  // Of which the runtime has said nothing.
  size_t unknown() const;
  // Found no room.
  uint64_t refused() const { return refused_; }

 private:
  struct Entry {
    std::shared_ptr<Container> container;
    uint64_t unused_since_boot_ns = 0;  // 0: in use when last looked at
    bool started = false;
  };

  bool MakeRoom();
  std::shared_ptr<Container> Insert(std::string_view id);

  const size_t max_containers_;
  const uint64_t unused_retention_ns_;
  absl::flat_hash_map<std::string, Entry> containers_;
  std::vector<std::string> new_;
  std::vector<std::string> started_;
  std::vector<std::string> forgotten_;
  uint64_t next_look_boot_ns_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_ENRICH_CONTAINER_TABLE_H_

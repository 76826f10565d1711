// SPDX-License-Identifier: Apache-2.0
// The process tree. Keeps these true whatever comes in whatever order:
//   - A process's `parent` is the entry with its parent_cookie, or null while there is none.
//   - A process's `session_leader` is the entry that leads its session, or null likewise.
//   - An exited process stays for the retention time, and beyond it while it has children here, so
//     that late events of other CPUs and ancestors still resolve.
//   - There are never more than max_processes. To make room the one that exited first goes, then
//     the oldest kept for its children alone, then the newest that lives: a fork bomb displaces
//     itself and not the daemons that are older. Each is counted.
//   - Two states of the tree in which a process, an ancestor, its session leader or its container
//     differ have different numbers in its Process::change (once Number was called for both).
//
// Ownership: owns all entries; pointers stay valid until the entry is forgotten, which Insert and
// Expire alone do. Threads: pipeline thread only.
#ifndef VAKT_AGENT_ENRICH_PROCESS_TABLE_H_
#define VAKT_AGENT_ENRICH_PROCESS_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "agent/enrich/intrusive_list.h"
#include "common/event/process.h"

namespace vakt {

// A process and its places in the tree, which only the table changes.
struct ProcessEntry : Process {
  bool has_program = false;         // told by a seed, fork or exec; not made from another event
  uint32_t account_generation = 0;  // of the names
  uint64_t exit_boot_ns = 0;
  uint64_t relatives_change = 0;  // of the table, when `change` was given
  uint32_t container_change = 0;  // of the container, likewise

  ListLink<ProcessEntry> sibling_link;
  ListLink<ProcessEntry> session_link;
  ListLink<ProcessEntry> queue_link;
  IntrusiveList<ProcessEntry, &ProcessEntry::sibling_link> children;
  // kAncestor: exited, its retention is over, and it has children.
  enum class Life : uint8_t { kLive, kExited, kAncestor } life = Life::kLive;
};

class ProcessTable {
 public:
  // `max_processes` is at least 2: the actor and the process it creates.
  ProcessTable(size_t max_processes, uint64_t exited_retention_ns);
  ProcessTable(const ProcessTable&) = delete;
  ProcessTable& operator=(const ProcessTable&) = delete;

  const Process* Find(uint64_t cookie) const;
  // The living process with this number on the host.
  const Process* FindLive(uint32_t pid) const;
  size_t size() const { return by_cookie_.size(); }
  // Forgotten to make room.
  uint64_t forgotten() const { return forgotten_; }
  // Processes whose exit was never reported: found when their number came back.
  uint64_t lost_exits() const { return lost_exits_; }

  // ---- For the enricher.
  ProcessEntry* FindEntry(uint64_t cookie);
  // A new entry without parent and session; `cookie` must be unknown. Any other entry but `keep`
  // (may be null) may be forgotten for it.
  ProcessEntry* Insert(uint64_t cookie, uint32_t pid, uint64_t now_boot_ns,
                       const ProcessEntry* keep);
  void SetParent(ProcessEntry* entry, uint64_t parent_cookie);
  void SetSession(ProcessEntry* entry, uint32_t session_id);
  void MarkExited(ProcessEntry* entry, uint64_t boot_ns);
  // To be called when something in `entry` has changed that fields read; SetParent and SetSession
  // do so themselves.
  void Changed(ProcessEntry* entry);
  // Gives the entry's state its number, a new one if anything has changed since the last call.
  void Number(ProcessEntry* entry);
  // Forgets those whose time is over, a few per call so that no event pays for a burst of exits.
  void Expire(uint64_t now_boot_ns);

 private:
  using Siblings = IntrusiveList<ProcessEntry, &ProcessEntry::sibling_link>;
  using Queue = IntrusiveList<ProcessEntry, &ProcessEntry::queue_link>;
  struct Session {
    ProcessEntry* leader = nullptr;
    IntrusiveList<ProcessEntry, &ProcessEntry::session_link> members;
  };

  Queue& QueueOf(ProcessEntry::Life life);
  void IndexPid(ProcessEntry* entry, uint64_t now_boot_ns);
  void UnindexPid(const ProcessEntry* entry);
  ProcessEntry* Victim(const ProcessEntry* keep) const;
  void LeaveParent(ProcessEntry* entry);
  void LeaveSession(ProcessEntry* entry);
  static void SetLeader(const Session& session);
  void Forget(ProcessEntry* entry);

  const size_t max_processes_;
  const uint64_t exited_retention_ns_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<ProcessEntry>> by_cookie_;
  absl::flat_hash_map<uint32_t, ProcessEntry*> live_by_pid_;
  // Children whose parent is not here, by the parent's cookie. Never empty lists.
  absl::flat_hash_map<uint64_t, Siblings> orphans_;
  absl::flat_hash_map<uint32_t, Session> sessions_;  // by session id; never without members
  // One queue per Life.
  Queue live_;       // in the order of insertion
  Queue exited_;     // in the order of exit
  Queue ancestors_;  // in the order in which their retention ended
  // Numbers given so far, and changes that other processes than the changed one can see. (To find
  // who they are could cost as much as there are processes, and such changes are rare.)
  uint64_t last_change_ = 0;
  uint64_t relatives_change_ = 0;
  uint64_t forgotten_ = 0;
  uint64_t lost_exits_ = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_ENRICH_PROCESS_TABLE_H_

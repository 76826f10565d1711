// SPDX-License-Identifier: Apache-2.0
// Reads users and groups of containers from their own /etc/passwd and /etc/group, below the root
// directories that the container runtime has made for them.
//
// A container's root is its own to arrange. Links lead nowhere else (they are resolved within it),
// only plain files are read, and no more than kMaxFileBytes of each. A file system that does not
// answer (NFS, FUSE) holds up this thread alone, and with it the names of the containers after it.
//
// Ownership: owns its thread; should that hang, it outlives this object. Threads: thread-safe.
#ifndef VAKT_AGENT_ENRICH_ACCOUNT_READER_H_
#define VAKT_AGENT_ENRICH_ACCOUNT_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "vakt/v1/recording.pb.h"

namespace vakt {

class AccountReader {
 public:
  static constexpr size_t kMaxFileBytes = 256 << 10;
  static constexpr int kMaxAccounts = 1024;  // of each sort
  static constexpr size_t kMaxQueued = 1024;

  // `on_read` is called on this object's thread when there is something to take; never again after
  // the destructor.
  explicit AccountReader(std::function<void()> on_read);
  ~AccountReader();
  AccountReader(const AccountReader&) = delete;
  AccountReader& operator=(const AccountReader&) = delete;

  void Read(const std::string& container_id, const std::string& root);
  // Waits until nothing is left to be read, or so long; not again where that was in vain, until the
  // thread has caught up.
  void WaitIdle(absl::Duration patience);
  // Appends what was read since the last call.
  void Take(std::vector<v1::ContainerAccounts>* read);
  // Containers whose files could not be read, or for which there was no room in the queue.
  uint64_t failures() const;

 private:
  struct State;
  static void Run(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;
  std::thread thread_;
};

// What the thread does for one container. A file that is not there has nobody in it.
absl::StatusOr<v1::ContainerAccounts> ReadContainerAccounts(const std::string& root);

}  // namespace vakt

#endif  // VAKT_AGENT_ENRICH_ACCOUNT_READER_H_

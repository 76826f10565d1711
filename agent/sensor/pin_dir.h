// SPDX-License-Identifier: Apache-2.0
// What outlives the agent: a directory in a BPF file system with one set of links, programs, maps
// and rings per layout (docs/decisions names the choice).
//
//   <dir>/<wire>_<set>/links/process_exec@sched_process_exec
//                      programs/process_exec  maps/cpu_state  rings/0  ...
//
// Sets with the same <wire> write the same records; those with the same name work with the same
// maps as well. A set is made under another name and gets its own when it is whole: what an agent
// left half made is known by that, and removed.
//
// Ownership: PinDir holds the lock on the directory as long as it lives; a PinnedSet that was not
// published removes itself. Threads: thread-compatible; needs what loading programs needs.
#ifndef VAKT_AGENT_SENSOR_PIN_DIR_H_
#define VAKT_AGENT_SENSOR_PIN_DIR_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/unique_fd.h"

namespace vakt {

// What of a set: a directory each.
enum class Pinned : uint8_t { kLink, kProgram, kMap, kRing, kFlowTable };

class PinnedSet {
 public:
  PinnedSet(PinnedSet&& other) noexcept;
  PinnedSet& operator=(PinnedSet&&) = delete;
  ~PinnedSet();

  std::string name() const;
  absl::Status Pin(Pinned what, std::string_view name, int fd);
  // NotFound: there is none.
  absl::StatusOr<UniqueFd> Open(Pinned what, std::string_view name) const;
  std::string PathOf(Pinned what, std::string_view name) const;
  std::vector<std::string> NamesOf(Pinned what) const;
  // A link that nobody else holds is detached by it.
  void Unpin(Pinned what, std::string_view name);
  // The set is whole: from now on it is called `name` and stays.
  absl::Status Publish(std::string_view name);
  // Unpins all, the links first.
  absl::Status Remove();

 private:
  friend class PinDir;
  PinnedSet(std::string path, bool published) : path_(std::move(path)), published_(published) {}

  std::string path_;  // empty: moved from, or removed
  bool published_;
};

class PinDir {
 public:
  // Makes the directory if it is not there, and locks it. InvalidArgument: it is on no BPF file
  // system. FailedPrecondition: another agent holds it.
  static absl::StatusOr<std::unique_ptr<PinDir>> Open(const std::string& path);

  const std::string& path() const { return path_; }
  // Names of the sets that are whole.
  std::vector<std::string> SetNames() const;
  PinnedSet Set(std::string_view name) const;
  // An empty one, to be filled and published. What was half made before goes.
  absl::StatusOr<PinnedSet> NewSet() const;
  // Removes all sets and the directory.
  absl::Status RemoveAll();

 private:
  PinDir(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  const std::string path_;
  const UniqueFd lock_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_PIN_DIR_H_

// SPDX-License-Identifier: Apache-2.0
// What is known of a container: built by agent/enrich from what the container runtime says, read by
// the field table and by alerts.
//
// Ownership: the container table and the processes of the container share it. Threads: pipeline
// thread only.
#ifndef VAKT_COMMON_EVENT_CONTAINER_H_
#define VAKT_COMMON_EVENT_CONTAINER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vakt {

struct Accounts;

// Sorted by key, each key once.
using Labels = std::vector<std::pair<std::string, std::string>>;

// Null when there is no such key.
const std::string* FindLabel(const Labels& labels, std::string_view key);

struct ContainerMount {
  std::string source;       // on the host
  std::string destination;  // in the container
  std::string mode;         // as the runtime writes it; often empty
  bool writable = false;
  std::string propagation;  // "private", "rslave", "rshared"
};

struct Pod {
  std::string name;
  std::string name_space;
  std::string uid;
  std::string sandbox_id;
  Labels labels;
  std::vector<std::string> addresses;
  bool host_network = false;
  bool host_pid = false;
  bool host_ipc = false;
  std::string workload_kind;  // "Deployment"; empty when it is not known
  std::string workload_name;
  bool workload_guessed = false;
};

// How much the runtime has said of a container.
enum class Metadata : uint8_t {
  kNone,     // nothing, and nobody was asked
  kAwaited,  // it is being asked: what depends on the answer waits
  kPartial,  // it did not answer in time, or not to everything
  kComplete,
};

struct Container {
  std::string id;       // 64 hex digits
  std::string runtime;  // "containerd", "cri-o", "docker", "podman"; empty when it is not known
  Metadata metadata = Metadata::kNone;
  // Grows with every change of what fields read here.
  uint32_t change = 0;

  // ---- What the runtime says; empty until then.
  std::string name;
  std::string image;             // registry/repository:tag
  std::string image_repository;  // of `image`
  std::string image_tag;         // likewise
  std::string image_digest;      // "sha256:<hex>"
  std::string image_id;
  Labels labels;
  Labels annotations;
  std::vector<ContainerMount> mounts;
  std::optional<bool> privileged;
  uint64_t capabilities = 0;
  std::string user;
  int64_t created_wall_ns = 0;
  int64_t started_wall_ns = 0;
  std::optional<Pod> pod;

  // ---- What its own files say; null until they are read.
  std::shared_ptr<const Accounts> accounts;

  // ---- What its processes tell: the mount namespace of the first program that ran in it, and in a
  // namespace that none of its ancestors outside has. 0: not known.
  uint32_t mnt_ns = 0;
  uint32_t host_mnt_ns = 0;  // of the node's first process
};

struct Process;

// Whether a process of a container has the mount namespace of the nearest ancestor that is not in
// that container, as nothing that a container runtime has put there has. When that ancestor is not
// known, the node's first process stands for it. Nullopt when that is not known either.
std::optional<bool> SharesNamespaceOutside(const Process& process);

// The parts of "registry:5000/repository:tag@sha256:...": repository and tag.
std::pair<std::string_view, std::string_view> SplitImage(std::string_view image);

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_CONTAINER_H_

// SPDX-License-Identifier: Apache-2.0
// container.* and k8s.*: what the control group, the process tree and the container runtime tell.
// What the runtime has not said is null.
#include <fnmatch.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "common/event/container.h"
#include "common/event/event_names.h"
#include "common/event/fields.h"

namespace vakt {
namespace {

constexpr std::string_view kHost = "host";
constexpr size_t kShortIdSize = 12;

// Of a mount that the container does not have (docs/decisions/0009).
constexpr std::string_view kNoMount = "N/A";

// Boot time of the container's first process; 0 on the host and when it is not known.
uint64_t ContainerStartBootNs(const Event& event) {
  if (event.process == nullptr || event.process->container_full_id.empty()) return 0;
  return PidNamespaceStart(event);
}

bool OnHost(const Event& event) {
  return event.process != nullptr && event.process->container_id == kHost;
}

// Null while the runtime has said nothing: then its mounts are not known.
const Container* WithMounts(const Event& event) {
  const Container* container = ContainerOf(event);
  return container == nullptr || container->created_wall_ns == 0 ? nullptr : container;
}

bool Matches(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

// By number, or by a pattern of `named`.
template <std::string ContainerMount::*named>
const ContainerMount* FindMount(const Container& container, const FieldArg& which) {
  if (which.index >= 0) {
    const auto index = static_cast<size_t>(which.index);
    return index < container.mounts.size() ? &container.mounts[index] : nullptr;
  }
  const auto found =
      std::find_if(container.mounts.begin(), container.mounts.end(),
                   [&](const ContainerMount& mount) { return Matches(which.text, mount.*named); });
  return found == container.mounts.end() ? nullptr : &*found;
}

template <std::string ContainerMount::*named, typename Render>
void PutMount(const Event& event, const FieldArg& which, Extractor& out, Render render) {
  const Container* container = WithMounts(event);
  if (container == nullptr) return;
  const ContainerMount* mount = FindMount<named>(*container, which);
  out.Add(Value::String(mount == nullptr ? kNoMount : render(*mount)));
}

std::string_view Rdwr(const ContainerMount& mount) { return mount.writable ? "true" : "false"; }

std::string MountText(const ContainerMount& mount) {
  std::string text = mount.source;
  for (const std::string_view part :
       {std::string_view(mount.destination), std::string_view(mount.mode), Rdwr(mount),
        std::string_view(mount.propagation)}) {
    text.append(":").append(part);
  }
  return text;
}

void PutWorkload(const Event& event, std::string_view kind, Extractor& out) {
  const Pod* pod = PodOf(event);
  if (pod != nullptr && pod->workload_kind == kind) Put<&Pod::workload_name>(pod, out);
}

}  // namespace

const Container* ContainerOf(const Event& event) {
  return event.process == nullptr ? nullptr : event.process->container.get();
}

const Pod* PodOf(const Event& event) {
  const Container* container = ContainerOf(event);
  return container == nullptr || !container->pod.has_value() ? nullptr : &*container->pod;
}

// Empty while undecided, and then `container.id != host` holds: better one alert too many.
void ContainerId(const Event& event, const FieldArg&, Extractor& out) {
  if (event.process != nullptr) out.Add(Value::String(event.process->container_id));
}

void ContainerFullId(const Event& event, const FieldArg&, Extractor& out) {
  if (event.process == nullptr || event.process->container_full_id.empty()) return;
  out.Add(Value::String(event.process->container_full_id));
}

// The host counts as a container called "host" of type "host".
void ContainerName(const Event& event, const FieldArg&, Extractor& out) {
  if (OnHost(event)) return out.Add(Value::String(kHost));
  Put<&Container::name>(ContainerOf(event), out);
}

void ContainerType(const Event& event, const FieldArg&, Extractor& out) {
  if (OnHost(event)) return out.Add(Value::String(kHost));
  Put<&Container::runtime>(ContainerOf(event), out);
}

void ContainerStart(const Event& event, const FieldArg&, Extractor& out) {
  const uint64_t start = ContainerStartBootNs(event);
  if (start != 0) out.Add(Value::Int(WallNs(event, start)));
}

void ContainerDuration(const Event& event, const FieldArg&, Extractor& out) {
  const uint64_t start = ContainerStartBootNs(event);
  if (start != 0) out.Add(Value::Int(static_cast<int64_t>(event.boot_ns - start)));
}

void ContainerMetadata(const Event& event, const FieldArg&, Extractor& out) {
  const Container* container = ContainerOf(event);
  if (container == nullptr) return;
  const bool complete = container->metadata == Metadata::kComplete;
  const bool partial = container->created_wall_ns != 0;
  out.Add(Value::String(complete ? "complete" : partial ? "partial" : "none"));
}

// While a container is made, the runtime's own helper stands in its control group and in the host's
// mount namespace. A process that left the container's namespace for one of its own is known by its
// ancestors.
void ContainerNsMismatch(const Event& event, const FieldArg&, Extractor& out) {
  const Container* container = ContainerOf(event);
  if (container == nullptr || event.process->mnt_ns == 0) return;
  const Process* process = event.process;
  for (int depth = 0; container->mnt_ns != 0 && process != nullptr && depth <= kMaxAncestors;
       ++depth) {
    if (process->container.get() == container && process->mnt_ns == container->mnt_ns) {
      return out.Add(Value::Bool(false));
    }
    process = process->parent;
  }
  if (container->mnt_ns != 0) return out.Add(Value::Bool(true));
  if (const auto shares = SharesNamespaceOutside(*event.process)) out.Add(Value::Bool(*shares));
}

void ContainerPrivileged(const Event& event, const FieldArg&, Extractor& out) {
  const Container* container = ContainerOf(event);
  if (container == nullptr || !container->privileged.has_value()) return;
  out.Add(Value::Bool(*container->privileged));
}

void ContainerCapabilities(const Event& event, const FieldArg&, Extractor& out) {
  const Container* container = ContainerOf(event);
  if (container == nullptr || container->metadata != Metadata::kComplete) return;
  out.Add(Value::String(out.Keep(CapabilityNames(container->capabilities))));
}

void ContainerMounts(const Event& event, const FieldArg&, Extractor& out) {
  const Container* container = WithMounts(event);
  if (container == nullptr || container->mounts.empty()) return;
  std::string text;
  for (const ContainerMount& mount : container->mounts) {
    if (!text.empty()) text += ',';
    text += MountText(mount);
  }
  out.Add(Value::String(out.Keep(std::move(text))));
}

void ContainerMountOne(const Event& event, const FieldArg& which, Extractor& out) {
  PutMount<&ContainerMount::source>(
      event, which, out, [&](const ContainerMount& mount) { return out.Keep(MountText(mount)); });
}

void ContainerMountDest(const Event& event, const FieldArg& which, Extractor& out) {
  PutMount<&ContainerMount::source>(event, which, out, [](const ContainerMount& mount) {
    return std::string_view(mount.destination);
  });
}

void ContainerMountMode(const Event& event, const FieldArg& which, Extractor& out) {
  PutMount<&ContainerMount::source>(
      event, which, out, [](const ContainerMount& mount) { return std::string_view(mount.mode); });
}

void ContainerMountPropagation(const Event& event, const FieldArg& which, Extractor& out) {
  PutMount<&ContainerMount::source>(event, which, out, [](const ContainerMount& mount) {
    return std::string_view(mount.propagation);
  });
}

void ContainerMountRdwr(const Event& event, const FieldArg& which, Extractor& out) {
  PutMount<&ContainerMount::source>(event, which, out, Rdwr);
}

void ContainerMountSource(const Event& event, const FieldArg& which, Extractor& out) {
  PutMount<&ContainerMount::destination>(event, which, out, [](const ContainerMount& mount) {
    return std::string_view(mount.source);
  });
}

void PutLabel(const Labels& labels, const FieldArg& key, Extractor& out) {
  if (const std::string* value = FindLabel(labels, key.text)) out.Add(Value::String(*value));
}

void PutLabels(const Labels& labels, Extractor& out) {
  for (const auto& [key, value] : labels) {
    std::string& text = out.NewKept();
    text.append(key).append(":").append(value);
    out.Add(Value::String(text));
  }
}

void K8sPodAddress(const Event& event, const FieldArg&, Extractor& out) {
  const Pod* pod = PodOf(event);
  if (pod != nullptr && !pod->addresses.empty()) out.Add(Value::String(pod->addresses.front()));
}

void K8sPodShortSandboxId(const Event& event, const FieldArg&, Extractor& out) {
  const Pod* pod = PodOf(event);
  if (pod == nullptr || pod->sandbox_id.empty()) return;
  out.Add(Value::String(std::string_view(pod->sandbox_id).substr(0, kShortIdSize)));
}

void K8sDeploymentName(const Event& event, const FieldArg&, Extractor& out) {
  PutWorkload(event, "Deployment", out);
}

// A deployment's replica set is named as its pods are, but for their last part.
void K8sReplicaSetName(const Event& event, const FieldArg&, Extractor& out) {
  const Pod* pod = PodOf(event);
  if (pod == nullptr || pod->workload_kind != "Deployment") {
    return PutWorkload(event, "ReplicaSet", out);
  }
  const std::string_view name = std::string_view(pod->name).substr(0, pod->name.rfind('-'));
  if (name.size() > pod->workload_name.size()) out.Add(Value::String(name));
}

void K8sReplicationControllerName(const Event& event, const FieldArg&, Extractor& out) {
  PutWorkload(event, "ReplicationController", out);
}

}  // namespace vakt

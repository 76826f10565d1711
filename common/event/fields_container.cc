// SPDX-License-Identifier: Apache-2.0
// container.*: what the control group and the process tree tell. Images, labels and pods need the
// container runtime; until it has answered they are null, as rules expect.
#include <cstdint>

#include "common/event/fields.h"

namespace vakt {
namespace {

constexpr std::string_view kHost = "host";

// Boot time of the container's first process; 0 on the host and when it is not known.
uint64_t ContainerStartBootNs(const Event& event) {
  if (event.process == nullptr || event.process->container_full_id.empty()) return 0;
  return PidNamespaceStart(event);
}

}  // namespace

// Empty while undecided, and then `container.id != host` holds: better one alert too many.
void ContainerId(const Event& event, const FieldArg&, Extractor& out) {
  if (event.process != nullptr) out.Add(Value::String(event.process->container_id));
}

void ContainerFullId(const Event& event, const FieldArg&, Extractor& out) {
  if (event.process == nullptr || event.process->container_full_id.empty()) return;
  out.Add(Value::String(event.process->container_full_id));
}

// The host counts as a container called "host" of type "host".
void ContainerHost(const Event& event, const FieldArg&, Extractor& out) {
  if (event.process != nullptr && event.process->container_id == kHost) {
    out.Add(Value::String(kHost));
  }
}

void ContainerStart(const Event& event, const FieldArg&, Extractor& out) {
  const uint64_t start = ContainerStartBootNs(event);
  if (start != 0) out.Add(Value::Int(WallNs(event, start)));
}

void ContainerDuration(const Event& event, const FieldArg&, Extractor& out) {
  const uint64_t start = ContainerStartBootNs(event);
  if (start != 0) out.Add(Value::Int(static_cast<int64_t>(event.boot_ns - start)));
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
// The container runtime's answers as the agent's own message. They are untrusted: what is too large
// is cut or left out, and what is of another form than expected is as if it were not there.
//
// Threads: thread-safe.
#ifndef VAKT_AGENT_ENRICH_CRI_CRI_ANSWER_H_
#define VAKT_AGENT_ENRICH_CRI_CRI_ANSWER_H_

#include <string>
#include <string_view>

#include "cri_runtime.pb.h"
#include "vakt/v1/container.pb.h"

namespace vakt {

// Bounds of what is taken of one container.
inline constexpr size_t kMaxCriText = 4096;
inline constexpr int kMaxCriEntries = 256;  // labels, annotations, mounts, addresses
inline constexpr size_t kMaxCriInfoBytes = size_t{1} << 20;

// "containerd", "cri-o": the runtime's name as alerts have it.
std::string CriRuntimeName(std::string_view name);

// The digest in "repository@sha256:...", or empty.
std::string_view DigestOf(std::string_view reference);

// From a verbose answer. Of the pod what the container's labels tell, and the sandbox's id.
// Complete, unless the runtime does not say whether it is privileged.
v1::Container ContainerOfStatus(const runtime::v1::ContainerStatusResponse& answer);

// The root directory, as the runtime gave it to its helper: containerd's is relative to a directory
// that it does not tell. May be empty.
std::string RootOfStatus(const runtime::v1::ContainerStatusResponse& answer);

// Adds the image's digest and id, as far as they are not there.
void SetImageOf(const runtime::v1::ImageStatusResponse& answer, v1::Container* container);

v1::Pod PodOfStatus(const runtime::v1::PodSandboxStatusResponse& answer);
// The sandbox itself as a container: the process that holds the pod's namespaces.
v1::Container ContainerOfSandbox(const runtime::v1::PodSandboxStatusResponse& answer);

}  // namespace vakt

#endif  // VAKT_AGENT_ENRICH_CRI_CRI_ANSWER_H_

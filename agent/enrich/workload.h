// SPDX-License-Identifier: Apache-2.0
// What made a pod, from what its labels and its name tell: nodes do not ask the Kubernetes API.
// Thread-safe.
#ifndef VAKT_AGENT_ENRICH_WORKLOAD_H_
#define VAKT_AGENT_ENRICH_WORKLOAD_H_

#include <map>
#include <string>

#include "vakt/v1/container.pb.h"

namespace vakt {

// Sets the pod's workload where its labels, its annotations and its name leave no doubt, and says
// that it was guessed. Controllers put these labels there, but so may whoever makes a pod.
void GuessWorkload(const std::map<std::string, std::string>& annotations, v1::Pod* pod);

}  // namespace vakt

#endif  // VAKT_AGENT_ENRICH_WORKLOAD_H_

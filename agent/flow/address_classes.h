// SPDX-License-Identifier: Apache-2.0
// Where the remote side of a flow is: on this node, in the cluster, in private networks, outside.
//
// Threads: thread-compatible.
#ifndef VAKT_AGENT_FLOW_ADDRESS_CLASSES_H_
#define VAKT_AGENT_FLOW_ADDRESS_CLASSES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "common/base/address.h"
#include "vakt/v1/flow.pb.h"

namespace vakt {

// Addresses here are 4 or 16 bytes in network order.
class AddressClasses {
 public:
  // `cluster`: blocks such as "10.0.0.0/8" that the cluster's pods and services have.
  // InvalidArgument names the one that is none.
  static absl::StatusOr<AddressClasses> Create(const std::vector<std::string>& cluster);

  // The node's own, as its interfaces have them.
  void SetNodeAddresses(std::vector<std::string> addresses);

  // `local` may be empty: not known.
  v1::Flow::Class Of(std::string_view remote, std::string_view local, bool in_container) const;

 private:
  std::vector<AddressBlock> cluster_;
  absl::flat_hash_set<std::string> node_;
};

// The addresses of the calling process's network namespace but for loopback; empty when the kernel
// does not tell.
std::vector<std::string> InterfaceAddresses();

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_ADDRESS_CLASSES_H_

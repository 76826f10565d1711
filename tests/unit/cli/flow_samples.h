// SPDX-License-Identifier: Apache-2.0
// Made-up flow records of pods. Threads: pure functions.
#ifndef VAKT_TESTS_UNIT_CLI_FLOW_SAMPLES_H_
#define VAKT_TESTS_UNIT_CLI_FLOW_SAMPLES_H_

#include <netinet/in.h>

#include <cstdint>
#include <map>
#include <string>

#include "common/base/address.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

struct SamplePod {
  std::string name_space = "shop";
  std::string name = "web-7c9-abcde";
  std::string address = "10.1.0.1";
  std::string kind = "Deployment";
  std::string workload = "web";
  std::map<std::string, std::string> labels = {{"app", "web"}, {"pod-template-hash", "7c9"}};
  bool host_network = false;
};

inline std::string AddressBytes(const std::string& text) {
  return ParseAddressBlock(text)->address;
}

// Of the second `at`: to or from the remote side; `port` is the service's.
inline v1::StoredRecord MakeFlow(const SamplePod& pod, v1::Flow::Direction direction,
                                 const std::string& remote, uint32_t port, v1::Flow::Class of,
                                 int64_t at = 1'000, int protocol = IPPROTO_TCP) {
  v1::StoredRecord stored;
  stored.set_cluster("c");
  stored.set_node("n1");
  v1::Flow& flow = *stored.mutable_record()->mutable_flow();
  flow.mutable_begin()->set_seconds(at);
  flow.mutable_end()->set_seconds(at + 10);
  v1::Pod& of_pod = *flow.mutable_container()->mutable_pod();
  of_pod.set_name(pod.name);
  of_pod.set_namespace_(pod.name_space);
  of_pod.set_uid(pod.name_space + "/" + pod.name);
  of_pod.add_addresses(pod.address);
  of_pod.set_host_network(pod.host_network);
  of_pod.set_workload_kind(pod.kind);
  of_pod.set_workload_name(pod.workload);
  of_pod.mutable_labels()->insert(pod.labels.begin(), pod.labels.end());
  flow.set_direction(direction);
  flow.set_class_(of);
  flow.set_protocol(static_cast<uint32_t>(protocol));
  flow.mutable_local()->set_address(AddressBytes(pod.address));
  flow.mutable_remote()->set_address(AddressBytes(remote));
  (direction == v1::Flow::DIRECTION_OUT ? flow.mutable_remote() : flow.mutable_local())
      ->set_port(port);
  flow.set_connections(1);
  flow.set_established(1);
  flow.set_bytes_out(10);
  return stored;
}

}  // namespace vakt

#endif  // VAKT_TESTS_UNIT_CLI_FLOW_SAMPLES_H_

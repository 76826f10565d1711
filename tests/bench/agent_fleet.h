// SPDX-License-Identifier: Apache-2.0
// Any number of agents in one process, each with a certificate, a connection and a stream of its
// own to a collector: for load, for soak and for reconnect storms. Alerts are made when they are
// sent; an agent that loses its stream comes back after a backoff with jitter, as a real one does,
// and goes on where the collector says.
//
//   AgentFleet fleet(&authority, 2000);
//   fleet.Connect(address);
//   const FleetReport report = fleet.Run({.batch_records = 10, .interval = absl::Seconds(1)},
//                                        absl::Seconds(20));
//
// Threads: the methods from one thread; gRPC's threads serve the streams.
#ifndef VAKT_TESTS_BENCH_AGENT_FLEET_H_
#define VAKT_TESTS_BENCH_AGENT_FLEET_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/support/dev_certificates.h"

namespace vakt {

struct FleetLoad {
  uint64_t batch_records = 10;
  absl::Duration interval = absl::Seconds(1);  // between batches of an agent; zero: as fast as
                                               // they are acknowledged
};

struct FleetReport {
  uint64_t acked_records = 0;
  uint64_t reconnects = 0;
  absl::Duration time;
  // From the write of a batch to its acknowledgement, or until now when there is none yet.
  absl::Duration p50, p99, max;
  std::vector<double> latencies_ms;  // all of them, in order of size
};

class SimulatedAgent;

class AgentFleet {
 public:
  // Nodes n0, n1, ...; makes their certificates.
  AgentFleet(TestAuthority* authority, size_t agents);
  ~AgentFleet();

  // Where the collector is from now on: streams that end are made again there.
  void SetAddress(const std::string& address);
  // Until all are welcomed, or the time is over. Returns how many are.
  size_t AwaitConnected(absl::Duration limit);
  FleetReport Run(const FleetLoad& load, absl::Duration time);
  // Until all that was sent is acknowledged, or the time is over.
  bool AwaitAcknowledged(absl::Duration limit);
  // What each has sent, by its number.
  std::vector<uint64_t> Sent() const;

 private:
  void Tick(const FleetLoad* load);

  std::string address_;
  std::vector<std::unique_ptr<SimulatedAgent>> agents_;
};

}  // namespace vakt

#endif  // VAKT_TESTS_BENCH_AGENT_FLEET_H_

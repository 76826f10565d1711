// SPDX-License-Identifier: Apache-2.0
// What ingest has taken and refused since the start. Threads: thread-safe.
#ifndef VAKT_COLLECTOR_INGEST_INGEST_STATS_H_
#define VAKT_COLLECTOR_INGEST_INGEST_STATS_H_

#include <atomic>
#include <cstdint>

namespace vakt {

struct IngestStats {
  std::atomic<uint64_t> streams{0};
  std::atomic<uint64_t> batches{0};
  std::atomic<uint64_t> records{0};            // stored and acknowledged, with duplicates
  std::atomic<uint64_t> refused{0};            // no agent's certificate
  std::atomic<uint64_t> forged{0};             // a Hello in another node's name
  std::atomic<uint64_t> malformed{0};          // messages, each of which ended a stream
  std::atomic<uint64_t> malformed_records{0};  // in good batches; gaps stand for them
  std::atomic<uint64_t> over_limit{0};
  std::atomic<uint64_t> held_back{0};        // times that an agent was made to wait for its rate
  std::atomic<uint64_t> idle{0};             // streams that were ended because nothing came
  std::atomic<uint64_t> not_stored{0};       // batches that the store could not take
  std::atomic<uint64_t> replaced{0};         // by a newer connection of the node
  std::atomic<uint64_t> discontinuities{0};  // a node's stream started again behind what is stored
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_INGEST_INGEST_STATS_H_

// SPDX-License-Identifier: Apache-2.0
// What one agent's stream may say, apart from gRPC and the store: checks each message, and makes of
// a batch the rows that are to be stored. Everything comes from the network.
//
// A message that breaks the protocol ends the stream. A record that cannot be taken does not: sent
// again it would be the same, and nothing behind it would ever arrive. It becomes a gap.
//
// Threads: thread-compatible.
#ifndef VAKT_COLLECTOR_INGEST_AGENT_PROTOCOL_H_
#define VAKT_COLLECTOR_INGEST_AGENT_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/ingest/malformed_place.h"
#include "collector/store/node_chain.h"
#include "vakt/v1/ingest.pb.h"

namespace vakt {

struct MessageLimits {
  int batch_records = 10'000;
  size_t hello_bytes = 256 << 10;  // also of a heartbeat: the newest of each node are kept
};

// A batch as it is to be stored.
struct TakenBatch {
  RecordBatch batch;
  v1::Position last;       // to acknowledge once it is
  uint64_t malformed = 0;  // of its records
  std::string reason;      // of the first of those
};

class AgentProtocol {
 public:
  // `node`: by the certificate.
  // `completion` may be null; it outlives this.
  AgentProtocol(std::string node, MessageLimits limits,
                const RecordCompletion* completion = nullptr)
      : node_(std::move(node)), limits_(limits), completion_(completion) {}

  bool said_hello() const { return said_hello_; }
  // PERMISSION_DENIED when it speaks for another node.
  absl::Status TakeHello(const v1::Hello& hello);
  // Where the store has the node's stream, once it has said so.
  void SetStored(StreamPlace stored) { newest_ = std::move(stored); }
  // Takes the records out of `batch`. `now_ns`: wall clock.
  absl::StatusOr<TakenBatch> TakeBatch(v1::Batch* batch, int64_t now_ns);
  absl::Status CheckHeartbeat(const v1::Heartbeat& heartbeat) const;

 private:
  class Sorter;  // of one batch's records

  // Takes the bytes if the record is good.
  absl::StatusOr<RecordRow> TakeRecord(std::string* bytes) const;
  // What `batch` says of its last record's position, if that can be.
  std::optional<StreamPlace> ToldLast(const v1::Batch& batch,
                                      const std::optional<StreamPlace>& before) const;

  const std::string node_;
  const MessageLimits limits_;
  const RecordCompletion* const completion_;
  bool said_hello_ = false;
  std::string boot_id_;
  int64_t epoch_ = 0;
  std::optional<StreamPlace> newest_;  // of what the store has or was given
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_INGEST_AGENT_PROTOCOL_H_

// SPDX-License-Identifier: Apache-2.0
// Whether what a node sends continues what the store has of it. Each record's hash covers all
// records before it (docs/formats/spool.md), so the hash of the newest stored record tells a stream
// that was cut back, written anew or altered from the one that was stored.
//
// Pure functions, thread-safe.
#ifndef VAKT_COLLECTOR_STORE_NODE_CHAIN_H_
#define VAKT_COLLECTOR_STORE_NODE_CHAIN_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "collector/store/record_row.h"
#include "common/recordlog/chain.h"
#include "vakt/v1/ingest.pb.h"

namespace vakt {

// Records in stream order, and what the node says of its chain around them.
struct RecordBatch {
  std::vector<RecordRow> rows;
  std::optional<ChainHash> before;  // none: the node does not know
  std::optional<ChainHash> after;   // none: the node keeps no chain
  // What could not be taken and has no place in the stream; no row stands for it.
  std::vector<MalformedRecord> strays;
};

// The chain after the newest record that the store has of a node.
struct ChainEnd {
  int64_t epoch = 0;
  int64_t seq = 0;
  ChainHash hash = {};
};

enum class ChainBreak : uint8_t {
  kNone,
  kRestarted,   // a new chain: the node's state directory was replaced or emptied
  kRolledBack,  // the node's stream ends before what is stored of it
  kForked,      // it has other records than those that are stored, or lacks some
  kAltered,     // the records are not those that the node's own hash covers
  kUnchained,   // the node has a chain and stopped to tell it
};

// Sets `chain` of each row, as far as it follows from `before` and from tombstones.
void ComputeChain(RecordBatch* batch);

// `batch` has been through ComputeChain and has rows. Behind a record that could not be taken
// nothing can be compared.
ChainBreak CheckBatch(const ChainEnd& end, const RecordBatch& batch);
// What a node says of its newest record before it sends any.
ChainBreak CheckHead(const ChainEnd& end, const v1::ChainPoint& head);
// The end after the batch; `end` when it is wholly behind that. None: the batch tells no chain.
std::optional<ChainEnd> EndAfter(const std::optional<ChainEnd>& end, const RecordBatch& batch);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_NODE_CHAIN_H_

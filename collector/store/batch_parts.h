// SPDX-License-Identifier: Apache-2.0
// A batch in parts, so that those of other nodes need not wait for the whole of a large one. The
// parts are stored one after the other, and continue the node's chain as the batch does.
//
// Pure functions, thread-safe.
#ifndef VAKT_COLLECTOR_STORE_BATCH_PARTS_H_
#define VAKT_COLLECTOR_STORE_BATCH_PARTS_H_

#include <cstddef>
#include <vector>

#include "collector/store/node_chain.h"

namespace vakt {

// In memory while it waits.
size_t BytesOf(const RecordBatch& batch);

// Of about `part_bytes` each, in order; at least one. `batch` has been through ComputeChain.
std::vector<RecordBatch> SplitBatch(RecordBatch batch, size_t part_bytes);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_BATCH_PARTS_H_

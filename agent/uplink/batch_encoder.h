// SPDX-License-Identifier: Apache-2.0
// Builds the bytes of a vakt.v1.AgentMessage that holds a Batch straight from records that are
// encoded already: one copy and no protobuf objects. Pure function, thread-safe.
#ifndef VAKT_AGENT_UPLINK_BATCH_ENCODER_H_
#define VAKT_AGENT_UPLINK_BATCH_ENCODER_H_

#include <string>

#include "absl/types/span.h"
#include "agent/spool/segment_store.h"
#include "agent/spool/spool_record.h"

namespace vakt {

std::string EncodeBatch(absl::Span<const OutRecord> records, const ChainSpan& chain);

}  // namespace vakt

#endif  // VAKT_AGENT_UPLINK_BATCH_ENCODER_H_

// SPDX-License-Identifier: Apache-2.0
// What the spool cannot know of its records: when each happened, and how to tell the collector that
// some are gone. Thread-safe.
#ifndef VAKT_AGENT_APP_TOMBSTONE_CODEC_H_
#define VAKT_AGENT_APP_TOMBSTONE_CODEC_H_

#include <string>
#include <string_view>
#include <utility>

#include "agent/spool/spool_record.h"

namespace vakt {

class TombstoneCodec : public RecordCodec {
 public:
  // `boot_id`: this boot's, for what is gone without any trace of its own.
  explicit TombstoneCodec(std::string boot_id) : boot_id_(std::move(boot_id)) {}

  Facts Describe(std::string_view bytes) const override;
  // An encoded vakt.v1.Record with a Gap of class SHED or CORRUPT.
  std::string Encode(const Tombstone& tombstone, const ChainHash& after) const override;

 private:
  const std::string boot_id_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_TOMBSTONE_CODEC_H_

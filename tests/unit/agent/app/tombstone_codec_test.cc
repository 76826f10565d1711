// SPDX-License-Identifier: Apache-2.0
#include "agent/app/tombstone_codec.h"

#include <gtest/gtest.h>

#include "common/time/wall_time.h"
#include "vakt/v1/alert.pb.h"

namespace vakt {
namespace {

v1::Record Encoded(const Tombstone& tombstone, const ChainHash& after = {}) {
  v1::Record record;
  EXPECT_TRUE(record.ParseFromString(TombstoneCodec("now").Encode(tombstone, after)));
  return record;
}

TEST(TombstoneCodecTest, DescribesWhatEachKindOfRecordSays) {
  v1::Record alert, gap, note;
  for (v1::Record* record : {&alert, &gap, &note}) record->set_boot_id("boot");
  FromWallNs(11, alert.mutable_alert()->mutable_time());
  FromWallNs(12, gap.mutable_gap()->mutable_begin());
  FromWallNs(13, note.mutable_lifecycle()->mutable_time());
  int64_t expected = 11;
  for (const v1::Record& record : {alert, gap, note}) {
    const RecordCodec::Facts facts = TombstoneCodec("now").Describe(record.SerializeAsString());
    EXPECT_EQ(facts.boot_id, "boot");
    EXPECT_EQ(facts.wall_ns, expected++);
  }
  EXPECT_EQ(TombstoneCodec("now").Describe("\xff no record").boot_id, "");
}

TEST(TombstoneCodecTest, TellsWhatIsGone) {
  Tombstone tombstone;
  tombstone.first = {7, 3};
  tombstone.last = {7, 9};
  tombstone.count = 7;
  tombstone.by_priority = {{7, 5}, {kNoteClass, 2}};
  tombstone.boot_id = "boot";
  tombstone.begin_wall_ns = 100;
  tombstone.end_wall_ns = 200;
  ChainHash after;
  after.fill(1);
  const v1::Record record = Encoded(tombstone, after);
  EXPECT_EQ(record.boot_id(), "boot");
  EXPECT_EQ(record.epoch(), 7u);
  EXPECT_EQ(record.seq(), 9u);
  const v1::Gap& gap = record.gap();
  EXPECT_EQ(gap.class_(), v1::Gap::CLASS_SHED);
  EXPECT_EQ(gap.reason(), "spool_quota");
  EXPECT_EQ(gap.count(), 7u);
  EXPECT_EQ(gap.first_seq(), 3u);
  EXPECT_EQ(gap.last_seq(), 9u);
  EXPECT_EQ(gap.count_by_priority().at("Debug"), 5u);
  EXPECT_EQ(gap.count_by_priority().at("note"), 2u);
  EXPECT_EQ(ToWallNs(gap.begin()), 100);
  EXPECT_EQ(ToWallNs(gap.end()), 200);
  EXPECT_EQ(gap.chain_after(), AsBytes(after));
}

TEST(TombstoneCodecTest, CorruptIsAClassOfItsOwnAndTheBootIsAlwaysNamed) {
  Tombstone tombstone;
  tombstone.first = tombstone.last = {7, 3};
  tombstone.count = 1;
  tombstone.reason = LossReason::kCorrupt;
  const v1::Record record = Encoded(tombstone);
  EXPECT_EQ(record.gap().class_(), v1::Gap::CLASS_CORRUPT);
  EXPECT_EQ(record.boot_id(), "now");
  EXPECT_FALSE(record.gap().has_begin());
}

}  // namespace
}  // namespace vakt

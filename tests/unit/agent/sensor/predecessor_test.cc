// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/predecessor.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace vakt {
namespace {

constexpr uint64_t kMs = 1'000'000;

std::vector<std::byte> Record(uint32_t tid, uint64_t boot_ns, uint16_t kind = 16) {
  struct {
    vakt_header header;
    vakt_task task;
  } record = {};
  record.header.kind = kind;
  record.header.boot_ns = boot_ns;
  record.task.tid = tid;
  std::vector<std::byte> bytes(sizeof(record));
  std::memcpy(bytes.data(), &record, sizeof(record));
  return bytes;
}

TEST(Twins, WhatBothSawIsFoundOnceWhoeverWasFirst) {
  Twins twins;
  twins.Add(Record(1, 100 * kMs));
  twins.Add(Record(1, 101 * kMs));
  EXPECT_TRUE(twins.Take(Record(1, 100 * kMs + 3000)));
  EXPECT_TRUE(twins.Take(Record(1, 101 * kMs - 3000)));
  EXPECT_FALSE(twins.Take(Record(1, 101 * kMs + 4000)));
  EXPECT_TRUE(twins.empty());
}

TEST(Twins, AnotherThreadOrKindIsAnotherAct) {
  Twins twins;
  twins.Add(Record(1, 100 * kMs));
  EXPECT_FALSE(twins.Take(Record(2, 100 * kMs)));
  EXPECT_FALSE(twins.Take(Record(1, 100 * kMs, 17)));
}

// Theirs alone saw the first act and ours alone the last: a thread that does the same every
// millisecond must not have each of its acts taken for the one before.
TEST(Twins, ActsThatOneSetAloneSawShiftNothing) {
  Twins twins;
  for (uint64_t i = 0; i < 60; ++i) twins.Add(Record(1, (100 + i) * kMs));
  for (uint64_t i = 5; i < 60; ++i) EXPECT_TRUE(twins.Take(Record(1, (100 + i) * kMs + 2000)));
  EXPECT_FALSE(twins.Take(Record(1, 160 * kMs)));
}

TEST(Twins, WhatLiesFarApartIsTwoActs) {
  Twins twins;
  twins.Add(Record(1, 100 * kMs));
  EXPECT_FALSE(twins.Take(Record(1, 100 * kMs + Twins::kApartNs + 1)));
}

TEST(Twins, WhatIsOlderThanBothSetsIsForgotten) {
  Twins twins;
  twins.SetSince(1000 * kMs);
  twins.Add(Record(1, 100 * kMs));
  EXPECT_TRUE(twins.empty());
}

TEST(Twins, CutRecordsAreNobodysTwins) {
  Twins twins;
  std::vector<std::byte> cut = Record(1, 100 * kMs);
  cut.resize(30);
  twins.Add(cut);
  EXPECT_TRUE(twins.empty());
  EXPECT_FALSE(twins.Take(cut));
}

}  // namespace
}  // namespace vakt

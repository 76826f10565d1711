// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/ring_set.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "bpf/wire/wire.h"
#include "common/base/unique_fd.h"

namespace vakt {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kSize = 16384;
constexpr uint32_t kBusy = 1u << 31;
constexpr uint32_t kDiscard = 1u << 30;

// A ring as the kernel lays it out, in a memory file, written by the test.
class FakeRing {
 public:
  FakeRing() : fd_(memfd_create("ring", MFD_CLOEXEC)) {
    EXPECT_EQ(ftruncate(fd_.get(), 2 * kPage + kSize), 0);
    base_ = static_cast<std::byte*>(
        mmap(nullptr, 2 * kPage + kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0));
  }
  ~FakeRing() { munmap(base_, 2 * kPage + kSize); }
  int fd() const { return fd_.get(); }

  // Record headers are 8-byte aligned and so never wrap; what follows may.
  uint32_t* Put(uint64_t boot_ns, size_t size = sizeof(vakt_header), uint32_t bits = 0) {
    std::byte* data = base_ + 2 * kPage;
    auto* word = reinterpret_cast<uint32_t*>(data + producer() % kSize);
    *word = static_cast<uint32_t>(size) | bits;
    vakt_header header = {};
    header.boot_ns = boot_ns;
    const auto* bytes = reinterpret_cast<const std::byte*>(&header);
    for (size_t i = 0; i < std::min(size, sizeof(header)); ++i) {
      data[(producer() + 8 + i) % kSize] = bytes[i];
    }
    producer() += (size + 8 + 7) & ~size_t{7};
    return word;
  }
  uint64_t& producer() { return *reinterpret_cast<uint64_t*>(base_ + kPage); }
  uint64_t consumer() const { return *reinterpret_cast<uint64_t*>(base_); }

 private:
  UniqueFd fd_;
  std::byte* base_;
};

std::vector<uint64_t> Times(const std::vector<RawRecord>& records) {
  std::vector<uint64_t> times;
  for (RawRecord record : records) {
    vakt_header header;
    std::memcpy(&header, record.data(), sizeof(header));
    times.push_back(header.boot_ns);
  }
  return times;
}

class RingSetTest : public ::testing::Test {
 protected:
  RingSetTest() : set_(*RingSet::Map({a_.fd(), b_.fd()}, kSize)) {}
  std::vector<uint64_t> Collect(size_t max = 100, uint64_t now_ns = 1000000) {
    std::vector<RawRecord> records;
    set_.Collect(max, now_ns, &records);
    return Times(records);
  }
  FakeRing a_, b_;
  RingSet set_;
};

TEST_F(RingSetTest, MergesByTime) {
  for (uint64_t t : {1, 4, 5}) a_.Put(t);
  for (uint64_t t : {2, 3, 6}) b_.Put(t);
  EXPECT_TRUE(set_.HasData());
  EXPECT_EQ(Collect(), (std::vector<uint64_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_FALSE(set_.HasData());
}

TEST_F(RingSetTest, GivesRoomBackOnlyOnRelease) {
  a_.Put(1);
  Collect();
  EXPECT_EQ(a_.consumer(), 0u);
  set_.Release();
  EXPECT_EQ(a_.consumer(), a_.producer());
}

TEST_F(RingSetTest, StopsAtARecordThatIsBeingWritten) {
  a_.Put(1);
  uint32_t* busy = a_.Put(2, sizeof(vakt_header), kBusy);
  a_.Put(3);
  EXPECT_EQ(Collect(), (std::vector<uint64_t>{1}));
  EXPECT_TRUE(set_.HasData());
  *busy &= ~kBusy;
  EXPECT_EQ(Collect(), (std::vector<uint64_t>{2, 3}));
}

TEST_F(RingSetTest, SkipsDiscardedRecords) {
  a_.Put(1);
  a_.Put(0, 8, kDiscard);
  a_.Put(2);
  EXPECT_EQ(Collect(), (std::vector<uint64_t>{1, 2}));
  a_.Put(0, 8, kDiscard);
  EXPECT_TRUE(Collect().empty());
  EXPECT_FALSE(set_.HasData());
}

TEST_F(RingSetTest, ABatchThatIsFullGoesOnWhereItStopped) {
  for (uint64_t t : {1, 3, 5}) a_.Put(t);
  for (uint64_t t : {2, 4, 6}) b_.Put(t);
  EXPECT_EQ(Collect(2), (std::vector<uint64_t>{1, 2}));
  set_.Release();
  EXPECT_EQ(Collect(2), (std::vector<uint64_t>{3, 4}));
  set_.Release();
  EXPECT_EQ(Collect(2), (std::vector<uint64_t>{5, 6}));
  set_.Release();
  EXPECT_EQ(a_.consumer(), a_.producer());
  EXPECT_EQ(b_.consumer(), b_.producer());
}

// The first ring may have been looked at before it had what the second one's record follows from.
TEST_F(RingSetTest, WhatHappenedSinceItBeganToLookIsLeftForTheNextTime) {
  a_.Put(1);
  b_.Put(4);
  b_.Put(5);
  EXPECT_EQ(Collect(100, 4), (std::vector<uint64_t>{1, 4}));
  EXPECT_TRUE(set_.HasData());
  a_.Put(3);
  EXPECT_EQ(Collect(100, 5), (std::vector<uint64_t>{3, 5}));
  EXPECT_FALSE(set_.HasData());
}

TEST_F(RingSetTest, ARecordOfAnotherClockIsNotWaitedFor) {
  constexpr uint64_t kNow = 5, kYear = 31'536'000'000'000'000;
  a_.Put(kNow + kYear);
  EXPECT_EQ(Collect(100, kNow), (std::vector<uint64_t>{kNow + kYear}));
}

TEST_F(RingSetTest, ARecordThatWrapsIsWhole) {
  constexpr size_t kRecords = 3 * kSize / 40;  // 24-byte headers and 8 more make odd places
  std::vector<uint64_t> seen;
  for (uint64_t t = 1; t <= kRecords; ++t) {
    a_.Put(t, sizeof(vakt_header) + 8);
    for (uint64_t time : Collect()) seen.push_back(time);
    set_.Release();
  }
  ASSERT_EQ(seen.size(), kRecords);
  for (uint64_t t = 1; t <= kRecords; ++t) EXPECT_EQ(seen[t - 1], t);
}

TEST_F(RingSetTest, ALengthBeyondTheProducerIsNotFollowed) {
  uint32_t* word = a_.Put(1);
  *word = 12000;
  EXPECT_TRUE(Collect().empty());
}

TEST_F(RingSetTest, ARecordWithoutAHeaderComesFirstAndIsLeftToTheDecoder) {
  a_.Put(7);
  b_.Put(0, 8);
  std::vector<RawRecord> records;
  set_.Collect(10, 1000000, &records);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].size(), 8u);
}

TEST(RingSet, WhatCannotBeMappedIsAnError) { EXPECT_FALSE(RingSet::Map({-1}, kSize).ok()); }

}  // namespace
}  // namespace vakt

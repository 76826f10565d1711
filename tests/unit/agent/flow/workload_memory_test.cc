// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/workload_memory.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kBegin = 1'700'000'000 * kSecond;

TEST(WorkloadMemory, TheFirstTimeIsTheFirstTimeOnly) {
  WorkloadMemory memory;
  auto answer = memory.Meet("image a", "10.0.0.0", false, kBegin);
  EXPECT_TRUE(answer.new_peer);
  EXPECT_FALSE(answer.new_external);
  EXPECT_EQ(answer.known_ns, 0u);
  answer = memory.Meet("image a", "example.com", true, kBegin + 60 * kSecond);
  EXPECT_TRUE(answer.new_peer);
  EXPECT_TRUE(answer.new_external);
  EXPECT_EQ(answer.known_ns, 60u * kSecond);
  answer = memory.Meet("image a", "example.com", true, kBegin + 90 * kSecond);
  EXPECT_FALSE(answer.new_peer);
  EXPECT_FALSE(answer.new_external);
  EXPECT_TRUE(memory.Meet("image b", "example.com", true, kBegin).new_external) << "another";
  EXPECT_EQ(memory.Meet("image a", "x", false, 0).known_ns, 0u) << "a clock that was set back";
}

TEST(WorkloadMemory, ComesBackFromItsFile) {
  WorkloadMemory memory;
  memory.Meet("image a", "example.com", true, kBegin);
  memory.Meet("image b", "10.0.0.0", false, kBegin);
  EXPECT_TRUE(memory.changed());
  const std::string bytes = memory.Save();
  EXPECT_FALSE(memory.changed());
  WorkloadMemory back;
  ASSERT_TRUE(back.Load(bytes).ok());
  EXPECT_EQ(back.size(), 2u);
  const auto answer = back.Meet("image a", "example.com", true, kBegin + 5 * kSecond);
  EXPECT_FALSE(answer.new_peer);
  EXPECT_FALSE(answer.new_external);
  EXPECT_EQ(answer.known_ns, 5u * kSecond);
  EXPECT_FALSE(back.changed()) << "nothing that was not known";
  EXPECT_TRUE(back.Meet("image b", "example.com", true, kBegin).new_external);
  EXPECT_TRUE(back.changed());
}

TEST(WorkloadMemory, NamesCannotBeMadeToPassForOthers) {
  WorkloadMemory memory;
  // These have the same 64-bit FNV-1a hash, which is 0 and stays so.
  const std::string known = "\xd5\x6b\xb9\x53\x42\x87\x08\x36";
  const std::string other = known + std::string(1, '\0');
  EXPECT_TRUE(memory.Meet("image a", known, true, kBegin).new_peer);
  EXPECT_TRUE(memory.Meet("image a", other, true, kBegin).new_peer);
  EXPECT_EQ(memory.Meet(other, known, true, kBegin).known_ns, 0u);
  EXPECT_TRUE(memory.Meet(known, known, true, kBegin).new_peer) << "another workload";
  // Each node has a key of its own: what collides on one does not on another.
  WorkloadMemory a, b;
  a.Meet("image", "peer", true, kBegin);
  b.Meet("image", "peer", true, kBegin);
  EXPECT_NE(a.Save(), b.Save());
  // The key comes back with the file.
  WorkloadMemory back;
  ASSERT_TRUE(back.Load(a.Save()).ok());
  EXPECT_EQ(back.Save(), a.Save());
  EXPECT_FALSE(back.Meet("image", "peer", true, kBegin).new_peer);
}

TEST(WorkloadMemory, AnyDamageIsFound) {
  WorkloadMemory memory;
  for (int i = 0; i < 5; ++i) memory.Meet(StrCat("image ", i), "example.com", true, kBegin);
  const std::string bytes = memory.Save();
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = bytes;
    if (i % 2 == 0) {
      damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
    } else {
      damaged.resize(random() % damaged.size());
    }
    WorkloadMemory back;
    EXPECT_TRUE(absl::IsDataLoss(back.Load(damaged)));
    EXPECT_EQ(back.size(), 0u);
  }
  WorkloadMemory back;
  EXPECT_FALSE(back.Load("").ok());
}

TEST(WorkloadMemory, IsBounded) {
  WorkloadMemory memory;
  for (size_t i = 0; i < WorkloadMemory::kMaxPeers; ++i) {
    const auto answer = memory.Meet("image a", StrCat("peer", i), false, kBegin);
    EXPECT_TRUE(answer.new_peer);
    EXPECT_FALSE(answer.full);
  }
  const auto answer = memory.Meet("image a", "one more", true, kBegin);
  EXPECT_TRUE(answer.full);
  EXPECT_FALSE(answer.new_peer) << "it may be an old one";
  EXPECT_TRUE(answer.new_external) << "that is known for certain";
  for (size_t i = 0; i < 2 * WorkloadMemory::kMaxWorkloads; ++i) {
    memory.Meet(StrCat("image ", i), "x", false, kBegin + static_cast<int64_t>(i) * kSecond);
  }
  EXPECT_EQ(memory.size(), WorkloadMemory::kMaxWorkloads);
  WorkloadMemory back;
  EXPECT_TRUE(back.Load(memory.Save()).ok());
}

}  // namespace
}  // namespace vakt

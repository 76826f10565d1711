// SPDX-License-Identifier: Apache-2.0
// Matching an event costs no memory once the matcher has seen its like. A program of its own,
// because it replaces the allocator's entry points.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "agent/match/matcher.h"
#include "common/rulelang/load.h"
#include "tests/support/rule_mix.h"

namespace {
size_t allocations = 0;
}  // namespace

// Not inlined: the compiler would take malloc and delete for a mismatched pair.
[[gnu::noinline]] void* operator new(size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  ++allocations;
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace vakt {
namespace {

// More than there are events and places for what is known of processes.
constexpr int kWarmUp = 40'000;
constexpr int kMeasured = 10'000;

TEST(MatcherAllocationTest, AllocatesNothingInTheSteadyState) {
  const LoadResult loaded = LoadRules({{{"mix.yaml", RuleMix(1000)}}});
  ASSERT_TRUE(loaded.ok);
  auto matcher = Matcher::Compile(loaded.rules, MatchMode::kAll);
  ASSERT_TRUE(matcher.ok());
  RuleMixEvents events;
  std::vector<const Rule*> matched;
  size_t fired = 0;
  for (int i = 0; i < kWarmUp; ++i) (*matcher)->Match(events.Next(), &matched);
  const size_t before = allocations;
  for (int i = 0; i < kMeasured; ++i) {
    (*matcher)->Match(events.Next(), &matched);
    fired += matched.size();
  }
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_GT(before, 0u);
  EXPECT_GT(fired, 0u);
}

}  // namespace
}  // namespace vakt

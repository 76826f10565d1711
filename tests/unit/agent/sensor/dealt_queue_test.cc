// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/dealt_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace vakt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A turn is known by its place.
Dealt Turn(uint64_t number) {
  Dealt dealt;
  dealt.positions = {number};
  return dealt;
}

std::vector<uint64_t> TakeAll(DealtQueue* queue) {
  std::vector<uint64_t> turns;
  Dealt dealt;
  while (queue->Take(&dealt)) turns.push_back(dealt.positions[0]);
  return turns;
}

TEST(DealtQueueTest, ATurnIsTakenOnceItsRecordsAreWritten) {
  DealtQueue queue;
  queue.Settle({.seen = 3, .decided = 3, .given = 2, .written = 0});
  queue.Add(Turn(1));
  queue.Settle({.seen = 5, .decided = 5, .given = 4, .written = 1});
  EXPECT_THAT(TakeAll(&queue), IsEmpty());
  queue.Add(Turn(2));
  queue.Settle({.seen = 5, .decided = 5, .given = 4, .written = 3});
  EXPECT_THAT(TakeAll(&queue), ElementsAre(1));
  queue.Settle({.seen = 5, .decided = 5, .given = 4, .written = 4});
  EXPECT_THAT(TakeAll(&queue), ElementsAre(2));
}

// The records of other events, even of many, are not those that it waits for.
TEST(DealtQueueTest, ATurnWithAnEventThatIsNotDecidedWaitsForThatOnesRecord) {
  DealtQueue queue;
  queue.Settle({.seen = 3, .decided = 1, .given = 1, .written = 1});
  queue.Add(Turn(1));
  for (uint64_t turn = 2; turn <= 4; ++turn) {
    queue.Settle({.seen = 3 * turn, .decided = 1, .given = turn, .written = turn});
    EXPECT_THAT(TakeAll(&queue), IsEmpty());
    queue.Add(Turn(turn));
  }
  queue.Settle({.seen = 12, .decided = 8, .given = 5, .written = 4});
  EXPECT_THAT(TakeAll(&queue), IsEmpty());  // decided, and record 5 may be what came of it
  queue.Settle({.seen = 12, .decided = 8, .given = 7, .written = 6});
  EXPECT_THAT(TakeAll(&queue), ElementsAre(1, 2));
  queue.Settle({.seen = 12, .decided = 12, .given = 7, .written = 7});
  EXPECT_THAT(TakeAll(&queue), ElementsAre(3, 4));
}

TEST(DealtQueueTest, TurnsWithoutRecordsOfTheirOwnAreOne) {
  DealtQueue queue;
  for (uint64_t turn = 1; turn <= 10; ++turn) {
    queue.Settle({.seen = turn, .decided = turn, .given = 1, .written = 0});
    queue.Add(Turn(turn));
  }
  EXPECT_EQ(queue.size(), 1u);
  queue.Settle({.seen = 10, .decided = 10, .given = 1, .written = 1});
  EXPECT_THAT(TakeAll(&queue), ElementsAre(10));
}

TEST(DealtQueueTest, LossesOfATurnThatIsJoinedAreKept) {
  DealtQueue queue;
  queue.Settle({.seen = 1, .decided = 1, .given = 1, .written = 0});
  Dealt first = Turn(1);
  first.told.resize(2);
  queue.Add(std::move(first));
  queue.Add(Turn(2));
  Dealt taken;
  ASSERT_TRUE(queue.TakeAnyway(&taken));
  EXPECT_EQ(taken.told.size(), 2u);
  EXPECT_THAT(taken.positions, ElementsAre(2));
}

TEST(DealtQueueTest, WhatWasTakenUnwrittenIsKnownUntilItIsWritten) {
  DealtQueue queue;
  Dealt taken;
  queue.Settle({.seen = 2, .decided = 1, .given = 1, .written = 1});
  queue.Add(Turn(1));
  ASSERT_TRUE(queue.TakeAnyway(&taken));
  EXPECT_TRUE(queue.has_given_up());
  queue.Settle({.seen = 9, .decided = 1, .given = 5, .written = 5});
  EXPECT_TRUE(queue.has_given_up());
  queue.Settle({.seen = 9, .decided = 2, .given = 6, .written = 5});
  EXPECT_TRUE(queue.has_given_up());
  queue.Settle({.seen = 9, .decided = 2, .given = 6, .written = 6});
  EXPECT_FALSE(queue.has_given_up());
  queue.Add(Turn(2));  // open, as events 3 to 9 are
  queue.Settle({.seen = 9, .decided = 9, .given = 6, .written = 6});
  ASSERT_TRUE(queue.Take(&taken));
  EXPECT_FALSE(queue.has_given_up());
}

// Against a model: at no time is a turn taken of which an event is undecided or a record unwritten,
// whatever was joined; in the end all are.
TEST(DealtQueueTest, NeverTakesTooEarlyHoweverManyWait) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    DealtQueue queue;
    std::vector<uint64_t> last_event = {0}, last_record = {0};  // of each turn
    std::multiset<uint64_t> open;                               // events, by number
    uint64_t events = 0, given = 0, written = 0, taken = 0;
    const auto check = [&] {
      for (const uint64_t turn : TakeAll(&queue)) {
        EXPECT_GT(turn, taken);
        taken = turn;
        EXPECT_TRUE(open.empty() || *open.begin() > last_event[turn]);
        EXPECT_LE(last_record[turn], written);
      }
    };
    const auto settle = [&] {
      queue.Settle({.seen = events,
                    .decided = open.empty() ? events : *open.begin() - 1,
                    .given = given,
                    .written = written});
    };
    for (uint64_t turn = 1; turn <= 500; ++turn) {
      for (uint64_t n = random() % 4; n > 0; --n) {
        ++events;
        if (random() % 8 == 0)
          open.insert(events);
        else if (random() % 3 == 0)
          ++given;
      }
      last_event.push_back(events);
      last_record.push_back(given);
      while (!open.empty() && random() % 3 == 0) {  // decided: its record belongs to its turn
        const uint64_t event = *open.begin();
        open.erase(open.begin());
        ++given;
        for (uint64_t t = 1; t <= turn; ++t) {
          if (last_event[t] >= event) last_record[t] = std::max(last_record[t], given);
        }
      }
      written += random() % (given - written + 1);
      settle();
      check();
      queue.Add(Turn(turn));
      ASSERT_LE(queue.size(), DealtQueue::kMost);
    }
    open.clear();
    written = given;
    settle();
    check();
    EXPECT_EQ(taken, 500u);
    EXPECT_TRUE(queue.empty());
  }
}

}  // namespace
}  // namespace vakt

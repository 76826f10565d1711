// SPDX-License-Identifier: Apache-2.0
#include "collector/door/lobby.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace vakt {
namespace {

constexpr absl::Time kStart = absl::FromUnixSeconds(1000);
constexpr DoorLimits kLimits = {.lobby = 100,
                                .lobby_of_source = 60,
                                .hello_timeout = absl::Seconds(5),
                                .patience = absl::Seconds(10),
                                .strangers = 20,
                                .strangers_per_second = 2,
                                .strangers_burst = 9,
                                .call_timeout = absl::Seconds(7)};

// Ids from `first` on; those that had room are in line.
size_t Come(Lobby* lobby, const std::string& source, Lobby::Id first, size_t count,
            absl::Time now = kStart) {
  size_t entered = 0;
  for (Lobby::Id id = first; id < first + count; ++id) {
    if (!lobby->Enter(id, source, now)) continue;
    ++entered;
    lobby->SaidHello(id, now);
  }
  return entered;
}
std::vector<Lobby::Id> LetIn(Lobby* lobby, absl::Time now = kStart) {
  std::vector<Lobby::Id> ids;
  while (const auto id = lobby->Next(now)) ids.push_back(*id);
  return ids;
}

TEST(LobbyTest, NobodyGoesInWithoutAHello) {
  Lobby lobby(kLimits);
  ASSERT_TRUE(lobby.Enter(1, "a", kStart));
  EXPECT_TRUE(LetIn(&lobby).empty());
  lobby.SaidHello(1, kStart);
  EXPECT_EQ(LetIn(&lobby), std::vector<Lobby::Id>({1}));
  EXPECT_EQ(lobby.waiting(), 0u);
  EXPECT_EQ(lobby.inside(), 1u);
}

TEST(LobbyTest, ACrowdOfOneSourceLeavesRoomForOthers) {
  Lobby lobby(kLimits);
  EXPECT_EQ(Come(&lobby, "a", 0, 1000), 60u);
  EXPECT_EQ(Come(&lobby, "b", 2000, 1000), 40u);  // all of them together have a limit, too
  EXPECT_EQ(lobby.waiting(), 100u);
}

TEST(LobbyTest, SourcesTakeTurns) {
  Lobby lobby(kLimits);
  Come(&lobby, "a", 100, 50);
  Come(&lobby, "b", 200, 2);
  const std::vector<Lobby::Id> ids = LetIn(&lobby);
  ASSERT_GE(ids.size(), 4u);
  EXPECT_EQ(std::vector<Lobby::Id>(ids.begin(), ids.begin() + 4),
            std::vector<Lobby::Id>({100, 200, 101, 201}));
}

TEST(LobbyTest, StrangersOfASourceAreLimitedUntilTheyMakeCalls) {
  Lobby lobby(kLimits);
  Come(&lobby, "a", 100, 50);
  const std::vector<Lobby::Id> first = LetIn(&lobby);
  EXPECT_EQ(first.size(), 10u);  // the burst, and the one that overdraws it
  EXPECT_EQ(LetIn(&lobby, kStart + absl::Seconds(1)).size(), 2u);
  // Trusted ones give back what they took: as many may follow.
  for (const Lobby::Id id : first) lobby.MadeCall(id, true);
  EXPECT_EQ(LetIn(&lobby, kStart + absl::Seconds(1)).size(), 10u);
}

TEST(LobbyTest, WhoIsNotTrustedGivesNothingBack) {
  Lobby lobby(kLimits);
  Come(&lobby, "a", 100, 50);
  for (const Lobby::Id id : LetIn(&lobby)) {
    lobby.MadeCall(id, false);
    lobby.Leave(id);
  }
  EXPECT_TRUE(LetIn(&lobby).empty());
}

TEST(LobbyTest, ASourcePaysForMisuseAndNoOtherDoes) {
  Lobby lobby(kLimits);
  Come(&lobby, "a", 100, 50);
  Come(&lobby, "b", 200, 1);
  const std::vector<Lobby::Id> first = LetIn(&lobby);
  ASSERT_EQ(first.front(), 100u);
  lobby.MadeCall(100, true);
  lobby.Charge(100, 20, kStart);  // ten seconds' worth
  EXPECT_TRUE(LetIn(&lobby, kStart + absl::Seconds(9)).empty());
  Come(&lobby, "b", 300, 2, kStart + absl::Seconds(9));
  EXPECT_EQ(LetIn(&lobby, kStart + absl::Seconds(9)), std::vector<Lobby::Id>({300, 301}));
  EXPECT_FALSE(LetIn(&lobby, kStart + absl::Seconds(15)).empty());
}

TEST(LobbyTest, StrangersOfAllSourcesAreLimited) {
  Lobby lobby(kLimits);
  for (const char* source : {"a", "b", "c", "d"}) {
    Come(&lobby, source, 100 * static_cast<Lobby::Id>(source[0]), 10);
  }
  const std::vector<Lobby::Id> ids = LetIn(&lobby);
  EXPECT_EQ(ids.size(), 20u);
  lobby.Leave(ids[0]);
  lobby.MadeCall(ids[1], false);
  EXPECT_EQ(LetIn(&lobby).size(), 2u);
}

TEST(LobbyTest, WhoLeftTheLineIsPassedOver) {
  Lobby lobby(kLimits);
  Come(&lobby, "a", 1, 3);
  lobby.Leave(1);
  lobby.Leave(2);
  lobby.Leave(2);
  EXPECT_EQ(LetIn(&lobby), std::vector<Lobby::Id>({3}));
  EXPECT_FALSE(lobby.has_line());
}

TEST(LobbyTest, EachStateHasItsTime) {
  Lobby lobby(kLimits);
  ASSERT_TRUE(lobby.Enter(1, "a", kStart));  // says nothing
  Come(&lobby, "a", 2, 1);
  Come(&lobby, "a", 10, 2);
  EXPECT_EQ(LetIn(&lobby).size(), 3u);
  Come(&lobby, "a", 20, 1);  // stays in line
  lobby.MadeCall(10, true);
  std::map<Lobby::Id, Lobby::State> late;
  const auto look = [&](absl::Duration after) {
    late.clear();
    for (const auto& [id, state] : lobby.TakeLate(kStart + after)) late[id] = state;
  };
  using State = Lobby::State;
  look(absl::Seconds(4));
  EXPECT_TRUE(late.empty());
  look(absl::Seconds(6));
  EXPECT_EQ(late, (std::map<Lobby::Id, State>{{1, State::kSilent}}));
  look(absl::Seconds(8));
  EXPECT_EQ(late, (std::map<Lobby::Id, State>{
                      {1, State::kSilent}, {2, State::kStranger}, {11, State::kStranger}}));
  look(absl::Hours(1));
  EXPECT_EQ(late, (std::map<Lobby::Id, State>{{1, State::kSilent},
                                              {2, State::kStranger},
                                              {11, State::kStranger},
                                              {20, State::kInLine}}));
}

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/container_table.h"

#include <string>

#include "common/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace vakt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kSecond = 1'000'000'000;
const std::string kA(64, 'a');
const std::string kB(64, 'b');
const std::string kC(64, 'c');

v1::Container Answer(const std::string& id, const std::string& name) {
  v1::Container message;
  message.set_id(id);
  message.set_name(name);
  message.set_runtime("containerd");
  message.mutable_created()->set_seconds(1);
  message.set_metadata(v1::Container::METADATA_COMPLETE);
  return message;
}

v1::Container Note(const std::string& id, v1::Container::Metadata metadata) {
  v1::Container message;
  message.set_id(id);
  message.set_metadata(metadata);
  return message;
}

TEST(ContainerTableTest, ANewContainerIsToldOnce) {
  ContainerTable table(10, 60 * kSecond);
  const auto first = table.Use(kA, "");
  EXPECT_EQ(table.Use(kA, "docker"), first);
  EXPECT_EQ(first->runtime, "docker");
  EXPECT_TRUE(table.has_news());
  EXPECT_THAT(table.TakeNew(), ElementsAre(kA));
  EXPECT_THAT(table.TakeStarted(), ElementsAre(kA));
  EXPECT_FALSE(table.has_news());
  EXPECT_EQ(table.unknown(), 1u);
}

TEST(ContainerTableTest, TheFirstProcessOfAKnownContainerIsToldOnce) {
  ContainerTable table(10, 60 * kSecond);
  table.Learn(Note(kA, v1::Container::METADATA_PARTIAL), 0);
  EXPECT_FALSE(table.has_news());
  table.Use(kA, "");
  table.Use(kA, "");
  EXPECT_THAT(table.TakeStarted(), ElementsAre(kA));
  EXPECT_THAT(table.TakeNew(), testing::IsEmpty());
  EXPECT_FALSE(table.has_news());
}

TEST(ContainerTableTest, AnAnswerReachesThoseWhoHaveTheContainer) {
  ContainerTable table(10, 60 * kSecond);
  const auto container = table.Use(kA, "");
  const uint32_t before = container->change;
  table.Learn(Note(kA, v1::Container::METADATA_UNSPECIFIED), 0);
  EXPECT_EQ(container->metadata, Metadata::kAwaited);
  table.Learn(Note(kA, v1::Container::METADATA_PARTIAL), 0);
  EXPECT_EQ(container->metadata, Metadata::kPartial);
  table.Learn(Answer(kA, "web"), 0);
  EXPECT_EQ(container->metadata, Metadata::kComplete);
  EXPECT_EQ(container->name, "web");
  EXPECT_NE(container->change, before);
  // Late notes take nothing back.
  table.Learn(Note(kA, v1::Container::METADATA_PARTIAL), 0);
  table.Learn(Note(kA, v1::Container::METADATA_UNSPECIFIED), 0);
  EXPECT_EQ(container->metadata, Metadata::kComplete);
}

TEST(ContainerTableTest, AnAnswerAheadOfTheFirstProcessWaitsForIt) {
  ContainerTable table(10, 60 * kSecond);
  table.Learn(Answer(kA, "web"), 100 * kSecond);
  table.Expire(150 * kSecond);
  EXPECT_EQ(table.Use(kA, "")->name, "web");
  EXPECT_THAT(table.TakeNew(), IsEmpty());
}

TEST(ContainerTableTest, BeforeTheFirstEventThereIsNoTimeToForgetBy) {
  ContainerTable table(10, 60 * kSecond);
  table.Learn(Answer(kA, "web"), 0);
  table.Expire(100'000 * kSecond);
  EXPECT_EQ(table.size(), 1u);
}

TEST(ContainerTableTest, WhatIsUsedStaysAndTheRestGoesAfterAWhile) {
  ContainerTable table(10, 60 * kSecond);
  auto used = table.Use(kA, "");
  table.Use(kB, "");
  table.Learn(Answer(kC, "early"), 100 * kSecond);
  table.TakeNew();
  table.Expire(100 * kSecond);
  table.Expire(159 * kSecond);
  EXPECT_EQ(table.size(), 3u);
  table.Expire(170 * kSecond);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_THAT(table.TakeForgotten(), testing::UnorderedElementsAre(kB, kC));
  used.reset();
  table.Expire(200 * kSecond);
  table.Expire(300 * kSecond);
  EXPECT_EQ(table.size(), 0u);
}

TEST(ContainerTableTest, RoomIsMadeOfWhatIsNotUsed) {
  ContainerTable table(2, 60 * kSecond);
  const auto a = table.Use(kA, "");
  table.Learn(Answer(kB, "early"), 5);
  const auto c = table.Use(kC, "");
  EXPECT_EQ(table.Find(kB), nullptr);
  EXPECT_THAT(table.TakeForgotten(), ElementsAre(kB));
  table.TakeNew();
  // Full of what is used: a further one is its process's alone, and nobody asks for it.
  const auto d = table.Use(std::string(64, 'd'), "docker");
  EXPECT_EQ(d->runtime, "docker");
  EXPECT_EQ(table.refused(), 1u);
  EXPECT_THAT(table.TakeNew(), IsEmpty());
  table.Learn(Answer(std::string(64, 'e'), "x"), 5);
  EXPECT_EQ(table.size(), 2u);
}

}  // namespace
}  // namespace vakt

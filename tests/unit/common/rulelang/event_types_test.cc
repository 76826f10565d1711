// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/event_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/common/rulelang/rule_text.h"

namespace vakt {
namespace {

EventTypeSet TypesOf(std::string_view condition) {
  const LoadResult result = LoadTexts({RuleWith(condition)});
  EXPECT_THAT(ErrorsOf(result), testing::IsEmpty());
  return result.ok ? result.rules->rules[0].event_types : EventTypeSet();
}

std::vector<std::string> Names(const EventTypeSet& set) {
  std::vector<std::string> names;
  for (const EventTypeRow& row : AllEventTypes()) {
    if (set.Contains(row.id)) names.emplace_back(row.name);
  }
  return names;
}

using testing::UnorderedElementsAre;

TEST(EventTypesTest, FollowsTheAlgebraOfSets) {
  EXPECT_THAT(Names(TypesOf("evt.type = open")), UnorderedElementsAre("open"));
  EXPECT_THAT(Names(TypesOf("evt.type in (open, openat) and evt.type != open")),
              UnorderedElementsAre("openat"));
  EXPECT_THAT(Names(TypesOf("proc.name = x and (evt.type = open or evt.type = connect)")),
              UnorderedElementsAre("open", "connect"));
  EXPECT_TRUE(TypesOf("evt.type = open or proc.name = x").is_all());
  EXPECT_TRUE(TypesOf("not proc.name = x").is_all());
  EXPECT_THAT(Names(TypesOf("not (evt.type != open or proc.name = x)")),
              UnorderedElementsAre("open"));
}

TEST(EventTypesTest, AnOpenSetAsksForTheKindsOfAnyRuleAlone) {
  EXPECT_EQ(TypesOf("proc.name = x").kinds(), kKindsOfAnyRule & EventTypeSet::All().kinds());
  EXPECT_EQ(TypesOf("evt.type != open").kinds() & KindBit(Kind::memory_protect), 0u);
  EXPECT_EQ(TypesOf("evt.type = mprotect").kinds(), KindBit(Kind::memory_protect));
}

KindSet KindsOf(std::string_view condition) {
  const LoadResult result = LoadTexts({RuleWith(condition)});
  EXPECT_THAT(ErrorsOf(result), testing::IsEmpty());
  return result.ok ? result.rules->rules[0].kinds : 0;
}

TEST(EventTypesTest, FailedAttemptsAreForRulesThatLookAtTheResult) {
  const KindSet exec = KindBit(Kind::process_exec);
  const KindSet failed = KindBit(Kind::process_exec_failed);
  EXPECT_EQ(KindsOf("evt.type = execve"), exec);
  EXPECT_EQ(KindsOf("evt.type = execve and evt.failed = true"), exec | failed);
  EXPECT_EQ(KindsOf("evt.type in (execve, open) and evt.arg.res = ENOENT"),
            exec | failed | KindBit(Kind::file_open));
  EXPECT_EQ(KindsOf("evt.type = open and evt.rawres < 0"), KindBit(Kind::file_open));
}

TEST(EventTypesTest, NegationIncludesEventsWithoutAType) {
  const EventTypeSet set = TypesOf("not evt.type = open");
  EXPECT_EQ(set.size(), AllEventTypes().size() - 1);
  EXPECT_TRUE(set.Contains(kNoEventType));
  EXPECT_FALSE(TypesOf("evt.type != open").Contains(kNoEventType));
  EXPECT_FALSE(TypesOf("evt.type exists").Contains(kNoEventType));
}

TEST(EventTypesTest, KnowsNeverAndAlways) {
  for (std::string_view never : {"evt.num = 0", "evt.num < 1", "evt.num <= 0", "evt.num in (0)",
                                 "evt.num in ()", "not evt.num >= 0", "proc.name in ()"}) {
    EXPECT_TRUE(TypesOf(never).empty()) << never;
  }
  for (std::string_view always : {"evt.num >= 0", "evt.num > 0", "evt.num != 0", "evt.num >= 1"}) {
    EXPECT_TRUE(TypesOf(always).is_all()) << always;
  }
  EXPECT_THAT(Names(TypesOf("evt.type = open and (evt.num = 0 or evt.num >= 1)")),
              UnorderedElementsAre("open"));
}

TEST(EventTypesTest, KindsAreThoseThatReportTheTypes) {
  EXPECT_EQ(TypesOf("evt.type in (open, execve)").kinds(),
            KindBit(Kind::file_open) | KindBit(Kind::process_exec));
  EXPECT_EQ(TypesOf("evt.type = getcwd").kinds(), 0u);
}

}  // namespace
}  // namespace vakt

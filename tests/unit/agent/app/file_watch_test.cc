// SPDX-License-Identifier: Apache-2.0
#include "agent/app/file_watch.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <string>
#include <thread>

namespace vakt {
namespace {

using Reason = FileWatch::Reason;

constexpr FileWatch::Periods kAtOnce = {.look_ms = 1, .settle_ms = 1};
constexpr FileWatch::Periods kNever = {.look_ms = -1, .settle_ms = -1};  // poll(2): for ever

// Gives out the stamps one after the other; the last one stays.
struct Stamps {
  std::deque<std::string> left;
  std::string operator()() {
    std::string next = left.front();
    if (left.size() > 1) left.pop_front();
    return next;
  }
};

TEST(FileWatch, WaitsUntilAChangeHasSettled) {
  const auto watch = FileWatch::Create(kAtOnce);
  ASSERT_TRUE(watch.ok()) << watch.status();
  Stamps stamps{{"old", "old", "half", "more", "whole", "whole", "later"}};
  EXPECT_EQ((*watch)->Wait(std::ref(stamps), "old"), Reason::kChange);
  EXPECT_EQ(stamps.left.front(), "later");
}

TEST(FileWatch, ARequestIsAnsweredWithoutALookAtTheFiles) {
  const auto watch = FileWatch::Create(kNever);
  ASSERT_TRUE(watch.ok());
  const auto never = []() -> std::string {
    ADD_FAILURE();
    return "";
  };
  std::thread asker([&] { (*watch)->Request(); });
  EXPECT_EQ((*watch)->Wait(never, "old"), Reason::kRequest);
  asker.join();
  (*watch)->Request();  // several are one
  (*watch)->Request();
  EXPECT_EQ((*watch)->Wait(never, "old"), Reason::kRequest);
  std::thread ender([&] { (*watch)->End(); });
  EXPECT_EQ((*watch)->Wait(never, "old"), Reason::kEnd);
  ender.join();
  EXPECT_EQ((*watch)->Wait(never, "old"), Reason::kEnd) << "from now on";
}

TEST(FileWatch, ARequestDoesNotWaitForFilesThatKeepChanging) {
  const auto watch = FileWatch::Create({.look_ms = 1, .settle_ms = -1});
  ASSERT_TRUE(watch.ok());
  const auto changing = [&]() -> std::string {
    (*watch)->Request();  // while it waits for them to settle, which they never do
    return "new";
  };
  EXPECT_EQ((*watch)->Wait(changing, "old"), Reason::kChange);
  EXPECT_EQ((*watch)->Wait(changing, "new"), Reason::kRequest) << "is not forgotten";
}

TEST(FileWatch, TheEndComesWhileFilesChange) {
  const auto watch = FileWatch::Create({.look_ms = 1, .settle_ms = -1});
  ASSERT_TRUE(watch.ok());
  const auto changing = [&]() -> std::string {
    (*watch)->End();
    return "new";
  };
  EXPECT_EQ((*watch)->Wait(changing, "old"), Reason::kEnd);
}

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "collector/store/group_commit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "collector/store/schema.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;

class GroupCommitTest : public ::testing::Test {
 protected:
  GroupCommitTest() {
    database_ = Database::Open(directory_.path() + "/test.db", Database::Mode::kReadWrite).value();
    EXPECT_TRUE(MigrateSchema(*database_, 0).ok());
    commits_ = std::make_unique<GroupCommit>(
        RecordWriter::Create(database_.get(), &RealClock()).value(), [](int64_t) {});
  }

  // Holds the writer thread until Release, so that what is submitted meanwhile is one group.
  void Hold() {
    commits_->Submit({.apply =
                          [this](RecordWriter&) {
                            held_.Notify();
                            release_.WaitForNotification();
                            return absl::OkStatus();
                          },
                      .done = [](const absl::Status&) {}});
    held_.WaitForNotification();
  }
  void Release() { release_.Notify(); }

  TemporaryDirectory directory_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<GroupCommit> commits_;
  absl::Notification held_;
  absl::Notification release_;
};

TEST_F(GroupCommitTest, CommitsWhatCameMeanwhileTogetherAndInOrder) {
  Hold();
  const uint64_t before = commits_->commits();
  std::vector<int> applied;
  absl::BlockingCounter answers(5);
  for (int i = 0; i < 5; ++i) {
    commits_->Submit({.apply =
                          [&applied, i](RecordWriter&) {
                            applied.push_back(i);
                            return absl::OkStatus();
                          },
                      .done =
                          [&answers](const absl::Status& status) {
                            EXPECT_TRUE(status.ok()) << status;
                            answers.DecrementCount();
                          },
                      .bytes = 100});
  }
  EXPECT_EQ(commits_->pending_bytes(), 500u);
  Release();
  answers.Wait();
  EXPECT_THAT(applied, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(commits_->commits(), before + 2);  // the held one, and the group
  EXPECT_EQ(commits_->pending_bytes(), 0u);
}

TEST_F(GroupCommitTest, OneBadRequestDoesNotFailTheOthers) {
  Hold();
  std::vector<absl::StatusCode> outcomes(3);
  absl::BlockingCounter answers(3);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    commits_->Submit(
        {.apply =
             [i](RecordWriter&) { return i == 1 ? absl::InternalError("bad") : absl::OkStatus(); },
         .done =
             [&outcomes, &answers, i](const absl::Status& status) {
               outcomes[i] = status.code();
               answers.DecrementCount();
             }});
  }
  Release();
  answers.Wait();
  EXPECT_THAT(outcomes, ElementsAre(absl::StatusCode::kOk, absl::StatusCode::kInternal,
                                    absl::StatusCode::kOk));
}

TEST_F(GroupCommitTest, AFullDiskFailsTheWholeGroup) {
  Hold();
  int failed = 0;
  absl::BlockingCounter answers(2);
  for (int i = 0; i < 2; ++i) {
    commits_->Submit({.apply =
                          [i](RecordWriter&) {
                            return i == 1 ? absl::ResourceExhaustedError("full") : absl::OkStatus();
                          },
                      .done =
                          [&](const absl::Status& status) {
                            failed += absl::IsResourceExhausted(status) ? 1 : 0;
                            answers.DecrementCount();
                          }});
  }
  Release();
  answers.Wait();
  EXPECT_EQ(failed, 2);
}

TEST_F(GroupCommitTest, EndsOnlyWhenEverythingIsAnswered) {
  Hold();
  int answered = 0;
  for (int i = 0; i < 3000; ++i) {  // several groups
    commits_->Submit({.apply = [](RecordWriter&) { return absl::OkStatus(); },
                      .done = [&answered](const absl::Status&) { ++answered; }});
  }
  Release();
  commits_.reset();
  EXPECT_EQ(answered, 3000);
}

}  // namespace
}  // namespace vakt

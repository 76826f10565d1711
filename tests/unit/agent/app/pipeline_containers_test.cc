// SPDX-License-Identifier: Apache-2.0
// Alerts and the container runtime's answers: what waits, for how long, and what it is then.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/app/pipeline.h"
#include "agent/app/replay.h"
#include "common/base/strings.h"
#include "common/recording/recording.h"
#include "common/rulelang/load.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/agent/enrich/process_events.h"
#include "tests/unit/common/rulelang/rule_text.h"

namespace vakt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kNow = 1000 * kSecondNs;
constexpr uint64_t kWait = kSecondNs;

std::string IdOf(char digit) { return std::string(64, digit); }

std::string RuleText(std::string_view name, std::string_view condition) {
  return StrCat("- rule: ", name, "\n  desc: d\n  output: \"%proc.name up=%proc.aname[2]\"\n",
                "  priority: NOTICE\n  condition: ", condition, "\n");
}

const std::string kRules =
    RuleText("privileged", "evt.type = execve and container.privileged = true") +
    RuleText("foreign image",
             "evt.type = execve and container.id != host and proc.name = sh and "
             "not container.image.repository in (good)") +
    RuleText("shell", "evt.type = execve and proc.name = sh");

std::unique_ptr<Matcher> MatcherOf(const std::string& rules) {
  const LoadResult result = LoadTexts({rules});
  EXPECT_THAT(ErrorsOf(result), IsEmpty());
  auto matcher = Matcher::Compile(result.rules);
  EXPECT_TRUE(matcher.ok()) << matcher.status();
  return *std::move(matcher);
}

v1::Container Answer(char digit, const std::string& image, bool privileged = false) {
  v1::Container container;
  container.set_id(IdOf(digit));
  container.set_name("main");
  container.set_image(image);
  container.set_privileged(privileged);
  container.mutable_created()->set_seconds(1);
  container.mutable_pod()->set_name(StrCat("pod-", std::string(1, digit)));
  container.set_metadata(v1::Container::METADATA_COMPLETE);
  return container;
}

class FakeSource : public ContainerSource {
 public:
  bool Answers() const override { return answers_expected; }
  void Ask(const std::string& id) override { asked.push_back(id); }
  void Forget(const std::string& id) override { forgotten.push_back(id); }
  void Take(std::vector<v1::Container>* found) override {
    std::move(answers.begin(), answers.end(), std::back_inserter(*found));
    answers.clear();
  }
  void Started(const std::string& id) override { started.push_back(id); }
  void TakeAccounts(std::vector<v1::ContainerAccounts>* read) override {
    std::move(accounts.begin(), accounts.end(), std::back_inserter(*read));
    accounts.clear();
  }

  bool answers_expected = true;
  std::vector<std::string> asked;
  std::vector<std::string> forgotten;
  std::vector<v1::Container> answers;
  std::vector<std::string> started;
  std::vector<v1::ContainerAccounts> accounts;
};

class Alerts : public PipelineOutput {
 public:
  void OnAlert(const v1::Alert& alert) override { all.push_back(alert); }
  void OnGap(const v1::Gap&) override {}

  // "rule process up=grandparent pod metadata" of each.
  std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    for (const v1::Alert& alert : all) {
      const bool partial = alert.container().metadata() == v1::Container::METADATA_PARTIAL;
      texts.push_back(StrCat(alert.rule(), ": ",
                             alert.output().substr(0, alert.output().find(" c")), " ",
                             alert.container().pod().name(), partial ? " partial" : ""));
    }
    return texts;
  }

  std::vector<v1::Alert> all;
};

v1::NodeFacts NodesAccounts() {
  v1::NodeFacts node;
  for (v1::NodeFacts::Account* account : {node.add_users(), node.add_groups()}) {
    account->set_id(33);
    account->set_name("www-data");
  }
  return node;
}

class PipelineContainersTest : public testing::Test {
 protected:
  PipelineContainersTest() { pipeline_.SetContainerSource(&source_, kWait); }

  // Process `pid`, child of 5 on the host, starts a program in a container ('h': on the host).
  void Exec(uint32_t pid, char container, std::string_view name, uint64_t at = kNow,
            uint32_t uid = 0) {
    Task task = TaskOf(pid, 5, name);
    task.euid = task.egid = uid;
    task.cgroup_id = static_cast<uint64_t>(container);
    const std::string path =
        container == 'h' ? "/system.slice" : StrCat("/docker-", IdOf(container), ".scope");
    Event event = EventOf(Kind::process_exec, task, at);
    event.type = FindEventType("execve")->id;
    event.process_exec.exe.path = "/bin/x";
    event.process_exec.facts = FactsOf(pid, pid);
    event.process_exec.facts.cgroup_path = path;
    pipeline_.OnEvent(event);
  }

  void Say(const v1::Container& answer) {
    source_.answers.push_back(answer);
    pipeline_.TakeContainers(0);
  }

  // Of the last alert, without what is added to every output.
  std::string Names() const {
    const std::string output = alerts_.all.empty() ? "" : alerts_.all.back().output();
    return output.substr(0, output.find(" container_id="));
  }

  FakeSource source_;
  Alerts alerts_;
  Pipeline pipeline_{NodeFacts(), std::make_unique<AccountTable>(NodesAccounts()),
                     MatcherOf(kRules), &alerts_};
};

TEST_F(PipelineContainersTest, AConditionIsDecidedOnceTheAnswerIsThere) {
  Exec(10, 'a', "sh");
  Exec(11, 'b', "sh");
  Exec(12, 'c', "ls");
  EXPECT_THAT(source_.asked, ElementsAre(IdOf('a'), IdOf('b'), IdOf('c')));
  EXPECT_THAT(alerts_.Texts(), IsEmpty());
  Say(Answer('b', "good:1"));
  EXPECT_THAT(alerts_.Texts(), ElementsAre("shell: sh up=<NA> pod-b"));
  Say(Answer('a', "bad:1"));
  Say(Answer('c', "good:1", /*privileged=*/true));
  EXPECT_THAT(alerts_.Texts(),
              ElementsAre("shell: sh up=<NA> pod-b", "foreign image: sh up=<NA> pod-a",
                          "privileged: ls up=<NA> pod-c"));
  EXPECT_EQ(pipeline_.counters().held, 3u);
  EXPECT_EQ(pipeline_.counters().partial_alerts, 0u);
  EXPECT_FALSE(pipeline_.holds_events());
  // What comes later does not wait, and the old outcome of the process is not remembered.
  Exec(10, 'a', "sh");
  EXPECT_EQ(alerts_.all.size(), 4u);
}

TEST_F(PipelineContainersTest, OthersDoNotWaitBehind) {
  Exec(10, 'a', "sh");
  Exec(11, 'h', "sh");
  EXPECT_THAT(alerts_.Texts(), ElementsAre("shell: sh up=<NA> "));
  EXPECT_FALSE(alerts_.all[0].has_container());
}

TEST_F(PipelineContainersTest, WhatNoRuleCanFireOnDoesNotWait) {
  Say(Answer('a', "good:1"));
  Exec(10, 'a', "ls");
  EXPECT_EQ(pipeline_.counters().held, 0u);
  Event exit = EventOf(Kind::process_exit, TaskOf(11, 5, "ls"), kNow);
  Exec(11, 'b', "ls");
  EXPECT_EQ(pipeline_.counters().held, 1u);  // may be privileged
  pipeline_.OnEvent(exit);
  EXPECT_EQ(pipeline_.counters().held, 1u);
}

TEST_F(PipelineContainersTest, NoAnswerInTimeIsPartialAndOrderStays) {
  Exec(10, 'a', "sh");
  Exec(10, 'a', "ls");
  Exec(11, 'a', "sh", kNow + kWait / 2);
  pipeline_.TakeContainers(kNow + kWait - 1);
  EXPECT_THAT(alerts_.Texts(), IsEmpty());
  pipeline_.TakeContainers(kNow + kWait);
  // Nothing is known of the image: the rule that excepts one fires, as it would in Falco.
  EXPECT_THAT(alerts_.Texts(), ElementsAre("foreign image: sh up=<NA>  partial",
                                           "foreign image: sh up=<NA>  partial"));
  EXPECT_EQ(pipeline_.counters().partial_alerts, 2u);
  // Once it was waited for, nothing waits any more, and the answer still counts when it comes.
  Exec(12, 'a', "sh", kNow + 2 * kWait);
  EXPECT_EQ(alerts_.all.size(), 3u);
  Say(Answer('a', "good:1"));
  Exec(13, 'a', "sh", kNow + 2 * kWait);
  EXPECT_EQ(alerts_.Texts().back(), "shell: sh up=<NA> pod-a");
}

TEST_F(PipelineContainersTest, LaterEventsEndTheWaitWithoutATick) {
  Exec(10, 'a', "sh");
  Exec(11, 'h', "ls", kNow + kWait);
  EXPECT_EQ(alerts_.all.size(), 1u);
}

TEST_F(PipelineContainersTest, TheProcessIsAsItWas) {
  Task sshd = TaskOf(5, 4, "sshd");
  Event seed = SeedOf(sshd, "/usr/sbin/sshd", kNow);
  pipeline_.OnEvent(seed);
  Event login = SeedOf(TaskOf(4, 1, "login"), "/bin/login", kNow);
  pipeline_.OnEvent(login);
  Exec(10, 'a', "sh");
  Exec(10, 'a', "ls");
  Event rename = SeedOf(TaskOf(4, 1, "other"), "/bin/other", kNow);
  pipeline_.OnEvent(rename);
  Say(Answer('a', "good:1"));
  EXPECT_THAT(alerts_.Texts(), ElementsAre("shell: sh up=login pod-a"));
}

TEST_F(PipelineContainersTest, ReloadAndEndDecideWhatIsHeld) {
  Exec(10, 'a', "sh");
  pipeline_.SetMatcher(MatcherOf(RuleText("none", "evt.type = openat")));
  EXPECT_EQ(alerts_.all.size(), 1u);
  pipeline_.SetMatcher(MatcherOf(kRules));
  Exec(11, 'b', "sh");
  pipeline_.Finish();
  EXPECT_EQ(alerts_.all.size(), 2u);
}

TEST_F(PipelineContainersTest, ThereIsABound) {
  for (uint32_t i = 0; i < HeldEvents::kMaxEvents + 3; ++i) Exec(10 + i, 'a', "sh");
  EXPECT_EQ(pipeline_.counters().held, HeldEvents::kMaxEvents);
  EXPECT_EQ(pipeline_.counters().not_held, 3u);
  EXPECT_EQ(alerts_.all.size(), 3u);
  EXPECT_EQ(pipeline_.counters().partial_alerts, 3u);
  Say(Answer('a', "good:1"));
  EXPECT_EQ(alerts_.all.size(), HeldEvents::kMaxEvents + 3);
}

TEST_F(PipelineContainersTest, WithoutASourceNothingWaits) {
  pipeline_.SetContainerSource(nullptr, 0);
  Exec(10, 'a', "sh");
  EXPECT_THAT(alerts_.Texts(), ElementsAre("foreign image: sh up=<NA>  partial"));
}

TEST_F(PipelineContainersTest, WithoutHopeNothingWaitsAndTheAnswerStillCounts) {
  source_.answers_expected = false;
  Exec(10, 'a', "sh");
  EXPECT_THAT(alerts_.Texts(), ElementsAre("foreign image: sh up=<NA>  partial"));
  EXPECT_THAT(source_.asked, ElementsAre(IdOf('a')));
  Say(Answer('a', "good:1"));
  Exec(10, 'a', "sh");
  EXPECT_EQ(alerts_.Texts().back(), "shell: sh up=<NA> pod-a");
}

TEST_F(PipelineContainersTest, AReplayGivesTheSame) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/recording";
  auto recorder = RecordingWriter::Create(path, v1::NodeFacts());
  ASSERT_TRUE(recorder.ok());
  pipeline_.SetRecorder(recorder->get());
  Say(Answer('d', "good:1", /*privileged=*/true));  // ahead of its first process
  Exec(10, 'a', "sh");
  Exec(11, 'b', "sh", kNow + 1);
  Exec(12, 'd', "ls", kNow + 2);
  Say(Answer('b', "good:1"));
  pipeline_.TakeContainers(kNow + kWait);
  Say(Answer('a', "good:1"));
  Exec(13, 'a', "sh", kNow + kWait + 3);
  Exec(14, 'c', "sh", kNow + kWait + 4);
  pipeline_.Finish();
  ASSERT_TRUE((*recorder)->Close().ok());
  Alerts replayed;
  ASSERT_TRUE(Replay(path, MatcherOf(kRules), &replayed).ok());
  EXPECT_THAT(replayed.Texts(), testing::ElementsAreArray(alerts_.Texts()));
  EXPECT_THAT(alerts_.Texts(),
              ElementsAre("privileged: ls up=<NA> pod-d", "shell: sh up=<NA> pod-b",
                          "foreign image: sh up=<NA>  partial", "shell: sh up=<NA> pod-a",
                          "foreign image: sh up=<NA>  partial"));
}

const std::string kNameRules = R"(
- rule: names
  desc: d
  condition: evt.type = execve
  output: "%user.name %user.homedir %group.name"
  priority: NOTICE
)";

v1::ContainerAccounts AccountsOf(char digit) {
  v1::ContainerAccounts accounts;
  accounts.set_container_id(IdOf(digit));
  v1::NodeFacts::Account* user = accounts.add_users();
  user->set_id(33);
  user->set_name("web");
  user->set_home("/srv");
  v1::NodeFacts::Account* group = accounts.add_groups();
  group->set_id(33);
  group->set_name("webs");
  return accounts;
}

TEST_F(PipelineContainersTest, NamesInAContainerAreItsOwn) {
  pipeline_.SetMatcher(MatcherOf(kNameRules));
  Exec(10, 'h', "sh", kNow, 33);
  EXPECT_EQ(Names(), "www-data <NA> www-data");
  Say(Answer('a', "good:1"));
  EXPECT_THAT(source_.started, IsEmpty());
  Exec(11, 'a', "sh", kNow, 33);
  EXPECT_EQ(Names(), "<NA> <NA> <NA>");  // not those of the node
  EXPECT_THAT(source_.started, ElementsAre(IdOf('a')));
  Exec(12, 'a', "sh");
  EXPECT_EQ(Names(), "root <NA> root");
  source_.accounts.push_back(AccountsOf('a'));
  pipeline_.TakeContainers(0);
  Exec(11, 'a', "sh", kNow, 33);  // of a process that is known already
  EXPECT_EQ(Names(), "web /srv webs");
  Exec(12, 'a', "sh", kNow, 34);
  EXPECT_EQ(Names(), "<NA> <NA> <NA>");
  EXPECT_EQ(source_.started.size(), 1u);
}

TEST_F(PipelineContainersTest, AnAlertThatWaitedHasTheNames) {
  pipeline_.SetMatcher(MatcherOf(kNameRules));
  Exec(11, 'a', "sh", kNow, 33);
  source_.accounts.push_back(AccountsOf('a'));
  Say(Answer('a', "good:1"));
  EXPECT_EQ(Names(), "web /srv webs");
}

}  // namespace
}  // namespace vakt

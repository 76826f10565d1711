// SPDX-License-Identifier: Apache-2.0
// What every kind of sink promises, tried on each row of the table: all that is stored arrives,
// whatever the other side does and whoever dies; nobody else waits for it.
#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/strings.h"
#include "common/config/settings.h"
#include "common/sinks/sink_config.h"
#include "tests/integration/collector_process.h"
#include "tests/integration/local_collector.h"
#include "tests/integration/sink_peer.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);

class SinkContractTest : public ::testing::TestWithParam<SinkKindRow> {
 protected:
  SinkContractTest()
      : files_(WriteCertificates(authority_.Issue("spiffe://test/collector/main"),
                                 directory_.path())) {
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
    InitLog(LogLevel::kError, false);
    peer_ = MakePeer(GetParam().kind, "peer");
    other_ = MakePeer(SinkKind::kFile, "other");
  }
  ~SinkContractTest() override {
    // Before the peers, which would otherwise wait for it.
    collector_.reset();
    process_.reset();
  }

  std::unique_ptr<SinkPeer> MakePeer(SinkKind kind, const std::string& name) {
    std::filesystem::create_directory(Path(name));
    return MakeSinkPeer(kind, Path(name), authority_);
  }
  std::string Path(const std::string& name) const { return directory_.path() + "/" + name; }

  // A configuration file with the sink under test and another one.
  std::string WriteConfig() const {
    std::ofstream(Path("collector.yaml"))
        << "sinks:\n  tried: {" << peer_->Keys() << ", start: beginning, retry_max: 100ms"
        << restriction_ << "}\n  other: {" << other_->Keys()
        << ", start: beginning, retry_max: 100ms}\n";
    return Path("collector.yaml");
  }

  void Start() {
    const auto no_environment = [](const std::string&) -> const char* { return nullptr; };
    const auto settings =
        Settings::Load(Program::kCollector, {"--config", WriteConfig()}, no_environment);
    ASSERT_TRUE(settings.ok()) << settings.status();
    auto sinks = ParseSinks(settings->Group("sinks"));
    ASSERT_TRUE(sinks.ok()) << sinks.status();
    CollectorOptions options = LocalCollectorOptions(authority_, directory_.path());
    options.sinks = *std::move(sinks);
    auto collector = Collector::Start(options);
    ASSERT_TRUE(collector.ok()) << collector.status();
    collector_ = *std::move(collector);
    address_ = collector_->address();
  }

  void StartProcess() {
    process_ = std::make_unique<CollectorProcess>(
        std::vector<std::string>{"--config", WriteConfig(), "--listen", "127.0.0.1:0", "--data-dir",
                                 Path("data"), "--tls-ca", files_.ca, "--tls-cert", files_.cert,
                                 "--tls-key", files_.key},
        Path("ready"), Path("log"));
    address_ = process_->WaitReady();
    ASSERT_NE(address_, "") << process_->Log();
  }

  // Sends alerts r-<first> to r-<last>; returns when they are acknowledged.
  void Send(int first, int last, const std::string& output = "seen") {
    AgentClient agent(OpenChannel(address_, authority_.Issue(AgentUri("n1"))));
    ASSERT_TRUE(agent.Hello(MakeHello("n1"), nullptr)) << agent.Finish().error_message();
    v1::Position stored;
    for (int next = first; next <= last;) {
      std::vector<v1::Record> batch;
      for (int i = 0; i < 50 && next <= last; ++i, ++next) {
        batch.push_back(MakeAlertRecord({.seq = static_cast<uint64_t>(next)},
                                        {.rule = StrCat("r-", next), .output = output}));
      }
      ASSERT_TRUE(agent.Send(batch));
      ASSERT_TRUE(agent.ReadAck(&stored)) << agent.Finish().error_message();
    }
    EXPECT_EQ(stored.seq(), static_cast<uint64_t>(last));
    EXPECT_TRUE(agent.Finish().ok());
  }

  static bool HasAll(SinkPeer& peer, int last) {
    return peer.Received().size() == static_cast<size_t>(last);
  }
  template <typename Condition>
  static bool Await(const Condition& condition) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (!condition()) {
      if (absl::Now() > deadline) return false;
      absl::SleepFor(absl::Milliseconds(10));
    }
    return true;
  }
  bool Arrives(SinkPeer& peer, int last) {
    return Await([&] { return HasAll(peer, last); });
  }
  void ExpectSetAsideAlert() {
    v1::Filter filter;
    filter.add_rules("Vakt alert refused by a sink");
    const auto alerts = QueryAll(OpenChannel(address_, authority_.Issue(kUserUri)), filter);
    ASSERT_EQ(alerts.size(), 1u);  // one a minute
    EXPECT_THAT(alerts[0].record().alert().output(), HasSubstr("sink=tried count=1 uid="));
  }
  SinkStats Stats() const { return collector_->sinks().runners()[0]->stats(); }

  TestAuthority authority_;
  TemporaryDirectory directory_;
  const CertificateFiles files_;
  std::unique_ptr<SinkPeer> peer_, other_;
  std::string restriction_;  // more keys of the sink under test
  std::unique_ptr<Collector> collector_;
  std::unique_ptr<CollectorProcess> process_;
  std::string address_;
};

TEST_P(SinkContractTest, EverythingArrivesOnce) {
  Start();
  Send(1, 1000);
  ASSERT_TRUE(Arrives(*peer_, 1000)) << peer_->Received().size();
  for (const auto& [number, times] : peer_->Received()) ASSERT_EQ(times, 1) << number;
  ASSERT_TRUE(Await([&] { return Stats().lag_records == 0; }));
  EXPECT_EQ(Stats().delivered, 1000u);
  EXPECT_EQ(Stats().retried, 0u);
  EXPECT_FALSE(Stats().failing) << Stats().error;
}

TEST_P(SinkContractTest, OnlyWhatItsConditionLetsThrough) {
  restriction_ = ", min_priority: warning, condition: \"alert.rule in (r-7, r-150)\"";
  Start();
  Send(1, 200);
  ASSERT_TRUE(Arrives(*other_, 200));
  ASSERT_TRUE(Arrives(*peer_, 2)) << peer_->Received().size();
  ASSERT_TRUE(Await([&] { return Stats().lag_records == 0; }));
  EXPECT_EQ(peer_->Received(), (std::map<int, int>{{7, 1}, {150, 1}}));
}

TEST_P(SinkContractTest, ASlowPeerGetsEverything) {
  peer_->SetMood(Mood::kSlow);
  Start();
  Send(1, 500);
  EXPECT_TRUE(Arrives(*peer_, 500)) << peer_->Received().size();
  EXPECT_TRUE(Arrives(*other_, 500));
}

TEST_P(SinkContractTest, AStalledPeerDelaysNobody) {
  peer_->SetMood(Mood::kStalled);
  Start();
  Send(1, 2000);  // acknowledged
  ASSERT_TRUE(Arrives(*other_, 2000)) << other_->Received().size();
  EXPECT_LT(peer_->Received().size(), 2000u);
  EXPECT_GT(Stats().lag_records, 0);
  peer_->SetMood(Mood::kGood);
  EXPECT_TRUE(Arrives(*peer_, 2000)) << peer_->Received().size();
}

TEST_P(SinkContractTest, AStalledPeerDoesNotHoldUpTheEnd) {
  peer_->SetMood(Mood::kStalled);
  Start();
  Send(1, 500);
  ASSERT_TRUE(Arrives(*other_, 500));
  const absl::Time begin = absl::Now();
  collector_.reset();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(8));
}

TEST_P(SinkContractTest, AFailingOrFullPeerIsTriedAgain) {
  for (const Mood mood : {Mood::kFailing, Mood::kFull}) {
    peer_->SetMood(mood);
    if (collector_ == nullptr) Start();
    const int last = mood == Mood::kFailing ? 300 : 600;
    const uint64_t retried = Stats().retried;
    Send(last - 299, last);
    ASSERT_TRUE(Await([&] { return Stats().failing && Stats().retried > retried; }));
    EXPECT_NE(Stats().error, "");
    peer_->SetMood(Mood::kGood);
    ASSERT_TRUE(Arrives(*peer_, last)) << peer_->Received().size();
    EXPECT_TRUE(Await([&] { return !Stats().failing; }));
    EXPECT_EQ(Stats().refused, 0u);
  }
}

TEST_P(SinkContractTest, APeerThatRestartsMissesNothing) {
  Start();
  std::thread restarting([&] {
    for (int i = 0; i < 8; ++i) {
      absl::SleepFor(absl::Milliseconds(60));
      peer_->Stop();
      absl::SleepFor(absl::Milliseconds(60));
      peer_->Start();
    }
  });
  for (int first = 1; first <= 2000; first += 100) Send(first, first + 99);
  restarting.join();
  EXPECT_TRUE(Arrives(*peer_, 2000)) << peer_->Received().size();
}

TEST_P(SinkContractTest, WhatIsRefusedForGoodIsSetAsideAndBlocksNothing) {
  if (!peer_->can_refuse()) return;
  Start();
  Send(1, 100);
  Send(101, 103, "unacceptable");
  Send(104, 200);
  ASSERT_TRUE(Arrives(*peer_, 197)) << peer_->Received().size();
  ASSERT_TRUE(Await([&] { return Stats().refused == 3; }));
  ASSERT_TRUE(Await([&] { return Stats().lag_records == 0; }));
  EXPECT_EQ(Stats().delivered, 198u);  // with the alert that tells of it
  ExpectSetAsideAlert();
  const std::string kept = ReadFile(Path("data/sinks/tried.refused.jsonl")).value_or("");
  EXPECT_EQ(std::count(kept.begin(), kept.end(), '\n'), 3) << kept;
  EXPECT_THAT(kept, HasSubstr("\"reason\":\"HTTP 400: hi\""));
  EXPECT_THAT(kept, HasSubstr("\"rule\":\"r-102\""));
}

TEST_P(SinkContractTest, WhatIsNeverTakenIsSetAsideOnceOthersAre) {
  if (!peer_->can_choke()) return;
  Start();
  Send(1, 100);
  Send(101, 102, "indigestible");
  Send(103, 200);
  // The others do not wait for them.
  ASSERT_TRUE(Arrives(*peer_, 198)) << peer_->Received().size();
  EXPECT_EQ(Stats().refused, 0u);
  // Failed while others arrived, again and again.
  int next = 201;
  ASSERT_TRUE(Await([&] {
    Send(next, next);
    ++next;
    return Stats().refused == 2;
  })) << Stats().deferred;
  ASSERT_TRUE(Await([&] { return Stats().lag_records == 0; }));
  EXPECT_EQ(Stats().deferred, 0u);
  EXPECT_FALSE(Stats().failing) << Stats().error;
  const std::string kept = ReadFile(Path("data/sinks/tried.refused.jsonl")).value_or("");
  EXPECT_EQ(std::count(kept.begin(), kept.end(), '\n'), 2) << kept;
  EXPECT_THAT(kept, HasSubstr("failed again and again while others arrived"));
  EXPECT_THAT(kept, HasSubstr("\"rule\":\"r-102\""));
  ExpectSetAsideAlert();
}

TEST_P(SinkContractTest, APeerThatIsAwayHasNothingSetAside) {
  Start();
  Send(1, 10);
  ASSERT_TRUE(Arrives(*peer_, 10));
  peer_->SetMood(Mood::kFailing);
  Send(11, 60);
  ASSERT_TRUE(Await([&] { return Stats().retried >= 60; }));  // more than it takes to give up
  EXPECT_EQ(Stats().refused, 0u);
  peer_->SetMood(Mood::kGood);
  ASSERT_TRUE(Arrives(*peer_, 60)) << peer_->Received().size();
  ASSERT_TRUE(Await([&] { return Stats().lag_records == 0; }));
  EXPECT_EQ(Stats().refused, 0u);
}

TEST_P(SinkContractTest, AKilledCollectorLosesNothing) {
  std::mt19937 random(7);
  for (int round = 0; round < 8; ++round) {
    StartProcess();
    Send(round * 250 + 1, round * 250 + 250);
    absl::SleepFor(absl::Milliseconds(random() % 150));
    process_->Kill();
  }
  StartProcess();
  EXPECT_TRUE(Arrives(*peer_, 2000)) << peer_->Received().size();
  EXPECT_TRUE(Arrives(*other_, 2000)) << other_->Received().size();
}

INSTANTIATE_TEST_SUITE_P(Table, SinkContractTest,
                         ::testing::ValuesIn(AllSinkKinds().begin(), AllSinkKinds().end()),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace vakt

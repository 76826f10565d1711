// SPDX-License-Identifier: Apache-2.0
// The uplink against a real gRPC server over mTLS on the loopback device.
#include "agent/uplink/uplink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "tests/support/dev_certificates.h"
#include "tests/support/fake_collector.h"
#include "tests/support/memory_file_system.h"
#include "vakt/v1/alert.pb.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kAgentUri[] = "spiffe://test/cluster/c1/node/n1/agent";

std::string Record(Position position) {
  v1::Record record;
  record.set_epoch(position.epoch);
  record.set_seq(position.seq);
  record.mutable_alert()->set_rule("rule");
  return record.SerializeAsString();
}

class UplinkTest : public ::testing::Test {
 protected:
  UplinkTest() {
    directory_ =
        std::filesystem::path(::testing::TempDir()) / ("uplink_test." + std::to_string(getpid()));
    std::filesystem::create_directories(directory_);
    SpoolOptions options;
    options.dir = "/spool";
    options.linger_relaxed = absl::Milliseconds(1);
    spool_ = *Spool::Open(options, disk_);
  }

  ~UplinkTest() override {
    uplink_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Append(int count) {
    for (int i = 0; i < count; ++i) {
      const Position position{spool_->epoch(), ++appended_};
      ASSERT_TRUE(spool_->Append({position, 4, Record(position)}));
    }
  }

  void StartUplink(const std::string& address, TestAuthority& authority,
                   absl::Duration heartbeat = absl::Seconds(10)) {
    StartUplink(std::vector<std::string>{address}, authority, heartbeat);
  }
  void StartUplink(std::vector<std::string> addresses, TestAuthority& authority,
                   absl::Duration heartbeat = absl::Seconds(10)) {
    const CertificateFiles files = WriteCertificates(authority.Issue(kAgentUri), directory_);
    UplinkOptions options;
    options.collectors = std::move(addresses);
    options.ca_file = files.ca;
    options.cert_file = files.cert;
    options.key_file = files.key;
    options.heartbeat = heartbeat;
    options.batch_records = 100;
    options.backoff_min = absl::Milliseconds(5);
    options.backoff_max = absl::Milliseconds(50);
    uplink_ = std::make_unique<Uplink>(
        options, spool_.get(),
        [this] {
          v1::Hello hello;
          hello.set_node("n1");
          hello.set_epoch(spool_->epoch());
          return hello;
        },
        [] { return v1::Heartbeat(); });
    ASSERT_TRUE(uplink_->Start().ok());
  }

  template <typename Condition>
  bool WaitFor(Condition condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition(uplink_->state())) return true;
      absl::SleepFor(absl::Milliseconds(5));
    }
    return false;
  }

  bool WaitForAll() {
    return WaitFor([this](const Uplink::State& s) { return s.acked.seq == appended_; });
  }

  // Everything appended arrived, in order.
  void ExpectAllStored(const FakeCollector& collector) {
    const std::vector<Position> positions = collector.positions();
    ASSERT_THAT(positions, SizeIs(appended_));
    for (uint64_t i = 0; i < appended_; ++i) ASSERT_EQ(positions[i].seq, i + 1);
  }

  TestAuthority authority_;
  std::filesystem::path directory_;
  MemoryFileSystem disk_;
  std::unique_ptr<Spool> spool_;
  uint64_t appended_ = 0;
  std::unique_ptr<Uplink> uplink_;
};

TEST_F(UplinkTest, DeliversWhatWasSpooledAndWhatComes) {
  FakeCollector collector(authority_.Issue("spiffe://test/collector/1"));
  Append(250);
  StartUplink(collector.address(), authority_);
  ASSERT_TRUE(WaitForAll());
  Append(1);
  ASSERT_TRUE(WaitForAll());
  ExpectAllStored(collector);
  const Uplink::State state = uplink_->state();
  EXPECT_TRUE(state.connected);
  EXPECT_EQ(state.error, "");
  EXPECT_EQ(state.sent_records, 251u);
  EXPECT_EQ(state.acked_records, 251u);
  EXPECT_EQ(state.reconnects, 0u);
  EXPECT_EQ(collector.peer_uri(), kAgentUri);
  EXPECT_LE(collector.largest_batch(), 100u);
  ASSERT_THAT(collector.hellos(), SizeIs(1));
  EXPECT_EQ(collector.hellos()[0].node(), "n1");
  EXPECT_EQ(spool_->stats().pending_records, 0u);
}

TEST_F(UplinkTest, GoesOnAfterBrokenStreamsWithoutLossOrDuplicates) {
  FakeCollector collector(authority_.Issue("spiffe://test/collector/1"));
  Append(3000);
  for (int round = 0; round < 5; ++round) {
    collector.BreakAfter(2);
    if (round == 0) StartUplink(collector.address(), authority_);
    ASSERT_TRUE(collector.WaitForRecords(300 * (round + 1)));
  }
  collector.BreakAfter(-1);
  ASSERT_TRUE(WaitForAll());
  ExpectAllStored(collector);
  EXPECT_EQ(collector.duplicates(), 0u);
  EXPECT_GE(uplink_->state().reconnects, 1u);
}

TEST_F(UplinkTest, NewCertificatesAreShownByTheNextStreamAndEndNone) {
  constexpr char kNewUri[] = "spiffe://test/cluster/c/node/n1/agent/renewed";
  FakeCollector collector(authority_.Issue("spiffe://test/collector/1"));
  StartUplink(collector.address(), authority_);
  Append(10);
  ASSERT_TRUE(WaitForAll());
  WriteCertificates(authority_.Issue(kNewUri), directory_);
  Append(10);
  ASSERT_TRUE(WaitForAll());
  EXPECT_THAT(collector.hellos(), SizeIs(1)) << "the stream was dropped";
  EXPECT_EQ(collector.peer_uri(), kAgentUri);
  collector.BreakAfter(0);
  Append(10);
  ASSERT_TRUE(WaitFor([](const Uplink::State& s) { return s.reconnects > 0; }));
  collector.BreakAfter(-1);
  ASSERT_TRUE(WaitForAll());
  EXPECT_EQ(collector.peer_uri(), kNewUri);
  ExpectAllStored(collector);
}

TEST_F(UplinkTest, WaitsForACollectorThatIsAway) {
  const int port = FakeCollector(authority_.Issue("")).port();
  Append(10);
  StartUplink("127.0.0.1:" + std::to_string(port), authority_);
  ASSERT_TRUE(WaitFor([](const Uplink::State& s) { return !s.error.empty(); }));
  EXPECT_EQ(uplink_->state().error,
            "collector 127.0.0.1:" + std::to_string(port) + ": connection refused");
  EXPECT_FALSE(uplink_->state().connected);
  FakeCollector collector(authority_.Issue("spiffe://test/collector/1"), port);
  ASSERT_TRUE(WaitForAll());
  EXPECT_EQ(uplink_->state().error, "");
  ExpectAllStored(collector);
}

TEST_F(UplinkTest, TheNextCollectorTakesOverAndIsKept) {
  auto first = std::make_unique<FakeCollector>(authority_.Issue("spiffe://test/collector/1"));
  FakeCollector second(authority_.Issue("spiffe://test/collector/2"));
  const int first_port = first->port();
  StartUplink(std::vector<std::string>{first->address(), second.address()}, authority_);
  Append(100);
  ASSERT_TRUE(WaitForAll());
  EXPECT_EQ(uplink_->state().collector, first->address());
  EXPECT_THAT(second.hellos(), SizeIs(0));

  first.reset();
  Append(100);
  ASSERT_TRUE(WaitForAll());
  EXPECT_EQ(uplink_->state().collector, second.address());
  // It has a store of its own, and gets all that the spool still has: nothing after what the first
  // acknowledged is missing.
  const std::vector<Position> positions = second.positions();
  ASSERT_GE(positions.size(), 100u);
  for (size_t i = 0; i < positions.size(); ++i) {
    ASSERT_EQ(positions[i].seq, 200 - positions.size() + 1 + i);
  }

  // The first is back, but the second works.
  FakeCollector back(authority_.Issue("spiffe://test/collector/1"), first_port);
  Append(100);
  ASSERT_TRUE(WaitForAll());
  EXPECT_EQ(second.positions().back().seq, 300u);
  EXPECT_THAT(back.hellos(), SizeIs(0));
}

TEST_F(UplinkTest, WithoutTheFirstCollectorTheSecondIsUsedFromTheStart) {
  const int nobody = FakeCollector(authority_.Issue("")).port();
  FakeCollector second(authority_.Issue("spiffe://test/collector/2"));
  Append(10);
  StartUplink(std::vector<std::string>{"127.0.0.1:" + std::to_string(nobody), second.address()},
              authority_);
  ASSERT_TRUE(WaitForAll());
  ExpectAllStored(second);
}

TEST_F(UplinkTest, ACollectorOfAnotherAuthorityGetsNothing) {
  TestAuthority other;
  FakeCollector collector(other.Issue("spiffe://test/collector/1"));
  Append(10);
  StartUplink(collector.address(), authority_);
  ASSERT_TRUE(WaitFor([](const Uplink::State& s) { return !s.error.empty(); }));
  EXPECT_THAT(uplink_->state().error, HasSubstr("CA"));
  EXPECT_THAT(collector.hellos(), SizeIs(0));
}

TEST_F(UplinkTest, MissingCertificatesAreAnErrorThatPasses) {
  FakeCollector collector(authority_.Issue("spiffe://test/collector/1"));
  Append(1);
  UplinkOptions options;
  options.collectors = {collector.address()};
  options.ca_file = directory_ / "ca.pem";
  options.cert_file = directory_ / "cert.pem";
  options.key_file = directory_ / "key.pem";
  options.backoff_max = absl::Milliseconds(50);
  uplink_ = std::make_unique<Uplink>(
      options, spool_.get(), [] { return v1::Hello(); }, [] { return v1::Heartbeat(); });
  ASSERT_TRUE(uplink_->Start().ok());
  ASSERT_TRUE(WaitFor([](const Uplink::State& s) { return !s.error.empty(); }));
  EXPECT_THAT(uplink_->state().error, HasSubstr("ca.pem"));
  WriteCertificates(authority_.Issue(kAgentUri), directory_);
  EXPECT_TRUE(WaitForAll());
}

TEST_F(UplinkTest, AWrongAcknowledgementFreesNothing) {
  FakeCollector collector(authority_.Issue("spiffe://test/collector/1"));
  collector.SetWrongAck({spool_->epoch(), 1000});
  Append(10);
  StartUplink(collector.address(), authority_);
  ASSERT_TRUE(WaitFor([](const Uplink::State& s) { return !s.error.empty(); }));
  EXPECT_THAT(uplink_->state().error, HasSubstr("only"));
  EXPECT_LE(uplink_->state().acked.seq, 10u);
}

TEST_F(UplinkTest, ASlowCollectorHoldsUpNobody) {
  FakeCollector collector(authority_.Issue("spiffe://test/collector/1"));
  collector.SetAcks(false);
  StartUplink(collector.address(), authority_);
  Append(5000);
  ASSERT_TRUE(spool_->Flush(absl::Seconds(10)));
  EXPECT_EQ(uplink_->state().acked_records, 0u);
  EXPECT_LE(uplink_->state().sent_records, 400u);  // the window
  collector.SetAcks(true);
  ASSERT_TRUE(WaitForAll());
  ExpectAllStored(collector);
}

TEST_F(UplinkTest, HeartbeatsAreSentWhileNothingHappens) {
  FakeCollector collector(authority_.Issue("spiffe://test/collector/1"));
  StartUplink(collector.address(), authority_, absl::Milliseconds(20));
  EXPECT_TRUE(WaitFor([&](const Uplink::State&) { return collector.heartbeats() >= 3; }));
  EXPECT_EQ(collector.hellos()[0].heartbeat_ms(), 20u);
  // Of the certificate in the file: the one that the next connection will show.
  const v1::Heartbeat heartbeat = collector.last_heartbeat();
  EXPECT_GT(heartbeat.certificate_ends().seconds(), absl::ToUnixSeconds(absl::Now()));
  EXPECT_LT(heartbeat.certificate_begins().seconds(), absl::ToUnixSeconds(absl::Now()));
}

TEST_F(UplinkTest, StopDeliversWhatWasAppended) {
  FakeCollector collector(authority_.Issue("spiffe://test/collector/1"));
  StartUplink(collector.address(), authority_);
  Append(500);
  uplink_->Stop(absl::Seconds(10));
  ExpectAllStored(collector);
  EXPECT_EQ(spool_->stats().pending_records, 0u);
  EXPECT_FALSE(uplink_->state().connected);
}

TEST_F(UplinkTest, StopEndsAtItsLimitWhenTheCollectorIsAway) {
  const int port = FakeCollector(authority_.Issue("")).port();
  Append(1);
  StartUplink("127.0.0.1:" + std::to_string(port), authority_);
  const absl::Time begin = absl::Now();
  uplink_->Stop(absl::Milliseconds(100));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(3));
  EXPECT_EQ(spool_->stats().pending_records, 1u);
}

TEST_F(UplinkTest, StartNeedsAllOptions) {
  Uplink uplink(
      UplinkOptions{}, spool_.get(), [] { return v1::Hello(); }, [] { return v1::Heartbeat(); });
  EXPECT_EQ(uplink.Start().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace vakt

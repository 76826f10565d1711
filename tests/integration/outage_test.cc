// SPDX-License-Identifier: Apache-2.0
// The collector is away for an hour of alerts, and the node's disk is full: what there is room for
// arrives once and in order, and what there was none for is told, to the record.
//
// The hour's alerts come as fast as the disk takes them: what counts is how many there are.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "agent/app/delivery.h"
#include "agent/app/tombstone_codec.h"
#include "agent/uplink/uplink.h"
#include "common/alert/priority.h"
#include "common/base/clock.h"
#include "tests/support/dev_certificates.h"
#include "tests/support/fake_collector.h"
#include "tests/support/sample_records.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

constexpr int kAlertsPerSecond = 100;
constexpr int kHourOfAlerts = kAlertsPerSecond * 3600;
constexpr uint64_t kDefaultQuota = 256 << 20;
constexpr uint64_t kSmallQuota = 16 << 20;
constexpr absl::Duration kPatience = absl::Seconds(100);

class OutageTest : public ::testing::Test {
 protected:
  OutageTest()
      : files_(WriteCertificates(authority_.Issue("spiffe://test/cluster/c/node/n/agent"),
                                 directory_.path())),
        port_(std::make_unique<FakeCollector>(collector_certificates_)->port()) {}

  void OpenSpool(uint64_t max_bytes) {
    SpoolOptions options;
    options.dir = directory_.path() + "/disk/spool";
    options.max_bytes = max_bytes;
    options.codec = &codec_;
    auto spool = Spool::Open(options);
    ASSERT_TRUE(spool.ok()) << spool.status();
    spool_ = *std::move(spool);
    delivery_ = std::make_unique<Delivery>(kSampleBootId, spool_->epoch(), spool_.get(), nullptr,
                                           RealClock());
    UplinkOptions uplink;
    uplink.collectors = {"127.0.0.1:" + std::to_string(port_)};
    uplink.ca_file = files_.ca;
    uplink.cert_file = files_.cert;
    uplink.key_file = files_.key;
    uplink.backoff_max = absl::Milliseconds(200);
    uplink_ = std::make_unique<Uplink>(
        uplink, spool_.get(), [] { return v1::Hello(); }, [] { return v1::Heartbeat(); });
    ASSERT_TRUE(uplink_->Start().ok());
  }

  // `patient`: waits when the queue before the disk is full, which a second of a real hour never
  // is.
  void Raise(int alerts, bool patient) {
    v1::Alert alert = MakeAlertRecord({}).alert();
    for (int i = 0; i < alerts; ++i) {
      alert.set_priority(static_cast<v1::Priority>(i % 8));
      ++raised_[std::string(PriorityName(alert.priority()))];
      if (patient && i % 2000 == 1999) {
        ASSERT_TRUE(spool_->Flush());
      }
      delivery_->OnAlert(alert);
      if (i % 1000 == 999) delivery_->Tick();
    }
    ASSERT_TRUE(!patient || spool_->Flush());
  }

  // What the spool holds, in the order in which it will be sent.
  std::vector<v1::Record> Held() {
    std::vector<v1::Record> held;
    std::vector<OutRecord> batch;
    for (Position after; spool_->Read(after, 10'000, 64 << 20, &batch) > 0; batch.clear()) {
      for (const OutRecord& record : batch) {
        EXPECT_TRUE(held.emplace_back().ParseFromString(record.bytes));
      }
      after = batch.back().position;
    }
    return held;
  }

  // Each alert that was raised is held or told as given up, and none is both.
  void ExpectAllAccountedFor(const std::vector<v1::Record>& held, const std::string& reason) {
    std::map<std::string, uint64_t> accounted;
    uint64_t next = 1;
    uint64_t refused = 0;
    for (const v1::Record& record : held) {
      const bool in_place = record.has_gap() && record.gap().last_seq() != 0;
      ASSERT_EQ(in_place ? record.gap().first_seq() : record.seq(), next) << "a hole";
      next = record.seq() + 1;
      if (record.has_alert()) ++accounted[std::string(PriorityName(record.alert().priority()))];
      if (!record.has_gap()) continue;
      if (!in_place) {
        EXPECT_EQ(record.gap().reason(), "spool_queue_full");
        refused += record.gap().count();
        continue;
      }
      EXPECT_EQ(record.gap().class_(), v1::Gap::CLASS_SHED);
      EXPECT_EQ(record.gap().reason(), reason);
      uint64_t sum = 0;
      for (const auto& [priority, count] : record.gap().count_by_priority()) {
        accounted[priority] += count;
        sum += count;
      }
      EXPECT_EQ(sum, record.gap().count());
    }
    if (refused == 0) {
      EXPECT_EQ(accounted, raised_);
    }
    uint64_t all = refused;
    for (const auto& [priority, count] : accounted) all += priority == "note" ? 0 : count;
    uint64_t raised = 0;
    for (const auto& [priority, count] : raised_) raised += count;
    EXPECT_EQ(all, raised);
  }

  // The collector is back, and gets what is held.
  void ExpectDelivered(const std::vector<v1::Record>& held) {
    FakeCollector collector(collector_certificates_, port_);
    ASSERT_TRUE(collector.WaitForRecords(held.size(), kPatience))
        << collector.positions().size() << " of " << held.size();
    const std::vector<Position> positions = collector.positions();
    ASSERT_EQ(positions.size(), held.size());
    for (size_t i = 0; i < held.size(); ++i) ASSERT_EQ(positions[i].seq, held[i].seq());
    const absl::Time end = absl::Now() + kPatience;
    while (spool_->stats().pending_records > 0 && absl::Now() < end) {
      absl::SleepFor(absl::Milliseconds(10));
    }
    EXPECT_EQ(spool_->stats().pending_records, 0u);
    uplink_.reset();
  }

  TestAuthority authority_;
  TemporaryDirectory directory_;
  const CertificateFiles files_;
  const CertificateSet collector_certificates_ = authority_.Issue("spiffe://test/collector/1");
  const int port_;  // where a collector will be
  const TombstoneCodec codec_{kSampleBootId};
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<Uplink> uplink_;
  std::map<std::string, uint64_t> raised_;  // by priority
};

TEST_F(OutageTest, AnHourOfAlertsWithinTheQuotaArrivesWhole) {
  OpenSpool(kDefaultQuota);
  Raise(kHourOfAlerts, /*patient=*/true);
  EXPECT_EQ(spool_->stats().shed, 0u);
  const std::vector<v1::Record> held = Held();
  EXPECT_EQ(held.size(), static_cast<size_t>(kHourOfAlerts));
  ExpectAllAccountedFor(held, "");
  printf("%zu alerts, %llu MiB on disk\n", held.size(),
         static_cast<unsigned long long>(spool_->stats().bytes >> 20));
  ExpectDelivered(held);
}

TEST_F(OutageTest, BeyondTheQuotaTheLeastSevereAreGivenUpAndToldExactly) {
  OpenSpool(kSmallQuota);
  Raise(kHourOfAlerts / 6, /*patient=*/true);
  const std::vector<v1::Record> held = Held();
  EXPECT_GT(spool_->stats().shed, 0u);
  EXPECT_LE(spool_->stats().bytes, kSmallQuota);
  ExpectAllAccountedFor(held, "spool_quota");
  uint64_t emergencies = 0;
  for (const v1::Record& record : held) {
    emergencies += record.has_alert() && record.alert().priority() == v1::PRIORITY_EMERGENCY;
  }
  EXPECT_EQ(emergencies, raised_["Emergency"]) << "others were given up before";
  ExpectDelivered(held);
}

TEST_F(OutageTest, OnAFullDiskNothingIsGivenUpUntoldAndItGoesOnWhenThereIsRoom) {
  const std::string disk = directory_.path() + "/disk";
  ASSERT_EQ(mkdir(disk.c_str(), 0700), 0);
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=24m") != 0) {
    GTEST_SKIP() << "needs root to mount a tmpfs";
  }
  std::ofstream(disk + "/ballast") << std::string(10 << 20, 'x');
  OpenSpool(kDefaultQuota);
  Raise(kHourOfAlerts / 12, /*patient=*/true);
  EXPECT_GT(spool_->stats().shed, 0u);
  // Others take what is left of the disk: records wait in memory, and what finds no room there is
  // refused and counted.
  std::ofstream rest(disk + "/rest");
  while (rest << std::string(4096, 'x') << std::flush) continue;
  Raise(kHourOfAlerts / 12, /*patient=*/false);
  ASSERT_EQ(unlink((disk + "/ballast").c_str()), 0);
  ASSERT_EQ(unlink((disk + "/rest").c_str()), 0);
  rest.close();
  ASSERT_TRUE(spool_->Flush(kPatience));
  delivery_->Tick();
  ASSERT_TRUE(spool_->Flush(kPatience));
  const std::vector<v1::Record> held = Held();
  ExpectAllAccountedFor(held, "spool_disk_full");
  ExpectDelivered(held);
  spool_.reset();
  umount2(disk.c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace vakt

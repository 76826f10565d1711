// SPDX-License-Identifier: Apache-2.0
// delivery_crasher DIR COLLECTOR CERTIFICATES run|drain [before|after POINT N]
//
// The delivering half of an agent. `run` appends alerts to the spool in DIR and delivers them until
// it is killed, or kills itself before or after its N-th file operation of that kind
// (tests/support/delivery_crasher.h); it reports what is durable and what is acknowledged to
// standard output. `drain` delivers what is there and ends.
#include "tests/support/delivery_crasher.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "agent/spool/spool.h"
#include "agent/uplink/uplink.h"
#include "tests/support/sample_records.h"

namespace vakt {
namespace {

class KillPoint {
 public:
  KillPoint(std::string when, std::string point, int number)
      : before_(when == "before"), point_(std::move(point)), left_(number) {}

  template <typename Call>
  auto Around(const char* operation, Call call) {
    const bool now = point_ == operation && --left_ == 0;
    if (now && before_) raise(SIGKILL);
    auto result = call();
    if (now) raise(SIGKILL);
    return result;
  }

 private:
  const bool before_;
  const std::string point_;
  std::atomic<int> left_;
};

class KillingFile : public AppendFile {
 public:
  KillingFile(std::unique_ptr<AppendFile> file, KillPoint* point)
      : file_(std::move(file)), point_(point) {}
  absl::Status Append(std::string_view bytes) override {
    return point_->Around("append", [&] { return file_->Append(bytes); });
  }
  absl::Status Sync() override {
    return point_->Around("sync", [&] { return file_->Sync(); });
  }
  absl::Status Trim() override {
    return point_->Around("trim", [&] { return file_->Trim(); });
  }

 private:
  const std::unique_ptr<AppendFile> file_;
  KillPoint* const point_;
};

class KillingFileSystem : public FileSystem {
 public:
  explicit KillingFileSystem(KillPoint* point) : point_(point) {}

  absl::StatusOr<std::unique_ptr<AppendFile>> Create(const std::string& path,
                                                     uint64_t reserve_bytes) override {
    auto file = point_->Around("create", [&] { return real_.Create(path, reserve_bytes); });
    if (!file.ok()) return file.status();
    return std::make_unique<KillingFile>(*std::move(file), point_);
  }
  absl::StatusOr<std::unique_ptr<ReadableFile>> Open(const std::string& path) override {
    return real_.Open(path);
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return point_->Around("rename", [&] { return real_.Rename(from, to); });
  }
  absl::Status Unlink(const std::string& path) override {
    return point_->Around("unlink", [&] { return real_.Unlink(path); });
  }
  absl::Status MakeDirectory(const std::string& path) override { return real_.MakeDirectory(path); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    return real_.List(path);
  }
  absl::Status SyncDirectory(const std::string& path) override {
    return point_->Around("sync_directory", [&] { return real_.SyncDirectory(path); });
  }
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return real_.Lock(path);
  }

 private:
  FileSystem& real_ = RealFileSystem();
  KillPoint* const point_;
};

// A few records per step, so that a run of some tenths of a second delivers some hundreds.
void AppendSome(Spool& spool, Position* last) {
  for (int i = 0; i < 5; ++i) {
    ++last->seq;
    SamplePosition position;
    position.epoch = last->epoch;
    position.seq = last->seq;
    const v1::Record record = MakeAlertRecord(position);
    if (spool.Append({*last, record.alert().priority(), record.SerializeAsString()})) continue;
    --last->seq;  // the queue is full: the disk is slower than we are
    return;
  }
}

int Run(int argc, char** argv) {
  const std::string certificates = argv[3];
  const bool drain = argv[4] == std::string("drain");
  KillPoint point(argc == 8 ? argv[5] : "", argc == 8 ? argv[6] : "",
                  argc == 8 ? atoi(argv[7]) : 0);
  KillingFileSystem file_system(&point);
  SpoolOptions options;
  options.dir = argv[1];
  options.segment_bytes = 32 << 10;
  options.linger_relaxed = absl::Milliseconds(2);
  auto spool = Spool::Open(options, file_system);
  if (!spool.ok()) {
    fprintf(stderr, "delivery_crasher: %s\n", spool.status().ToString().c_str());
    return 1;
  }
  UplinkOptions uplink_options;
  uplink_options.collectors = {argv[2]};
  uplink_options.ca_file = certificates + "/ca.pem";
  uplink_options.cert_file = certificates + "/cert.pem";
  uplink_options.key_file = certificates + "/key.pem";
  uplink_options.batch_records = 50;
  uplink_options.backoff_min = absl::Milliseconds(5);
  uplink_options.backoff_max = absl::Milliseconds(50);
  const auto hello = [&spool] {
    v1::Hello message;
    message.set_node("n1");
    message.set_boot_id(kSampleBootId);
    message.set_epoch((*spool)->epoch());
    return message;
  };
  Uplink uplink(uplink_options, spool->get(), hello, [] { return v1::Heartbeat(); });
  if (!uplink.Start().ok()) return 1;
  Position last{(*spool)->epoch(), 0};
  for (;;) {
    const DeliveryReport report{(*spool)->newest(), uplink.state().acked};
    if (write(STDOUT_FILENO, &report, sizeof(report)) != sizeof(report)) return 1;
    if (drain && report.durable == report.acknowledged) return 0;
    if (!drain) AppendSome(**spool, &last);
    absl::SleepFor(absl::Milliseconds(3));
  }
}

}  // namespace
}  // namespace vakt

int main(int argc, char** argv) {
  if (argc != 5 && argc != 8) {
    fprintf(
        stderr,
        "usage: delivery_crasher DIR COLLECTOR CERTIFICATES run|drain [before|after POINT N]\n");
    return 2;
  }
  return vakt::Run(argc, argv);
}

// SPDX-License-Identifier: Apache-2.0
// uplink_bench [ALERTS] [ROUNDS]
//
// What delivery costs the node: alerts of 1 KiB over mutual TLS on loopback, to a receiver in a
// process of its own that acknowledges and forgets, so that this process's CPU time is the sender's
// alone. Two cases, the median of ROUNDS each:
//
//   backlog  what the spool holds is read, sent and acknowledged
//   live     alerts are appended as fast as the spool takes them, made durable, read, sent,
//            acknowledged: all that happens to an alert after the pipeline
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "agent/spool/spool.h"
#include "agent/uplink/uplink.h"
#include "tests/support/dev_certificates.h"
#include "tests/support/fake_collector.h"
#include "vakt/v1/alert.pb.h"

namespace vakt {
namespace {

constexpr size_t kRecordBytes = 1024;

// An encoded record of 1 KiB.
std::string Record(Position position) {
  v1::Record record;
  record.set_epoch(position.epoch);
  record.set_seq(position.seq);
  record.mutable_alert()->set_output("");
  const size_t rest = kRecordBytes - record.ByteSizeLong() - 4;  // lengths that take a byte more
  record.mutable_alert()->set_output(std::string(rest, 'x'));
  return record.SerializeAsString();
}

// The receiver, in a child process.
class Receiver {
 public:
  explicit Receiver(const CertificateSet& certificates) {
    int fds[2];
    if (pipe(fds) != 0) abort();
    pid_ = fork();
    if (pid_ == 0) {
      FakeCollector collector(certificates);
      collector.SetKeepRecords(false);
      const int port = collector.port();
      if (write(fds[1], &port, sizeof(port)) != sizeof(port)) _exit(1);
      for (;;) pause();
    }
    if (read(fds[0], &port_, sizeof(port_)) != sizeof(port_)) abort();
    close(fds[0]);
    close(fds[1]);
  }
  ~Receiver() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  pid_t pid_ = -1;
  int port_ = 0;
};

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Figures {
  double alerts_per_second = 0;
  double cpu_us_per_alert = 0;
};

class Sender {
 public:
  Sender(uint64_t alerts, const CertificateFiles& files, const std::string& collector)
      : alerts_(alerts) {
    const char* base = getenv("TMPDIR");
    dir_ = std::filesystem::path(base == nullptr ? "/var/tmp" : base) /
           ("uplink_bench." + std::to_string(getpid()));
    SpoolOptions options;
    options.dir = dir_;
    options.max_bytes = uint64_t{4} << 30;
    auto spool = Spool::Open(options);
    if (!spool.ok()) abort();
    spool_ = *std::move(spool);
    UplinkOptions uplink;
    uplink.collectors = {collector};
    uplink.ca_file = files.ca;
    uplink.cert_file = files.cert;
    uplink.key_file = files.key;
    uplink_ = std::make_unique<Uplink>(
        uplink, spool_.get(), [] { return v1::Hello(); }, [] { return v1::Heartbeat(); });
    bytes_.reserve(alerts);
    for (uint64_t i = 1; i <= alerts; ++i) bytes_.push_back(Record({spool_->epoch(), i}));
  }
  ~Sender() {
    uplink_.reset();
    spool_.reset();
    std::filesystem::remove_all(dir_);
  }

  Figures Backlog() {
    Append();
    spool_->Flush();
    return Measure([] {});
  }
  Figures Live() {
    return Measure([this] { Append(); });
  }

 private:
  void Append() {
    for (uint64_t i = 1; i <= alerts_; ++i) {
      while (!spool_->Append({{spool_->epoch(), i}, 4, std::move(bytes_[i - 1])})) {
        absl::SleepFor(absl::Milliseconds(1));
      }
    }
  }

  template <typename Work>
  Figures Measure(Work work) {
    const double cpu_before = CpuSeconds();
    const absl::Time begin = absl::Now();
    if (!uplink_->Start().ok()) abort();
    work();
    while (uplink_->state().acked.seq < alerts_) absl::SleepFor(absl::Milliseconds(2));
    const double wall = absl::ToDoubleSeconds(absl::Now() - begin);
    const double cpu = CpuSeconds() - cpu_before;
    const auto count = static_cast<double>(alerts_);
    return {count / wall, cpu / count * 1e6};
  }

  const uint64_t alerts_;
  std::filesystem::path dir_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<Uplink> uplink_;
  std::vector<std::string> bytes_;  // made before the clock runs
};

template <typename Get>
double Median(std::vector<Figures> all, Get get) {
  std::sort(all.begin(), all.end(),
            [&](const Figures& a, const Figures& b) { return get(a) < get(b); });
  return get(all[all.size() / 2]);
}

void Report(const char* name, const std::vector<Figures>& all) {
  const auto rate = [](const Figures& figures) { return figures.alerts_per_second; };
  const auto cpu = [](const Figures& figures) { return figures.cpu_us_per_alert; };
  printf("%-8s %8.0f alerts/s   %5.2f us of sender CPU per alert\n", name, Median(all, rate),
         Median(all, cpu));
  fflush(stdout);
}

int Main(int argc, char** argv) {
  const uint64_t alerts = argc > 1 ? strtoull(argv[1], nullptr, 10) : 200'000;
  const int rounds = argc > 2 ? atoi(argv[2]) : 5;
  TestAuthority authority;
  const std::filesystem::path dir =
      std::filesystem::temp_directory_path() / ("uplink_bench_tls." + std::to_string(getpid()));
  std::filesystem::create_directory(dir);
  const CertificateFiles files =
      WriteCertificates(authority.Issue("spiffe://bench/cluster/c/node/n/agent"), dir);
  const CertificateSet receiver_certificates = authority.Issue("spiffe://bench/collector/1");
  // All receivers first: gRPC does not live through a fork.
  std::vector<std::unique_ptr<Receiver>> receivers;
  for (int i = 0; i < 2 * rounds; ++i) {
    receivers.push_back(std::make_unique<Receiver>(receiver_certificates));
  }
  std::vector<Figures> backlog, live;
  for (int i = 0; i < rounds; ++i) {
    backlog.push_back(Sender(alerts, files, receivers[2 * i]->address()).Backlog());
    live.push_back(Sender(alerts, files, receivers[2 * i + 1]->address()).Live());
  }
  std::filesystem::remove_all(dir);
  Report("backlog", backlog);
  Report("live", live);
  return 0;
}

}  // namespace
}  // namespace vakt

int main(int argc, char** argv) { return vakt::Main(argc, argv); }

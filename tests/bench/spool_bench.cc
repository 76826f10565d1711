// SPDX-License-Identifier: Apache-2.0
// The way of an alert from the pipeline to the node's disk: what Append costs the pipeline, and how
// long a group takes to become durable. (uplink_bench goes on from there.) Records of 1 KiB. The
// disk is that of $TMPDIR, or /var/tmp; its bare fdatasync is measured beside, because it varies
// tenfold with the neighbours.
#include <benchmark/benchmark.h>
#include <fcntl.h>
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
#include "vakt/v1/alert.pb.h"

namespace vakt {
namespace {

constexpr size_t kRecordBytes = 1024;

// An encoded record of about 1 KiB.
std::string Record(Position position) {
  v1::Record record;
  record.set_epoch(position.epoch);
  record.set_seq(position.seq);
  record.mutable_alert()->set_output(std::string(kRecordBytes - 24, 'x'));
  return record.SerializeAsString();
}

class Directory {
 public:
  Directory() {
    const char* base = getenv("TMPDIR");
    path_ = std::filesystem::path(base == nullptr ? "/var/tmp" : base) /
            ("spool_bench." + std::to_string(getpid()));
    std::filesystem::create_directories(path_);
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::unique_ptr<Spool> OpenSpool(const Directory& directory, absl::Duration linger_urgent) {
  SpoolOptions options;
  options.dir = directory.path() / "spool";
  options.linger_urgent = linger_urgent;
  options.max_bytes = uint64_t{2} << 30;
  auto spool = Spool::Open(options);
  if (!spool.ok()) {
    fprintf(stderr, "%s\n", spool.status().ToString().c_str());
    exit(1);
  }
  return *std::move(spool);
}

void SetPercentiles(benchmark::State& state, std::vector<double> latencies_us) {
  std::sort(latencies_us.begin(), latencies_us.end());
  const auto at = [&](double p) {
    return latencies_us[static_cast<size_t>(p * static_cast<double>(latencies_us.size() - 1))];
  };
  state.counters["p50_us"] = at(0.5);
  state.counters["p99_us"] = at(0.99);
  state.counters["max_us"] = latencies_us.back();
}

// What the pipeline thread pays, while the writer thread and the disk do their part.
void BM_Append(benchmark::State& state) {
  constexpr int kBurst = 4000;
  Directory directory;
  const auto spool = OpenSpool(directory, absl::Milliseconds(10));
  Position position{spool->epoch(), 0};
  uint64_t refused = 0;
  while (state.KeepRunningBatch(kBurst)) {
    state.PauseTiming();
    spool->Flush();
    spool->Acknowledge(spool->newest());
    std::vector<OutRecord> records;
    for (int i = 0; i < kBurst; ++i) {
      ++position.seq;
      records.push_back({position, 2, Record(position)});
    }
    state.ResumeTiming();
    for (OutRecord& record : records) refused += spool->Append(std::move(record)) ? 0 : 1;
  }
  state.counters["refused"] = static_cast<double>(refused);
}
BENCHMARK(BM_Append);

// The disk alone: append 1 KiB and fdatasync.
void BM_BareFdatasync(benchmark::State& state) {
  Directory directory;
  const int fd = open((directory.path() / "file").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  const std::string record(kRecordBytes, 'x');
  std::vector<double> latencies_us;
  for (auto _ : state) {
    const absl::Time begin = absl::Now();
    if (write(fd, record.data(), record.size()) < 0 || fdatasync(fd) != 0) {
      state.SkipWithError("write failed");
    }
    latencies_us.push_back(absl::ToDoubleMicroseconds(absl::Now() - begin));
  }
  close(fd);
  SetPercentiles(state, std::move(latencies_us));
}
BENCHMARK(BM_BareFdatasync)->Unit(benchmark::kMicrosecond)->UseRealTime();

// From Append to durable, for one record, without the linger.
void BM_DurableLatency(benchmark::State& state) {
  Directory directory;
  const auto spool = OpenSpool(directory, absl::ZeroDuration());
  Position position{spool->epoch(), 0};
  std::vector<double> latencies_us;
  for (auto _ : state) {
    ++position.seq;
    OutRecord record{position, 2, Record(position)};
    const absl::Time begin = absl::Now();
    spool->Append(std::move(record));
    spool->Flush();
    latencies_us.push_back(absl::ToDoubleMicroseconds(absl::Now() - begin));
  }
  SetPercentiles(state, std::move(latencies_us));
}
BENCHMARK(BM_DurableLatency)->Unit(benchmark::kMicrosecond)->UseRealTime();

// Records per second from Append to durable, as fast as the disk takes them.
void BM_DurableThroughput(benchmark::State& state) {
  Directory directory;
  const auto spool = OpenSpool(directory, absl::Milliseconds(1));
  const std::string bytes = Record({1, 1});
  Position position{spool->epoch(), 0};
  while (state.KeepRunningBatch(10'000)) {
    for (int i = 0; i < 10'000; ++i) {
      ++position.seq;
      while (!spool->Append({position, 2, bytes})) absl::SleepFor(absl::Microseconds(100));
    }
    spool->Flush();
    spool->Acknowledge(spool->newest());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_DurableThroughput)->UseRealTime();

}  // namespace
}  // namespace vakt

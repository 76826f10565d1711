// SPDX-License-Identifier: Apache-2.0
// The collector's rates, every commit synced to the disk: records into the store, records over mTLS
// into the store, and records out again. The directory is below TMPDIR: figures depend on its disk.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "collector/store/store.h"
#include "common/base/log.h"
#include "tests/integration/local_collector.h"

namespace vakt {
namespace {

constexpr int kBatchesInFlight = 4;

// About 1.1 KB each, as an alert with its event as evidence.
std::vector<std::string> EncodedBatch(uint64_t first_seq, int64_t size) {
  const std::string output(800, 'x');
  std::vector<std::string> records;
  for (int64_t i = 0; i < size; ++i) {
    records.push_back(
        MakeAlertRecord({.seq = first_seq + static_cast<uint64_t>(i)}, {.output = output})
            .SerializeAsString());
  }
  return records;
}

std::vector<RecordRow> RowBatch(uint64_t first_seq, int64_t size) {
  std::vector<RecordRow> rows;
  for (std::string& bytes : EncodedBatch(first_seq, size)) {
    rows.push_back(ToRecordRow(std::move(bytes)).value());
  }
  return rows;
}

void CountRecords(benchmark::State& state, int64_t records, size_t record_bytes) {
  state.SetItemsProcessed(records);
  state.SetBytesProcessed(records * static_cast<int64_t>(record_bytes));
}

void BM_DecodeRecord(benchmark::State& state) {
  const std::string bytes = EncodedBatch(1, 1)[0];
  for (auto _ : state) benchmark::DoNotOptimize(ToRecordRow(bytes));
  CountRecords(state, state.iterations(), bytes.size());
}
BENCHMARK(BM_DecodeRecord);

// One node's batches of range(0) records, four in flight, as ingest hands them over.
class AppendBench {
 public:
  AppendBench() : store_(Store::Open({.directory = directory_.path()}).value()) {
    store_->RegisterNode({"c", "n"}, MakeHello("n"),
                         [this](absl::StatusOr<Registration> registration) {
                           absl::MutexLock lock(&mutex_);
                           stream_ = registration->stream;
                         });
    const auto registered = [this] { return stream_ != nullptr; };
    mutex_.LockWhen(absl::Condition(&registered));
    mutex_.Unlock();
  }

  // Returns when all are stored.
  void Append(std::vector<std::vector<RecordRow>> batches) {
    for (std::vector<RecordRow>& rows : batches) {
      Wait(kBatchesInFlight - 1);
      store_->Append(stream_, {.rows = std::move(rows), .before = {}, .after = {}},
                     [this](const absl::Status& status) {
                       absl::MutexLock lock(&mutex_);
                       --in_flight_;
                       failed_ = failed_ || !status.ok();
                     });
    }
    Wait(0);
  }
  bool failed() const { return failed_; }
  uint64_t commits() const { return store_->commits(); }

 private:
  // Until at most `limit` are in flight; then counts one more, if any are allowed.
  void Wait(int limit) {
    const auto reached = [this, limit] { return in_flight_ <= limit; };
    mutex_.LockWhen(absl::Condition(&reached));
    if (limit > 0) ++in_flight_;
    mutex_.Unlock();
  }

  TemporaryDirectory directory_;
  absl::Mutex mutex_;
  std::shared_ptr<NodeStream> stream_;
  int in_flight_ = 0;
  bool failed_ = false;
  std::unique_ptr<Store> store_;
};

void BM_StoreAppend(benchmark::State& state) {
  constexpr int64_t kBatches = 20;
  AppendBench bench;
  const uint64_t commits_before = bench.commits();
  uint64_t seq = 1;
  for (auto _ : state) {
    state.PauseTiming();  // making sample records costs more than storing them
    std::vector<std::vector<RecordRow>> batches;
    for (int64_t i = 0; i < kBatches; ++i) {
      batches.push_back(RowBatch(seq, state.range(0)));
      seq += static_cast<uint64_t>(state.range(0));
    }
    state.ResumeTiming();
    bench.Append(std::move(batches));
  }
  if (bench.failed()) state.SkipWithError("a batch was not stored");
  CountRecords(state, static_cast<int64_t>(seq - 1), EncodedBatch(1, 1)[0].size());
  state.counters["batches_per_commit"] = static_cast<double>(state.iterations() * kBatches) /
                                         static_cast<double>(bench.commits() - commits_before);
}
BENCHMARK(BM_StoreAppend)->Arg(1)->Arg(100)->Arg(1000)->UseRealTime()->MinTime(2);

class CollectorBench {
 public:
  CollectorBench() {
    InitLog(LogLevel::kWarning, false);
    collector_ = Collector::Start(LocalCollectorOptions(authority_, directory_.path())).value();
  }

  std::shared_ptr<grpc::Channel> ChannelAs(const std::string& uri) {
    return OpenChannel(collector_->address(), authority_.Issue(uri));
  }

  // Sends batches made before; returns when all are acknowledged.
  static void Deliver(AgentClient& agent, const std::vector<v1::AgentMessage>& batches) {
    v1::Position stored;
    int ahead = 0;
    for (const v1::AgentMessage& batch : batches) {
      agent.Send(batch);
      if (++ahead < kBatchesInFlight) continue;
      agent.ReadAck(&stored);
      --ahead;
    }
    while (ahead-- > 0) agent.ReadAck(&stored);
  }

  static std::vector<v1::AgentMessage> Batches(uint64_t first_seq, int64_t count, int64_t size) {
    std::vector<v1::AgentMessage> batches(static_cast<size_t>(count));
    for (v1::AgentMessage& batch : batches) {
      for (std::string& record : EncodedBatch(first_seq, size)) {
        batch.mutable_batch()->add_records(std::move(record));
      }
      first_seq += static_cast<uint64_t>(size);
    }
    return batches;
  }

 private:
  TestAuthority authority_;
  TemporaryDirectory directory_;
  std::unique_ptr<Collector> collector_;
};

// range(0) agents, each with batches of range(1) records.
void BM_IngestOverMtls(benchmark::State& state) {
  constexpr int64_t kRecordsPerAgent = 20'000;
  CollectorBench bench;
  const int64_t agents = state.range(0);
  const int64_t batch_size = state.range(1);
  std::vector<std::unique_ptr<AgentClient>> clients;
  for (int64_t i = 0; i < agents; ++i) {
    const std::string node = "n" + std::to_string(i);
    clients.push_back(std::make_unique<AgentClient>(bench.ChannelAs(AgentUri(node))));
    clients.back()->Hello(MakeHello(node), nullptr);
  }
  uint64_t seq = 1;
  int64_t records = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const auto batches = CollectorBench::Batches(seq, kRecordsPerAgent / batch_size, batch_size);
    seq += kRecordsPerAgent;
    state.ResumeTiming();
    std::vector<std::thread> threads;
    for (auto& client : clients) {
      threads.emplace_back([&] { CollectorBench::Deliver(*client, batches); });
    }
    for (std::thread& thread : threads) thread.join();
    records += kRecordsPerAgent * agents;
  }
  CountRecords(state, records, EncodedBatch(1, 1)[0].size());
}
BENCHMARK(BM_IngestOverMtls)
    ->Args({1, 100})
    ->Args({1, 1000})
    ->Args({4, 100})
    ->Args({4, 1000})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MinTime(2);

// A subscriber that catches up with 50,000 records, per iteration.
void BM_SubscribeOverMtls(benchmark::State& state) {
  constexpr int64_t kRecords = 50'000;
  CollectorBench bench;
  {
    AgentClient agent(bench.ChannelAs(AgentUri("n")));
    agent.Hello(MakeHello("n"), nullptr);
    CollectorBench::Deliver(agent, CollectorBench::Batches(1, kRecords / 1000, 1000));
  }
  const auto channel = bench.ChannelAs(kUserUri);
  v1::SubscribeRequest request;
  request.set_from_beginning(true);
  for (auto _ : state) {
    SubscriberClient subscriber(channel, request);
    v1::StoredRecord record;
    for (int64_t i = 0; i < kRecords; ++i) subscriber.ReadRecord(&record);
  }
  CountRecords(state, state.iterations() * kRecords, EncodedBatch(1, 1)[0].size());
}
BENCHMARK(BM_SubscribeOverMtls)->Unit(benchmark::kMillisecond)->UseRealTime();

// A scan of 100,000 records for a rule that matches none: what a selective filter costs.
void BM_ScanWithoutMatch(benchmark::State& state) {
  constexpr int64_t kRecords = 100'000;
  const TemporaryDirectory directory;
  const auto store = Store::Open({.directory = directory.path()}).value();
  store->RegisterNode({"c", "n"}, MakeHello("n"), [&](absl::StatusOr<Registration> registration) {
    for (uint64_t seq = 1; seq < kRecords; seq += 1000) {
      store->Append(registration->stream, {.rows = RowBatch(seq, 1000), .before = {}, .after = {}},
                    [](const absl::Status&) {});
    }
  });
  while (store->last_id() < kRecords) std::this_thread::yield();
  v1::Filter filter;
  filter.add_rules("none");
  const RecordFilter record_filter = RecordFilter::Create(filter).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(store->Scan(record_filter, {.budget = absl::InfiniteDuration()}));
  }
  state.SetItemsProcessed(state.iterations() * kRecords);
}
BENCHMARK(BM_ScanWithoutMatch)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vakt

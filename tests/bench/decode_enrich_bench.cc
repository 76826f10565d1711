// SPDX-License-Identifier: Apache-2.0
// Cost of the first two stages per event: bytes from the ring to an event with its process.
#include <string>
#include <string_view>
#include <vector>

#include "agent/decode/decoder.h"
#include "agent/enrich/enricher.h"
#include "benchmark/benchmark.h"
#include "tests/support/wire_builder.h"

namespace vakt {
namespace {

using std::string_view_literals::operator""sv;

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint32_t kProcesses = 2000;

void SetTask(uint32_t pid, vakt_task* task) {
  task->cookie = vakt_cookie(pid * kSecondNs, pid);
  task->parent_cookie = vakt_cookie(kSecondNs, 1);
  task->pid = task->tid = pid;
  task->ppid = 1;
  task->cgroup_id = 100;
  SetComm("worker", task);
}

WireBuilder<vakt_file_open> OpenRecord(bool failed) {
  WireBuilder<vakt_file_open> record(Kind::file_open);
  record->syscall_nr = 257;
  record->result = failed ? -2 : 3;
  record->file.path_status = VAKT_PATH_OK;
  record.Put(&record->file.path, failed ? "/srv/app/releases/current"
                                        : "/srv/app/releases/current/config/settings.yaml");
  record.Put(&record->name_raw, "../shared/./config/settings.yaml");
  return record;
}

WireBuilder<vakt_process_exec> ExecRecord() {
  WireBuilder<vakt_process_exec> record(Kind::process_exec);
  record->syscall_nr = 59;
  record->exe.path_status = VAKT_PATH_OK;
  record.Put(&record->exe.path, "/usr/bin/python3.11");
  record.Put(&record->filename, "/usr/bin/python3");
  record.Put(&record->argv, "python3\0-m\0http.server\0--directory\0/srv/app/public\0"sv);
  record.Put(&record->cwd, "/srv/app/releases/current");
  record.Put(&record->facts.cgroup_path, "/system.slice/app.service");
  return record;
}

// The same record for each of many processes, as a busy node has them.
template <typename Wire>
std::vector<std::string> ForEachProcess(WireBuilder<Wire> record) {
  std::vector<std::string> records;
  for (uint32_t i = 0; i < kProcesses; ++i) {
    SetTask(i + 2, &record->task);
    record->header.boot_ns = kSecondNs * 100'000 + i;
    const auto bytes = record.Bytes();
    records.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  return records;
}

absl::Span<const std::byte> AsBytes(const std::string& record) {
  return {reinterpret_cast<const std::byte*>(record.data()), record.size()};
}

void Decode(benchmark::State& state, const std::vector<std::string>& records) {
  Decoder decoder(0);
  Event event;
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(decoder.Decode(AsBytes(records[i++ % records.size()]), &event));
  }
  state.SetItemsProcessed(state.iterations());
}

void DecodeAndEnrich(benchmark::State& state, const std::vector<std::string>& records) {
  Decoder decoder(0);
  AccountTable accounts((v1::NodeFacts()));
  Enricher enricher(EnrichOptions{}, &accounts);
  Event event;
  size_t i = 0;
  for (auto _ : state) {
    if (decoder.Decode(AsBytes(records[i++ % records.size()]), &event)) enricher.Apply(event);
    benchmark::DoNotOptimize(event.process);
  }
  state.SetItemsProcessed(state.iterations());
}

void BM_DecodeFileOpen(benchmark::State& state) {
  Decode(state, ForEachProcess(OpenRecord(/*failed=*/false)));
}
void BM_DecodeFailedFileOpen(benchmark::State& state) {
  Decode(state, ForEachProcess(OpenRecord(/*failed=*/true)));
}
void BM_DecodeProcessExec(benchmark::State& state) { Decode(state, ForEachProcess(ExecRecord())); }
void BM_DecodeEnrichFileOpen(benchmark::State& state) {
  DecodeAndEnrich(state, ForEachProcess(OpenRecord(/*failed=*/false)));
}
void BM_DecodeEnrichProcessExec(benchmark::State& state) {
  DecodeAndEnrich(state, ForEachProcess(ExecRecord()));
}

// The life of a short process: fork, exec, exit, and its end in the table.
void BM_EnrichForkExecExit(benchmark::State& state) {
  AccountTable accounts((v1::NodeFacts()));
  Enricher enricher(EnrichOptions{}, &accounts);
  Decoder decoder(0);
  uint64_t boot_ns = 100'000 * kSecondNs;
  WireBuilder<vakt_process_fork> fork(Kind::process_fork);
  WireBuilder<vakt_process_exec> exec = ExecRecord();
  WireBuilder<vakt_process_exit> exit(Kind::process_exit);
  Event event;
  const auto apply = [&](auto& record) {
    record->header.boot_ns = boot_ns;
    if (decoder.Decode(record.Bytes(), &event)) enricher.Apply(event);
  };
  for (auto _ : state) {
    boot_ns += 10'000'000;  // 100 a second: 3,000 are kept after their exit
    vakt_task child{};
    SetTask(7, &child);
    child.cookie = vakt_cookie(boot_ns, 7);
    SetTask(1, &fork->task);
    fork->child = exec->task = exit->task = child;
    apply(fork);
    apply(exec);
    apply(exit);
  }
  state.SetItemsProcessed(state.iterations() * 3);
}

BENCHMARK(BM_DecodeFileOpen);
BENCHMARK(BM_DecodeFailedFileOpen);
BENCHMARK(BM_DecodeProcessExec);
BENCHMARK(BM_DecodeEnrichFileOpen);
BENCHMARK(BM_DecodeEnrichProcessExec);
BENCHMARK(BM_EnrichForkExecExit);

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/kernel_sensor.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <utility>

#include "agent/sensor/kernel_sensor_impl.h"
#include "bpf/wire/wire.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr size_t kBatchRecords = 4096;
// The consumer naps (drains every millisecond, nobody wakes it) while wakeups come faster than this
// and until two naps in a row found nothing; otherwise it sleeps until a probe wakes it. A forced
// wakeup costs the producer about 5 µs, a nap costs an idle machine 1-2 % of a core.
constexpr std::chrono::milliseconds kBusyInterval{10};
constexpr int kBusyWakeups = 8;
constexpr std::chrono::milliseconds kNap{1};
constexpr std::chrono::seconds kLookInterval{1};
// Of a ring, one in so many bytes may wait for what came of it to be written: below the fill at
// which each record wakes the consumer.
constexpr uint64_t kMostHeld = 4;

// Not the wall clock: set back, it would hold up everything that waits for a time.
using std::chrono::steady_clock;
using SteadyTime = steady_clock::time_point;

}  // namespace

int KernelSensorImpl::SetKinds(KindSet kinds) {
  const KindSet stacks = kinds & stack_kinds_;  // of no kind that only we look at
  kinds = (kinds & ~kFlowProbes) | EssentialKinds();
  if (object_->flows() != nullptr) kinds |= kFlowProbes;
  std::lock_guard lock(probes_mutex_);
  std::vector<ProbeReport> reports = WantedProbes(available_, kinds);
  object_->LoadWanted(&reports);
  KeepRefusals(reports, &available_);
  std::atomic_ref mask(object_->control()->kind_mask);
  mask.fetch_or(kinds);  // before they report
  std::atomic_ref(object_->control()->stack_kinds).store(stacks);
  const int attached = object_->Attach(&reports);
  mask.store(kinds);
  reports_ = std::move(reports);
  return attached;
}

std::vector<ProbeReport> KernelSensorImpl::RestoreHooks() {
  std::lock_guard lock(probes_mutex_);
  const std::vector<size_t> dropped = object_->DropDetached();
  if (dropped.empty()) return {};
  object_->Attach(&reports_);
  std::vector<ProbeReport> restored;
  for (const size_t row : dropped) restored.push_back(reports_[row]);
  return restored;
}

void KernelSensorImpl::Resume(uint64_t written_epoch, uint64_t written_seq) {
  Handover& handover = *object_->handover();
  const Handover::State& state = handover.state();
  Handover::Written written = handover.TakeWritten(written_epoch, written_seq);
  takeover_.told_alerts = std::move(written.alerts);
  for (uint32_t cpu = 0; cpu < written.told.size(); ++cpu) losses_.Resume(cpu, written.told[cpu]);
  for (size_t ring = 0; ring < rings_.size(); ++ring) {
    rings_.StartAt(ring, state.cpus[ring / VAKT_LANES].positions[ring % VAKT_LANES]);
    again_until_.push_back(rings_.end(ring));
  }
  for (size_t kind = 0; kind < VAKT_KIND_MAX; ++kind) delivered_[kind] = state.delivered[kind];
  skipped_told_ = takeover_.skipped_told = state.skipped_told;
  takeover_.gave_up = state.given_up != 0;
  rings_.Peek([this](RawRecord) { ++takeover_.waiting; });
}

void KernelSensorImpl::DrainFirst(std::unique_ptr<Predecessor> predecessor, uint64_t since_boot_ns,
                                  absl::Span<const uint64_t> told_alerts) {
  takeover_.told_alerts.insert(takeover_.told_alerts.end(), told_alerts.begin(), told_alerts.end());
  twins_.SetSince(since_boot_ns);
  takeover_.waiting += predecessor->Waiting();
  takeover_.gave_up |= predecessor->handover().state().given_up != 0;
  predecessors_.push_back(std::move(predecessor));
}

void KernelSensorImpl::NoteRules(std::string_view rules) {
  if (Handover* handover = object_->handover()) handover->NoteRules(rules);
}

void KernelSensorImpl::NoteAlert(uint64_t epoch, uint64_t seq, uint64_t key) {
  if (Handover* handover = object_->handover()) handover->NoteOutput({epoch, seq, key, 0});
}

void KernelSensorImpl::NoteLoss(uint64_t epoch, uint64_t seq, const Loss& loss) {
  Handover* handover = object_->handover();
  if (handover == nullptr) return;
  const auto reason = std::find(LossReasons().begin(), LossReasons().end(), loss.reason);
  const auto index = static_cast<size_t>(reason - LossReasons().begin());
  handover->NoteOutput({epoch, seq, Handover::LossKey(loss.cpu, loss.kind, index), loss.total});
}

uint64_t KernelSensorImpl::OutputsDealtWith() {
  const Handover& handover = *object_->handover();
  for (size_t ring = 0; ring < again_until_.size(); ++ring) {
    if (rings_.position(ring) < again_until_[ring]) return handover.state().outputs;
  }
  again_until_.clear();
  return handover.noted();
}

Dealt KernelSensorImpl::DealtNow() {
  Dealt dealt = std::move(now_);
  dealt.outputs = OutputsDealtWith();
  dealt.positions.resize(rings_.size());
  for (size_t ring = 0; ring < rings_.size(); ++ring) dealt.positions[ring] = rings_.position(ring);
  dealt.delivered.resize(VAKT_KIND_MAX);
  for (size_t kind = 0; kind < VAKT_KIND_MAX; ++kind) {
    dealt.delivered[kind] = delivered_[kind].load(std::memory_order_relaxed);
  }
  dealt.told.clear();
  if (losses_.lost_total() == std::exchange(told_total_, losses_.lost_total())) return dealt;
  for (uint32_t cpu = 0; cpu < object_->cpus().size(); ++cpu)
    dealt.told.push_back(losses_.told(cpu));
  return dealt;
}

void KernelSensorImpl::CommitNow(const Dealt& dealt) {
  Handover* handover = object_->handover();
  Handover::State* state = handover->next();
  for (size_t ring = 0; ring < rings_.size(); ++ring) {
    state->cpus[ring / VAKT_LANES].positions[ring % VAKT_LANES] = dealt.positions[ring];
  }
  std::copy(dealt.delivered.begin(), dealt.delivered.end(), state->delivered);
  for (size_t cpu = 0; cpu < dealt.told.size(); ++cpu) state->cpus[cpu].told = dealt.told[cpu];
  state->skipped_told = skipped_told_;
  state->outputs = dealt.outputs;
  state->given_up = dealt_.has_given_up() ? 1 : 0;
  handover->Commit(!dealt.told.empty());
  for (size_t ring = 0; ring < rings_.size(); ++ring) rings_.Release(ring, dealt.positions[ring]);
}

void KernelSensorImpl::Commit() {
  if (object_->handover() == nullptr) return rings_.Release();
  while (dealt_.Take(&now_)) CommitNow(now_);
  dealt_.Add(DealtNow());
  // Room for what happens comes before what a kill could take back.
  const bool is_crowded = object_->handover()->journal_is_full() ||
                          rings_.MostHeld() >= object_->ring_size() / kMostHeld;
  while (is_crowded ? dealt_.TakeAnyway(&now_) : dealt_.Take(&now_)) CommitNow(now_);
}

// What they left is older than anything that we alone have.
bool KernelSensorImpl::CollectFromPredecessors() {
  for (const auto& predecessor : predecessors_) {
    predecessor->Collect(kBatchRecords, &batch_);
    for (RawRecord record : batch_) twins_.Add(record);
    if (!batch_.empty()) return true;
  }
  return false;
}

// The batch is in the order of time: once it begins after their last record, no twin can come.
void KernelSensorImpl::DropTwins() {
  if (twins_.empty() || batch_.empty()) return;
  vakt_header first = {};
  std::memcpy(&first, batch_.front().data(), std::min(sizeof(first), batch_.front().size()));
  if (first.boot_ns > twins_.newest_ns() + Twins::kApartNs) {
    twins_ = Twins();
    return;
  }
  std::erase_if(batch_, [this](RawRecord record) { return twins_.Take(record); });
}

bool KernelSensorImpl::CollectBatch() {
  batch_.clear();
  if (CollectFromPredecessors()) return true;
  rings_.Collect(kBatchRecords, static_cast<uint64_t>(RealClock().BootNs()), &batch_);
  for (RawRecord record : batch_) {
    vakt_header header;
    if (record.size() < sizeof(header)) continue;  // decode counts it
    std::memcpy(&header, record.data(), sizeof(header));
    losses_.OnRecord(header);
    if (header.kind < VAKT_KIND_MAX) {
      delivered_[header.kind].fetch_add(1, std::memory_order_relaxed);
    }
  }
  DropTwins();
  return !batch_.empty();
}

bool KernelSensorImpl::Busy() {
  const SteadyTime now = steady_clock::now();
  if (now - window_start_ > kBusyInterval) {
    window_start_ = now;
    window_wakeups_ = 0;
  }
  if (++window_wakeups_ == kBusyWakeups) empty_naps_ = 0;
  return empty_naps_ < 2;
}

bool KernelSensorImpl::Wait(steady_clock::duration timeout, bool sleep) {
  std::atomic_ref<uint32_t> sleeps(object_->control()->consumer_sleeps);
  if (sleep) {
    sleeps.store(1, std::memory_order_seq_cst);
    if (rings_.HasData()) {  // came between the last look and the flag
      sleeps.store(0, std::memory_order_relaxed);
      return false;
    }
  }
  epoll_event events[8];
  const timespec limit =
      absl::ToTimespec(std::max(absl::FromChrono(timeout), absl::ZeroDuration()));
  const int count = epoll_pwait2(epoll_.get(), events, 8, &limit, nullptr);
  if (sleep) sleeps.store(0, std::memory_order_relaxed);
  bool woken = false;
  for (int i = 0; i < count; ++i) woken |= events[i].data.fd == wake_.get();
  if (woken) {
    uint64_t value;
    [[maybe_unused]] const ssize_t got = read(wake_.get(), &value, sizeof(value));
  }
  return woken;
}

absl::Span<const RawRecord> KernelSensorImpl::Next(absl::Duration timeout) {
  Commit();
  const SteadyTime deadline = steady_clock::now() + absl::ToChronoNanoseconds(timeout);
  while (!CollectBatch()) {
    Commit();  // discarded records
    const SteadyTime now = steady_clock::now();
    if (now >= deadline) break;
    const bool nap = Busy();
    if (nap) ++empty_naps_;
    if (Wait(nap ? std::min<steady_clock::duration>(kNap, deadline - now) : deadline - now, !nap))
      break;
  }
  if (!batch_.empty() && empty_naps_ < 2) empty_naps_ = 0;
  return batch_;
}

void KernelSensorImpl::TakeLosses(std::vector<Loss>* losses) {
  const SteadyTime now = steady_clock::now();
  const uint64_t missing = losses_.missing_total();
  if (missing == missing_seen_ && now - last_look_ < kLookInterval) return;
  missing_seen_ = missing;
  last_look_ = now;
  losses_.Look(RealClock().BootNs(), losses);
  for (const auto& predecessor : predecessors_) {
    predecessor->TakeLosses(RealClock().BootNs(), losses);
  }
  const bool drained =
      std::none_of(predecessors_.begin(), predecessors_.end(),
                   [](const auto& predecessor) { return predecessor->rings().HasData(); });
  if (!drained || !twins_.empty()) return;
  for (const auto& predecessor : predecessors_) predecessor->Remove();
  predecessors_.clear();
}

SensorCounters KernelSensorImpl::Counters() const {
  SensorCounters sum;
  const auto load = [](const __u64& c) {
    return std::atomic_ref<__u64>(const_cast<__u64&>(c)).load(std::memory_order_relaxed);
  };
  for (const vakt_cpu_state& cpu : object_->cpus()) {
    for (size_t kind = 0; kind < VAKT_KIND_MAX; ++kind) {
      sum.hits[kind] += load(cpu.hits[kind]);
      sum.filtered[kind] += load(cpu.filtered[kind]);
      for (size_t r = 0; r < VAKT_LOST_REASONS; ++r) sum.lost[kind][r] += load(cpu.lost[kind][r]);
    }
  }
  for (size_t kind = 0; kind < VAKT_KIND_MAX; ++kind) {
    sum.delivered[kind] = delivered_[kind].load(std::memory_order_relaxed);
  }
  return sum;
}

absl::flat_hash_map<uint64_t, uint64_t> KernelSensorImpl::WaitingExecs() {
  absl::flat_hash_map<uint64_t, uint64_t> execs;
  const auto add = [&execs](RawRecord record) {
    vakt_process_exec exec;
    if (record.size() < sizeof(exec)) return;
    std::memcpy(&exec, record.data(), sizeof(exec));
    if (exec.header.kind != static_cast<uint16_t>(Kind::process_exec)) return;
    execs.emplace(exec.task.cookie, exec.header.boot_ns);  // the first one
  };
  for (const auto& predecessor : predecessors_) predecessor->rings().Peek(add);
  rings_.Peek(add);
  return execs;
}

// A process that started a program whose record is still to come is not told of: its earlier events
// come before that record, and are not the new program's.
absl::Status KernelSensorImpl::Seed(const std::function<void(RawRecord)>& on_record) {
  VAKT_ASSIGN_OR_RETURN(const UniqueFd seeds, object_->OpenIterator("process_seed"));
  std::vector<std::byte> buffer(256 << 10);
  absl::flat_hash_map<uint64_t, uint64_t> execs;
  size_t held = 0;
  for (;;) {
    const ssize_t got = read(seeds.get(), buffer.data() + held, buffer.size() - held);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return ErrnoStatus(errno, "reading the task iterator");
    if (got == 0) break;
    held += static_cast<size_t>(got);
    execs = WaitingExecs();
    size_t at = 0;
    vakt_process_seed seed;
    while (held - at >= sizeof(seed)) {
      std::memcpy(&seed, buffer.data() + at, sizeof(seed));
      if (seed.size < sizeof(seed)) return absl::DataLossError("task iterator: malformed record");
      if (held - at < seed.size) break;
      const auto exec = execs.find(seed.task.cookie);
      const bool is_newer = exec != execs.end() && exec->second <= seed.header.boot_ns;
      if (!is_newer) on_record(RawRecord(buffer.data() + at, seed.size));
      at += seed.size;
    }
    std::memmove(buffer.data(), buffer.data() + at, held - at);
    held -= at;
  }
  return held == 0 ? absl::OkStatus() : absl::DataLossError("task iterator: cut record at the end");
}

// For iterators that have nothing to say: what they do is their purpose.
absl::Status KernelSensorImpl::RunIterator(std::string_view program) const {
  UniqueFd file;
  {
    std::lock_guard lock(probes_mutex_);
    VAKT_ASSIGN_OR_RETURN(file, object_->OpenIterator(program));
  }
  char nothing[64];
  for (;;) {
    const ssize_t got = read(file.get(), nothing, sizeof(nothing));
    if (got == 0) return absl::OkStatus();
    if (got < 0 && errno != EINTR && errno != EAGAIN) {
      return ErrnoStatus(errno, StrCat("running the iterator ", program));
    }
  }
}

absl::Status KernelSensorImpl::SeedFlows() {
  VAKT_RETURN_IF_ERROR(RunIterator("flow_seed"));
  VAKT_RETURN_IF_ERROR(object_->ListenersAreKnown());
  return RunIterator("flow_seed");
}

absl::Status KernelSensorImpl::TakeFlows(std::vector<FlowSum>* sums) {
  if (object_->flows() == nullptr) return absl::FailedPreconditionError("flows are off");
  const absl::Status status = RunIterator("flow_open");
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  return object_->flows()->Take(sums);
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/kernel_sensor.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "agent/sensor/bpf_object.h"
#include "agent/sensor/inline_exits.h"
#include "agent/sensor/kernel_needs.h"
#include "agent/sensor/loss_tracker.h"
#include "agent/sensor/ring_set.h"
#include "bpf/wire/wire.h"
#include "common/base/clock.h"
#include "common/base/log.h"
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

// Not the wall clock: set back, it would hold up everything that waits for a time.
using std::chrono::steady_clock;
using SteadyTime = steady_clock::time_point;

class KernelSensorImpl : public KernelSensor {
 public:
  KernelSensorImpl(std::unique_ptr<BpfObject> object, std::vector<ProbeReport> available,
                   RingSet rings, UniqueFd epoll, UniqueFd wake)
      : object_(std::move(object)),
        available_(std::move(available)),
        rings_(std::move(rings)),
        epoll_(std::move(epoll)),
        wake_(std::move(wake)),
        losses_(object_->cpus()) {}

  absl::Span<const RawRecord> Next(absl::Duration timeout) override;
  void TakeLosses(std::vector<Loss>* losses) override;
  void Wake() override {
    const uint64_t one = 1;
    // A full counter would mean that it is already awake.
    [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
  }
  absl::Status Seed(const std::function<void(RawRecord)>& on_record) override;
  absl::Status SeedFlows() override;
  absl::Status TakeFlows(std::vector<FlowSum>* sums) override;
  int SetKinds(KindSet kinds) override;
  std::vector<ProbeReport> RestoreHooks() override;
  void CaptureEnvironment(bool capture) override {
    std::atomic_ref(object_->control()->capture_environment).store(capture ? 1 : 0);
  }
  std::vector<ProbeReport> Report() const override {
    std::lock_guard lock(probes_mutex_);
    return reports_;
  }
  SensorCounters Counters() const override;
  uint64_t MapBytes() const override { return object_->MapBytes(); }
  absl::StatusOr<std::vector<ProgramStats>> Programs(absl::Duration measure) const override {
    const std::vector<LoadedProgram> programs = LoadedPrograms();
    if (measure <= absl::ZeroDuration()) return ReadPrograms(programs);
    return MeasurePrograms(programs, measure);
  }
  absl::Status InstallPrefilter(const vakt_prefilter& tables) override {
    return object_->prefilter()->Install(tables);
  }
  void DisablePrefilter() override { object_->prefilter()->Disable(); }
  bool HasProcessMasks(uint64_t fingerprint) const override {
    return object_->prefilter()->HasMasks(fingerprint);
  }
  void SetProcessMasks(uint64_t fingerprint, absl::Span<const uint64_t> masks) override {
    object_->prefilter()->SetMasks(fingerprint, masks);
  }

 private:
  std::vector<LoadedProgram> LoadedPrograms() const {
    std::lock_guard lock(probes_mutex_);
    return object_->Programs();
  }
  bool CollectBatch();
  bool Busy();
  absl::Status RunIterator(std::string_view program) const;
  // Waits for a probe's wakeup; true when Wake was called.
  bool Wait(steady_clock::duration timeout, bool sleep);

  std::unique_ptr<BpfObject> object_;
  mutable std::mutex probes_mutex_;                                    // loading and attaching
  std::vector<ProbeReport> available_ ABSL_GUARDED_BY(probes_mutex_);  // kAttached: could be
  std::vector<ProbeReport> reports_ ABSL_GUARDED_BY(probes_mutex_);
  RingSet rings_;
  UniqueFd epoll_;
  UniqueFd wake_;
  LossTracker losses_;
  std::vector<RawRecord> batch_;
  std::array<std::atomic<uint64_t>, VAKT_KIND_MAX> delivered_{};
  uint64_t missing_seen_ = 0;
  SteadyTime last_look_;
  SteadyTime window_start_;
  int window_wakeups_ = 0;
  int empty_naps_ = 2;
};

// Exits that ride along: a system-call tracepoint slows every system call of the machine, and a
// second one hardly more. Without a first one the hooks that cost others nothing have to do; in the
// inline tier each of them costs others nothing.
void ChooseRiders(std::vector<ProbeReport>* reports) {
  const bool taxed = std::any_of(reports->begin(), reports->end(), [](const ProbeReport& report) {
    return report.probe->type == HookType::kSyscallTracepoint && report.tier == Tier::kTracepoint &&
           report.state == ProbeReport::State::kAttached;
  });
  for (ProbeReport& report : *reports) {
    if (taxed || report.probe->type != HookType::kExitRider) continue;
    if (report.tier == Tier::kInline) continue;
    if (report.state != ProbeReport::State::kAttached) continue;
    report.state = ProbeReport::State::kDisabled;
    report.detail = "it would slow all system calls, and no loaded rule needs one that does";
  }
}

// What of the available ones `kinds` needs.
std::vector<ProbeReport> WantedProbes(const std::vector<ProbeReport>& available, KindSet kinds) {
  std::vector<ProbeReport> reports = available;
  for (ProbeReport& report : reports) {
    const bool wanted = (kinds & KindBit(report.probe->kind)) != 0;
    if (wanted || report.state == ProbeReport::State::kDisabled) continue;
    report.state = ProbeReport::State::kNotNeeded;
    report.detail.clear();
  }
  ChooseRiders(&reports);
  return reports;
}

// What the kernel refuses is not tried again, be it a program or its inline form.
void KeepRefusals(const std::vector<ProbeReport>& reports, std::vector<ProbeReport>* available) {
  for (size_t i = 0; i < reports.size(); ++i) {
    if (reports[i].state == ProbeReport::State::kFailed) (*available)[i] = reports[i];
    (*available)[i].tier = reports[i].tier;
  }
}

int KernelSensorImpl::SetKinds(KindSet kinds) {
  kinds = (kinds & ~kFlowProbes) | EssentialKinds();
  if (object_->flows() != nullptr) kinds |= kFlowProbes;
  std::lock_guard lock(probes_mutex_);
  std::vector<ProbeReport> reports = WantedProbes(available_, kinds);
  object_->LoadWanted(&reports);
  KeepRefusals(reports, &available_);
  std::atomic_ref mask(object_->control()->kind_mask);
  mask.fetch_or(kinds);  // before they report
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

bool KernelSensorImpl::CollectBatch() {
  batch_.clear();
  rings_.Collect(kBatchRecords, &batch_);
  for (RawRecord record : batch_) {
    vakt_header header;
    if (record.size() < sizeof(header)) continue;  // decode counts it
    std::memcpy(&header, record.data(), sizeof(header));
    losses_.OnRecord(header);
    if (header.kind < VAKT_KIND_MAX) {
      delivered_[header.kind].fetch_add(1, std::memory_order_relaxed);
    }
  }
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
  rings_.Release();
  const SteadyTime deadline = steady_clock::now() + absl::ToChronoNanoseconds(timeout);
  while (!CollectBatch()) {
    rings_.Release();  // discarded records
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

absl::Status KernelSensorImpl::Seed(const std::function<void(RawRecord)>& on_record) {
  VAKT_ASSIGN_OR_RETURN(const UniqueFd seeds, object_->OpenIterator("process_seed"));
  std::vector<std::byte> buffer(256 << 10);
  size_t held = 0;
  for (;;) {
    const ssize_t got = read(seeds.get(), buffer.data() + held, buffer.size() - held);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return ErrnoStatus(errno, "reading the task iterator");
    if (got == 0) break;
    held += static_cast<size_t>(got);
    size_t at = 0;
    vakt_process_seed seed;
    while (held - at >= sizeof(seed)) {
      std::memcpy(&seed, buffer.data() + at, sizeof(seed));
      if (seed.size < sizeof(seed)) return absl::DataLossError("task iterator: malformed record");
      if (held - at < seed.size) break;
      on_record(RawRecord(buffer.data() + at, seed.size));
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

std::vector<ProbeReport> AvailableProbes(const KernelSensorOptions& options) {
  std::vector<ProbeReport> reports;
  for (const ProbeRow& row : AllProbes()) {
    ProbeReport report{.probe = &row, .state = ProbeReport::State::kAttached};
    if (row.type == HookType::kEverySyscall && !options.strict) {
      report.state = ProbeReport::State::kNotNeeded;
      report.detail = "coverage: fast leaves it out, for it would slow all system calls";
    }
    const auto& disabled = options.disabled_probes;
    if (std::find(disabled.begin(), disabled.end(), row.program) != disabled.end()) {
      report.state = ProbeReport::State::kDisabled;
      report.detail = "disabled by configuration";
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

// Each row has one tier for the life of the sensor. A call whose function the kernel does not have
// stays with its tracepoint.
InlineExits ChooseTiers(const KernelSensorOptions& options, std::vector<ProbeReport>* reports) {
  if (options.tier == Tier::kTracepoint) return {};
  InlineExits exits = InlineExits::Find(options.btf_path, "/proc/kallsyms");
  for (ProbeReport& report : *reports) {
    if (!IsSyscallExit(report.probe->type)) continue;
    const bool has = exits.FormOf(report.probe->target) != InlineExits::Form::kNone;
    report.tier = has ? Tier::kInline : Tier::kTracepoint;
  }
  return exits;
}

absl::Status CheckDisabledNames(const KernelSensorOptions& options) {
  for (const std::string& name : options.disabled_probes) {
    const auto rows = AllProbes();
    if (std::none_of(rows.begin(), rows.end(), [&](const auto& r) { return r.program == name; })) {
      return absl::InvalidArgumentError(StrCat("no probe is called ", name));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<UniqueFd> MakeEpoll(const std::vector<int>& ring_fds, int wake_fd) {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return ErrnoStatus(errno, "epoll_create1");
  const auto add = [&](int fd, uint32_t events) {
    epoll_event event = {};
    event.events = events;
    event.data.fd = fd;
    return epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  };
  // Edge-triggered: data that is already there must not end a nap, only a wakeup does.
  for (int fd : ring_fds) {
    if (!add(fd, EPOLLIN | EPOLLET)) return ErrnoStatus(errno, "watching a ring");
  }
  if (!add(wake_fd, EPOLLIN)) return ErrnoStatus(errno, "watching the wake event");
  return epoll;
}

}  // namespace

absl::Status CheckProbes(absl::Span<const ProbeReport> reports) {
  bool refused = false;
  std::string missing;
  for (const ProbeReport& report : reports) {
    const Kind kind = report.probe->kind;
    if (!In(EssentialKinds(), kind) || report.state != ProbeReport::State::kFailed) continue;
    refused = refused || In(RequiredKinds(), kind);
    missing +=
        StrCat(missing.empty() ? "" : "; ", report.probe->program, " (", report.probe->target,
               "): ", report.detail, ", so ", report.probe->blind_spot);
  }
  if (!refused) return absl::OkStatus();
  return absl::FailedPreconditionError(
      StrCat("this kernel refuses what no rule can be judged without: ", missing,
             "; docs/reference/kernels.md names kernels that take it"));
}

TierChoice TierChoiceOf(std::string_view name) {
  if (name == "inline") return TierChoice::kInline;
  return name == "tracepoint" ? TierChoice::kTracepoint : TierChoice::kAuto;
}

absl::StatusOr<Tier> DecideTier(TierChoice choice) {
  if (choice == TierChoice::kTracepoint) return Tier::kTracepoint;
  if (InlineExits::Allowed()) return Tier::kInline;
  if (choice == TierChoice::kAuto) return Tier::kTracepoint;
  return absl::FailedPreconditionError(
      "this kernel refuses programs on its functions (fexit), which the inline tier needs; tier "
      "auto does without");
}

absl::StatusOr<std::unique_ptr<KernelSensor>> KernelSensor::Start(
    const KernelSensorOptions& options) {
  VAKT_RETURN_IF_ERROR(CheckDisabledNames(options));
  VAKT_RETURN_IF_ERROR(CheckKernel(options.btf_path));
  std::vector<ProbeReport> available = AvailableProbes(options);
  InlineExits inline_exits = ChooseTiers(options, &available);
  KindSet kinds = options.kinds | EssentialKinds();
  if (options.flows) kinds |= kFlowProbes;
  std::vector<ProbeReport> first = WantedProbes(available, kinds);
  VAKT_ASSIGN_OR_RETURN(std::unique_ptr<BpfObject> object,
                        BpfObject::Load(options, std::move(inline_exits), &first));
  KeepRefusals(first, &available);
  object->control()->scope_cgroup_id = options.scope.cgroup_id;
  object->control()->scope_level = options.scope.level;
  VAKT_ASSIGN_OR_RETURN(RingSet rings, RingSet::Map(object->ring_fds(), object->ring_size()));
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return ErrnoStatus(errno, "eventfd");
  VAKT_ASSIGN_OR_RETURN(UniqueFd epoll, MakeEpoll(object->ring_fds(), wake.get()));
  auto sensor = std::make_unique<KernelSensorImpl>(
      std::move(object), std::move(available), std::move(rings), std::move(epoll), std::move(wake));
  if (sensor->SetKinds(options.kinds) == 0) {
    return absl::FailedPreconditionError(
        "no probe could be attached: this kernel refuses them all");
  }
  VAKT_RETURN_IF_ERROR(CheckProbes(sensor->Report()));
  return sensor;
}

}  // namespace vakt

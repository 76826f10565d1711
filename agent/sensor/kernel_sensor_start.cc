// SPDX-License-Identifier: Apache-2.0
// How a KernelSensor comes about: what this kernel allows, and what a predecessor left.
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "agent/sensor/bpf_object.h"
#include "agent/sensor/inline_exits.h"
#include "agent/sensor/kernel_hooks.h"
#include "agent/sensor/kernel_needs.h"
#include "agent/sensor/kernel_sensor_impl.h"
#include "agent/sensor/pin_dir.h"
#include "agent/sensor/predecessor.h"
#include "bpf/wire/wire.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

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

std::vector<ProbeReport> AvailableProbes(const KernelSensorOptions& options,
                                         const KernelHooks& kernel_hooks) {
  std::vector<ProbeReport> reports;
  for (const ProbeRow& row : AllProbes()) {
    ProbeReport report{.probe = &row, .state = ProbeReport::State::kAttached};
    if (const auto why = kernel_hooks.WhyMissing(row); !why.empty()) {
      // Without the tracepoints of modules the kernel takes none: there is nothing to be seen.
      const bool has_none = row.kind == Kind::kernel_module;
      report.state = has_none ? ProbeReport::State::kNotNeeded : ProbeReport::State::kFailed;
      report.detail = why;
    }
    if (row.type == HookType::kEverySyscall && !options.strict) {
      report.state = ProbeReport::State::kNotNeeded;
      report.detail = "coverage: fast leaves it out, for it would slow all system calls";
    }
    if (row.type == HookType::kDetail && !options.user_stacks) {
      report.state = ProbeReport::State::kNotNeeded;
      report.detail = "stacks are left out by configuration";
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

// Longer than two acts may lie apart that are taken for one (Twins).
constexpr auto kBothWatch = std::chrono::milliseconds(50);
// A probe that was running when its hook went has ended by then.
constexpr auto kLastRuns = std::chrono::milliseconds(20);
// What cannot be taken over although it says that it could makes way under this name.
constexpr std::string_view kBroken = "0000000000000000_0000000000000000";

// Loads the programs onto the predecessor's maps, or, where there is none or it is broken, onto new
// ones.
absl::StatusOr<std::unique_ptr<BpfObject>> LoadObject(const KernelSensorOptions& options,
                                                      const KernelHooks& kernel_hooks,
                                                      const InlineExits& inline_exits,
                                                      const PinDir* pins,
                                                      std::vector<ProbeReport>* reports) {
  const std::string name = pins ? BpfObject::SetName(options) : "";
  const std::vector<std::string> sets = pins ? pins->SetNames() : std::vector<std::string>();
  if (std::find(sets.begin(), sets.end(), name) != sets.end()) {
    const std::vector<ProbeReport> before = *reports;
    auto object = BpfObject::Load(options, kernel_hooks, inline_exits, reports, pins->Set(name));
    if (object.ok()) return object;
    LogWarning(
        StrCat("what the last agent left pinned cannot be taken over: ", Message(object.status())));
    *reports = before;
    VAKT_RETURN_IF_ERROR(pins->Set(name).Publish(kBroken));
  }
  VAKT_ASSIGN_OR_RETURN(
      std::unique_ptr<BpfObject> object,
      BpfObject::Load(options, kernel_hooks, inline_exits, reports, std::nullopt));
  if (pins == nullptr) return object;
  VAKT_ASSIGN_OR_RETURN(PinnedSet set, pins->NewSet());
  VAKT_RETURN_IF_ERROR(object->PinTo(std::move(set)));
  return object;
}

// Kinds of which a hook that is attached now was not attached before.
template <typename WasHooked>
KindSet NewlyHooked(const std::vector<ProbeReport>& reports, const WasHooked& was_hooked) {
  KindSet kinds = 0;
  for (size_t row = 0; row < reports.size(); ++row) {
    const HookType type = reports[row].probe->type;
    if (type == HookType::kIterator || type == HookType::kMapIterator) continue;
    if (reports[row].state != ProbeReport::State::kAttached || was_hooked(row)) continue;
    kinds |= KindBit(reports[row].probe->kind);
  }
  return kinds;
}

// The maps are a predecessor's: it laid them out as we do.
void TakeOverMaps(const KernelSensorOptions& options, KernelSensorImpl* sensor) {
  BpfObject& object = sensor->object();
  Takeover* takeover = sensor->mutable_takeover();
  takeover->happened = true;
  takeover->other_rules =
      object.control()->prefilter_version != 0 && object.handover()->rules() != options.rules;
  sensor->Resume(options.written_epoch, options.written_seq);
}

// Others' sets: our hooks are attached, so theirs may go.
void TakeOverRings(const KernelSensorOptions& options, const PinDir& pins, uint64_t since_boot_ns,
                   KernelSensorImpl* sensor) {
  Takeover* takeover = sensor->mutable_takeover();
  std::vector<std::unique_ptr<Predecessor>> predecessors;
  const std::string own = BpfObject::SetName(options);
  for (const std::string& name : pins.SetNames()) {
    if (name == own) continue;
    const bool readable = BpfObject::SameRecords(name, own);
    auto predecessor = Predecessor::Open(pins.Set(name), sensor->object().cpus().size(), readable);
    if (predecessor.ok()) {
      predecessors.push_back(*std::move(predecessor));
      continue;
    }
    LogWarning(StrCat("what an agent left pinned is given up: ", Message(predecessor.status())));
    if (const absl::Status gone = pins.Set(name).Remove(); !gone.ok()) LogWarning(Message(gone));
  }
  if (predecessors.empty()) return;
  std::this_thread::sleep_for(kBothWatch);
  for (const auto& predecessor : predecessors) {
    takeover->other_rules |=
        predecessor->filtered() && predecessor->handover().rules() != options.rules;
    predecessor->TurnOff();
  }
  std::this_thread::sleep_for(kLastRuns);
  for (auto& predecessor : predecessors) {
    if (!predecessor->readable()) {
      takeover->unreadable += predecessor->Waiting();
      predecessor->Remove();
      continue;
    }
    if (!takeover->happened) {
      takeover->unwatched = NewlyHooked(
          sensor->Report(), [&](size_t row) { return predecessor->Hooked(AllProbes()[row]); });
    }
    takeover->happened = true;
    const std::vector<uint64_t> told =
        predecessor->SkipWritten(options.written_epoch, options.written_seq);
    sensor->DrainFirst(std::move(predecessor), since_boot_ns, told);
  }
}

// Attaches what is wanted and takes over from whoever was attached before.
absl::Status AttachFirst(const KernelSensorOptions& options, std::unique_ptr<PinDir> pins,
                         KernelSensorImpl* sensor) {
  BpfObject& object = sensor->object();
  const bool adopted = object.adopted();
  if (adopted) TakeOverMaps(options, sensor);
  if (adopted) object.DropDetached();  // by somebody, while nobody looked
  // A predecessor may have ended in the middle of this.
  const auto since_boot_ns = adopted ? 0 : static_cast<uint64_t>(RealClock().BootNs());
  if (sensor->SetKinds(options.kinds) == 0) {
    return absl::FailedPreconditionError(
        "no probe could be attached: this kernel refuses them all");
  }
  VAKT_RETURN_IF_ERROR(CheckProbes(sensor->Report()));
  if (!pins) return absl::OkStatus();
  if (adopted) {
    sensor->mutable_takeover()->unwatched =
        NewlyHooked(sensor->Report(), [&](size_t row) { return object.WasAdopted(row); });
    object.DropUnclaimed();
  } else {
    VAKT_RETURN_IF_ERROR(object.pins()->Publish(BpfObject::SetName(options)));
  }
  TakeOverRings(options, *pins, since_boot_ns, sensor);
  sensor->NoteRules(options.rules);
  sensor->HoldPins(std::move(pins));
  return absl::OkStatus();
}

}  // namespace

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

absl::Status CheckProbes(absl::Span<const ProbeReport> reports) {
  bool refused = false;
  std::string missing;
  for (const ProbeReport& report : reports) {
    const Kind kind = report.probe->kind;
    if (!In(EssentialKinds(), kind) || report.state != ProbeReport::State::kFailed) continue;
    if (report.probe->type == HookType::kDetail) continue;  // the event itself is seen
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
  const KernelHooks kernel_hooks = KernelHooks::Find(options.btf_path);
  std::vector<ProbeReport> available = AvailableProbes(options, kernel_hooks);
  InlineExits inline_exits = ChooseTiers(options, &available);
  KindSet kinds = options.kinds | EssentialKinds();
  if (options.flows) kinds |= kFlowProbes;
  std::vector<ProbeReport> first = WantedProbes(available, kinds);
  std::unique_ptr<PinDir> pins;
  if (!options.pin_path.empty()) {
    VAKT_ASSIGN_OR_RETURN(pins, PinDir::Open(options.pin_path));
  }
  VAKT_ASSIGN_OR_RETURN(std::unique_ptr<BpfObject> object,
                        LoadObject(options, kernel_hooks, inline_exits, pins.get(), &first));
  KeepRefusals(first, &available);
  object->control()->scope_cgroup_id = options.scope.cgroup_id;
  object->control()->scope_level = options.scope.level;
  VAKT_ASSIGN_OR_RETURN(RingSet rings, RingSet::Map(object->ring_fds(), object->ring_size()));
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return ErrnoStatus(errno, "eventfd");
  VAKT_ASSIGN_OR_RETURN(UniqueFd epoll, MakeEpoll(object->ring_fds(), wake.get()));
  auto sensor = std::make_unique<KernelSensorImpl>(
      std::move(object), std::move(available), std::move(rings), std::move(epoll), std::move(wake),
      options.user_stacks ? kStackKinds : 0);
  VAKT_RETURN_IF_ERROR(AttachFirst(options, std::move(pins), sensor.get()));
  return sensor;
}

absl::Status KernelSensor::Unpin(const std::string& pin_path) {
  VAKT_ASSIGN_OR_RETURN(const std::unique_ptr<PinDir> pins, PinDir::Open(pin_path));
  return pins->RemoveAll();
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/bpf_object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "agent/sensor/scope.h"
#include "agent/sensor/tracepoint.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "vakt.skel.h"
#include "vakt_wire.h"

namespace vakt {
namespace {

constexpr auto kNoAttachType = static_cast<bpf_attach_type>(0);
constexpr size_t kScratchSlotsMax = 64;  // 3.3 MiB of kernel memory on the largest machines
constexpr size_t kMapPage = 4096;

// What libbpf said while loading: it names the refused program only in its log.
struct LoadLog {
  std::string failed_program;
  std::string text;  // the last lines
};
thread_local LoadLog* current_log = nullptr;

int OnLibbpfLog(libbpf_print_level level, const char* format, va_list args) {
  if (level == LIBBPF_DEBUG || current_log == nullptr) return 0;
  char line[1024];
  vsnprintf(line, sizeof(line), format, args);
  const std::string_view text(line);
  static constexpr std::string_view kPrefix = "libbpf: prog '";
  // Refused by the verifier; or what it hooks is not in this kernel.
  static constexpr std::string_view kSuffixes[] = {"': BPF program load failed",
                                                   "': failed to find kernel BTF type ID of"};
  for (const std::string_view suffix : kSuffixes) {
    const size_t end = text.find(suffix, kPrefix.size());
    if (!text.starts_with(kPrefix) || end == text.npos) continue;
    current_log->failed_program = text.substr(kPrefix.size(), end - kPrefix.size());
  }
  if (level == LIBBPF_WARN && current_log->text.size() < 4096) current_log->text += text;
  return 0;
}

// Part of the log that tells the reason: after "BPF program load failed: ".
std::string RefusalReason(const LoadLog& log) {
  static constexpr std::string_view kMark = "BPF program load failed: ";
  const size_t at = log.text.find(kMark);
  if (at == std::string::npos && log.text.find("BTF type ID") != std::string::npos) {
    return "this kernel has no such tracepoint";
  }
  if (at == std::string::npos) return "the kernel refuses the program";
  const size_t end = log.text.find('\n', at);
  const std::string error = log.text.substr(at + kMark.size(), end - at - kMark.size());
  // A place to attach to that the kernel does not know is refused before its verifier says a word.
  const bool was_verified = log.text.find("BEGIN PROG LOAD LOG") != std::string::npos;
  if (!was_verified && error == std::strerror(EINVAL)) return "this kernel has no such hook";
  return StrCat("the kernel refuses the program: ", error);
}

size_t RingSize(uint64_t budget_bytes, size_t rings) {
  const uint64_t share = std::max<uint64_t>(budget_bytes / rings, kMapPage);
  return std::bit_floor(std::min<uint64_t>(share, 1u << 30));
}

absl::Status BpfStatus(int error, std::string_view what) {
  if (error == EPERM || error == EACCES) {
    return absl::PermissionDeniedError(
        StrCat(what, ": ", std::strerror(error),
               "; run as root, or with CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and CAP_SYS_ADMIN"));
  }
  return ErrnoStatus(error, what);
}

// Kernel memory of a map, as the kernel accounts it.
uint64_t AccountedBytes(int map_fd) {
  const auto info = ReadFile(StrCat("/proc/self/fdinfo/", map_fd));
  if (!info.ok()) return 0;
  for (absl::string_view line : absl::StrSplit(*info, '\n')) {
    uint64_t bytes = 0;
    if (absl::ConsumePrefix(&line, "memlock:") &&
        absl::SimpleAtoi(absl::StripAsciiWhitespace(line), &bytes)) {
      return bytes;
    }
  }
  return 0;
}

// Of the programs of inline exits (bpf/lib/syscall_exit.h).
constexpr std::string_view kFunctionSuffix = "_inline";
constexpr std::string_view kSymbolSuffix = "_return";

// The same in each object: hooks that a predecessor attached jump there, too.
uint32_t SlotOf(const vakt_bpf& skeleton, std::string_view program_name) {
  uint32_t slot = 0;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton.obj) {
    const std::string_view name = bpf_program__name(program);
    if (name == program_name) break;
    if (name.ends_with(kFunctionSuffix)) ++slot;
  }
  return slot;
}

}  // namespace

void BpfObject::SkeletonDeleter::operator()(vakt_bpf* skeleton) const {
  vakt_bpf__destroy(skeleton);
}
void BpfObject::LinkDeleter::operator()(bpf_link* link) const { bpf_link__destroy(link); }

BpfObject::~BpfObject() {
  hooks_.clear();
  if (control_) munmap(control_, kMapPage);
  if (cpu_state_) {
    munmap(const_cast<vakt_cpu_state*>(cpu_state_), cpu_count_ * sizeof(vakt_cpu_state));
  }
}

void BpfObject::SizeMaps(vakt_bpf* skeleton) const {
  const size_t slots = std::clamp<size_t>(2 * cpu_count_, 4, kScratchSlotsMax);
  bpf_map__set_max_entries(skeleton->maps.cpu_state, cpu_count_);
  bpf_map__set_max_entries(skeleton->maps.rings, cpu_count_ * VAKT_LANES);
  bpf_map__set_max_entries(skeleton->maps.scratch_slots, slots);
  if (!with_flows_) bpf_map__set_max_entries(skeleton->maps.flow_sockets, 1);
}

absl::Status BpfObject::ShareMaps(vakt_bpf* skeleton) const {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, skeleton->obj) {
    if (bpf_map__is_internal(map)) continue;  // constants: each object brings its own
    const bpf_map* shared = bpf_object__find_map_by_name(first().obj, bpf_map__name(map));
    const int error = bpf_map__reuse_fd(map, bpf_map__fd(shared));
    if (error != 0) return BpfStatus(-error, StrCat("sharing the map ", bpf_map__name(map)));
  }
  return absl::OkStatus();
}

std::string BpfObject::ProgramOf(const ProbeReport& report) const {
  const ProbeRow& row = *report.probe;
  if (report.tier == Tier::kTracepoint) return std::string(row.program);
  const bool by_function = inline_exits_.FormOf(row.target) == InlineExits::Form::kFunction;
  return StrCat(row.program, by_function ? kFunctionSuffix : kSymbolSuffix);
}

absl::Status BpfObject::KeepPrograms(Skeleton skeleton) {
  skeletons_.push_back(std::move(skeleton));
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeletons_.back()->obj) {
    const int fd = bpf_program__fd(program);
    if (fd < 0) continue;
    const std::string name = bpf_program__name(program);
    programs_.emplace(name, program);
    if (!name.ends_with(kFunctionSuffix)) continue;
    const uint32_t slot = SlotOf(*skeletons_.back(), name);
    if (bpf_map_update_elem(bpf_map__fd(first().maps.inline_exits), &slot, &fd, BPF_ANY) != 0) {
      return BpfStatus(errno, StrCat("installing ", name));
    }
    inline_slots_.emplace(name, slot);
  }
  return absl::OkStatus();
}

void BpfObject::Aim(const ProbeReport& report, bpf_program* program) const {
  const std::string_view target = report.probe->target;
  if (target == "connect_unix") {  // libbpf learned that section's name in 1.3
    bpf_program__set_expected_attach_type(program, kCgroupUnixConnect);
  }
  const bool by_symbol = report.tier == Tier::kInline && IsSyscallExit(report.probe->type) &&
                         inline_exits_.FormOf(target) == InlineExits::Form::kSymbol;
  if (by_symbol && !inline_exits_.has_fprobes()) {  // as Debian's 6.1: attached as a kretprobe
    bpf_program__set_expected_attach_type(program, kNoAttachType);
  }
  const std::string former(kernel_hooks_.FormerNameOf(target));
  if (!former.empty()) bpf_program__set_attach_target(program, 0, former.c_str());
}

absl::Status BpfObject::TryLoad(const std::vector<ProbeReport>& reports) {
  Skeleton skeleton(vakt_bpf__open());
  if (!skeleton) return ErrnoStatus(errno, "opening the BPF object");
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton->obj) bpf_program__set_autoload(program, false);
  for (size_t row = 0; row < reports.size(); ++row) {
    const ProbeReport& report = reports[row];
    if (report.state != ProbeReport::State::kAttached || IsLoaded(reports, row)) continue;
    const std::string name = ProgramOf(report);
    program = bpf_object__find_program_by_name(skeleton->obj, name.c_str());
    if (!program) return absl::InternalError(StrCat("no BPF program ", name));
    bpf_program__set_autoload(program, true);
    Aim(report, program);
  }
  if (skeletons_.empty() && pins_) {
    VAKT_RETURN_IF_ERROR(AdoptMaps(skeleton.get()));
  } else if (skeletons_.empty()) {
    SizeMaps(skeleton.get());
  } else {
    VAKT_RETURN_IF_ERROR(ShareMaps(skeleton.get()));
  }
  const int error = vakt_bpf__load(skeleton.get());
  if (error != 0) return BpfStatus(-error, "loading the BPF programs");
  return KeepPrograms(std::move(skeleton));
}

absl::Status BpfObject::LoadWhatIsAccepted(std::vector<ProbeReport>* reports) {
  for (size_t attempt = 0; attempt <= 2 * reports->size(); ++attempt) {
    LoadLog log;
    current_log = &log;
    const absl::Status status = TryLoad(*reports);
    current_log = nullptr;
    if (status.ok()) return status;
    bool named = false;
    for (ProbeReport& report : *reports) {
      if (report.state != ProbeReport::State::kAttached) continue;
      if (ProgramOf(report) != log.failed_program) continue;
      named = true;
      if (report.tier == Tier::kInline) {  // perhaps the kernel takes the other form
        report.tier = Tier::kTracepoint;
        continue;
      }
      report.state = ProbeReport::State::kFailed;
      report.detail = RefusalReason(log);
    }
    if (!named) {  // not a program's fault: a map, a permission, the type information
      if (!log.text.empty()) LogDebug(log.text);
      return status;
    }
  }
  return absl::FailedPreconditionError("this kernel refuses every probe");
}

absl::StatusOr<std::unique_ptr<BpfObject>> BpfObject::Load(const KernelSensorOptions& options,
                                                           KernelHooks kernel_hooks,
                                                           InlineExits inline_exits,
                                                           std::vector<ProbeReport>* reports,
                                                           std::optional<PinnedSet> adopted) {
  libbpf_set_print(OnLibbpfLog);
  auto object =
      std::unique_ptr<BpfObject>(new BpfObject(std::move(kernel_hooks), std::move(inline_exits)));
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return ErrnoStatus(-cpus, "counting CPUs");
  object->cpu_count_ = static_cast<size_t>(cpus);
  object->with_flows_ = options.flows;
  object->hooks_.resize(reports->size());
  if (adopted) {
    object->pins_.emplace(*std::move(adopted));
    object->AdoptHooks(reports);
  }
  VAKT_RETURN_IF_ERROR(object->LoadWhatIsAccepted(reports));
  VAKT_RETURN_IF_ERROR(object->pins_ ? object->AdoptRings()
                                     : object->FillRings(options.ring_bytes));
  VAKT_RETURN_IF_ERROR(object->MapControl());
  if (options.flows) VAKT_RETURN_IF_ERROR(object->MakeFlowTables());
  return object;
}

absl::Status BpfObject::MakeFlowTables() {
  const int tables = bpf_map__fd(first().maps.flow_tables);
  const int rest = bpf_map__fd(first().maps.flow_rest);
  if (pins_) {
    VAKT_ASSIGN_OR_RETURN(flows_, FlowTables::Adopt(tables, rest, *pins_, handover_->flow_rest()));
  } else {
    VAKT_ASSIGN_OR_RETURN(flows_, FlowTables::Create(tables, rest));
  }
  return absl::OkStatus();
}

absl::Status BpfObject::ListenersAreKnown() const {
  const uint64_t all_known = 0;
  const uint8_t yes = 1;
  if (bpf_map_update_elem(bpf_map__fd(first().maps.flow_listening), &all_known, &yes, BPF_ANY)) {
    return ErrnoStatus(errno, "marking the listeners as known");
  }
  return absl::OkStatus();
}

bool BpfObject::IsLoaded(const std::vector<ProbeReport>& reports, size_t row) const {
  if (programs_.contains(ProgramOf(reports[row]))) return true;
  size_t first = row;
  while (first > 0 && SameHook(*reports[first - 1].probe, *reports[row].probe)) --first;
  return hooks_[first].attached();
}

void BpfObject::LoadWanted(std::vector<ProbeReport>* reports) {
  std::vector<size_t> missing;
  const auto find_missing = [&] {
    missing.clear();
    for (size_t row = 0; row < reports->size(); ++row) {
      const bool wanted = (*reports)[row].state == ProbeReport::State::kAttached;
      if (wanted && !IsLoaded(*reports, row)) missing.push_back(row);
    }
  };
  find_missing();
  if (missing.empty()) return;
  const absl::Status status = LoadWhatIsAccepted(reports);
  find_missing();
  for (const size_t row : missing) {
    (*reports)[row].state = ProbeReport::State::kFailed;
    (*reports)[row].detail = Message(status);
  }
}

absl::Status BpfObject::FillRings(size_t ring_bytes) {
  const size_t count = cpu_count_ * VAKT_LANES;
  ring_size_ = RingSize(ring_bytes, count);
  for (uint32_t i = 0; i < count; ++i) {
    const std::string name = StrCat("vakt_", i / VAKT_LANES, i % VAKT_LANES ? "_b" : "_c");
    UniqueFd ring(bpf_map_create(BPF_MAP_TYPE_RINGBUF, name.c_str(), 0, 0,
                                 static_cast<uint32_t>(ring_size_), nullptr));
    if (!ring) return BpfStatus(errno, StrCat("creating a ring of ", ring_size_, " bytes"));
    const int value = ring.get();
    if (bpf_map_update_elem(bpf_map__fd(first().maps.rings), &i, &value, BPF_ANY) != 0) {
      return BpfStatus(errno, "installing a ring");
    }
    rings_.push_back(std::move(ring));
  }
  return absl::OkStatus();
}

absl::Status BpfObject::MapControl() {
  void* control = mmap(nullptr, kMapPage, PROT_READ | PROT_WRITE, MAP_SHARED,
                       bpf_map__fd(first().maps.control), 0);
  if (control == MAP_FAILED) return ErrnoStatus(errno, "mapping the control block");
  control_ = static_cast<vakt_control*>(control);
  control_->scratch_slots = bpf_map__max_entries(first().maps.scratch_slots);
  control_->wake_fill_bytes = static_cast<uint32_t>(ring_size_ / 2);
  void* cpus = mmap(nullptr, cpu_count_ * sizeof(vakt_cpu_state), PROT_READ, MAP_SHARED,
                    bpf_map__fd(first().maps.cpu_state), 0);
  if (cpus == MAP_FAILED) return ErrnoStatus(errno, "mapping the counters");
  cpu_state_ = static_cast<const vakt_cpu_state*>(cpus);
  VAKT_ASSIGN_OR_RETURN(prefilter_,
                        PrefilterMaps::Map(bpf_map__fd(first().maps.prefilters),
                                           bpf_map__fd(first().maps.process_masks), control_));
  return absl::OkStatus();
}

std::vector<int> BpfObject::ring_fds() const {
  std::vector<int> fds;
  for (const UniqueFd& ring : rings_) fds.push_back(ring.get());
  return fds;
}

uint64_t BpfObject::MapBytes() const {
  std::vector<int> fds = flows_ ? flows_->fds() : std::vector<int>();
  if (handover_) fds.push_back(handover_->fd());
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, first().obj) {
    if (bpf_map__fd(map) >= 0) fds.push_back(bpf_map__fd(map));
  }
  uint64_t total = 0;
  for (const int fd : fds) total += AccountedBytes(fd);
  // Before 6.4 the kernel counts keys and values only, of which rings have none.
  for (const int fd : ring_fds()) total += std::max<uint64_t>(AccountedBytes(fd), ring_size_);
  return total;
}

}  // namespace vakt

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

namespace vakt {
namespace {

constexpr size_t kScratchSlotsMax = 64;  // 3.3 MiB of kernel memory on the largest machines
constexpr size_t kMapPage = 4096;
constexpr auto kCgroupUnixConnect = static_cast<bpf_attach_type>(49);  // linux/bpf.h since 6.7

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

// A program reports several kinds from one hook, with one row each.
bool SameHook(const ProbeRow& a, const ProbeRow& b) {
  return a.program == b.program && a.target == b.target;
}

// Of the programs of inline exits (bpf/lib/syscall_exit.h).
constexpr std::string_view kFunctionSuffix = "_inline";
constexpr std::string_view kSymbolSuffix = "_return";

// The kinds that are told at the exits of their calls.
KindSet ExitKinds(const std::vector<ProbeReport>& reports) {
  KindSet kinds = 0;
  for (const ProbeReport& report : reports) {
    if (report.state == ProbeReport::State::kAttached && IsSyscallExit(report.probe->type)) {
      kinds |= KindBit(report.probe->kind);
    }
  }
  return kinds;
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
    const auto slot = static_cast<uint32_t>(inline_slots_.size());
    if (bpf_map_update_elem(bpf_map__fd(first().maps.inline_exits), &slot, &fd, BPF_ANY) != 0) {
      return BpfStatus(errno, StrCat("installing ", name));
    }
    inline_slots_.emplace(name, slot);
  }
  return absl::OkStatus();
}

absl::Status BpfObject::TryLoad(const std::vector<ProbeReport>& reports) {
  Skeleton skeleton(vakt_bpf__open());
  if (!skeleton) return ErrnoStatus(errno, "opening the BPF object");
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton->obj) bpf_program__set_autoload(program, false);
  for (const ProbeReport& report : reports) {
    if (report.state != ProbeReport::State::kAttached || IsLoaded(report)) continue;
    const std::string name = ProgramOf(report);
    program = bpf_object__find_program_by_name(skeleton->obj, name.c_str());
    if (!program) return absl::InternalError(StrCat("no BPF program ", name));
    bpf_program__set_autoload(program, true);
    if (report.probe->target == "connect_unix") {  // libbpf learned that section's name in 1.3
      bpf_program__set_expected_attach_type(program, kCgroupUnixConnect);
    }
  }
  if (skeletons_.empty()) {
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
                                                           InlineExits inline_exits,
                                                           std::vector<ProbeReport>* reports) {
  libbpf_set_print(OnLibbpfLog);
  auto object = std::unique_ptr<BpfObject>(new BpfObject(std::move(inline_exits)));
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return ErrnoStatus(-cpus, "counting CPUs");
  object->cpu_count_ = static_cast<size_t>(cpus);
  object->with_flows_ = options.flows;
  VAKT_RETURN_IF_ERROR(object->LoadWhatIsAccepted(reports));
  VAKT_RETURN_IF_ERROR(object->FillRings(options.ring_bytes));
  VAKT_RETURN_IF_ERROR(object->MapControl());
  if (options.flows) VAKT_RETURN_IF_ERROR(object->MakeFlowTables());
  return object;
}

absl::Status BpfObject::MakeFlowTables() {
  VAKT_ASSIGN_OR_RETURN(flows_, FlowTables::Create(bpf_map__fd(first().maps.flow_tables),
                                                   bpf_map__fd(first().maps.flow_rest)));
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

void BpfObject::LoadWanted(std::vector<ProbeReport>* reports) {
  const auto is_missing = [&](const ProbeReport& report) {
    return report.state == ProbeReport::State::kAttached && !IsLoaded(report);
  };
  if (std::none_of(reports->begin(), reports->end(), is_missing)) return;
  const absl::Status status = LoadWhatIsAccepted(reports);
  for (ProbeReport& report : *reports) {
    if (!is_missing(report)) continue;
    report.state = ProbeReport::State::kFailed;
    report.detail = Message(status);
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

absl::StatusOr<BpfObject::Hook> BpfObject::AttachProbe(const ProbeReport& report) {
  const std::string name = ProgramOf(report);
  const std::string_view target = report.probe->target;
  Hook hook;
  if (const auto slot = inline_slots_.find(name); slot != inline_slots_.end()) {
    const int exits_fd = bpf_map__fd(first().maps.inline_exits);
    VAKT_ASSIGN_OR_RETURN(hook.exit, inline_exits_.Attach(target, exits_fd, slot->second));
    return hook;
  }
  bpf_program* program = programs_.find(name)->second;
  if (report.tier == Tier::kTracepoint) {
    VAKT_ASSIGN_OR_RETURN(hook.link, AttachLink(*report.probe, program));
    return hook;
  }
  const std::string function = FunctionOf(target);
  const char* symbol = function.c_str();
  LIBBPF_OPTS(bpf_kprobe_multi_opts, options, .syms = &symbol, .cnt = 1, .retprobe = true);
  hook.link.reset(bpf_program__attach_kprobe_multi_opts(program, nullptr, &options));
  if (!hook.link) return ErrnoStatus(errno, StrCat("hooking ", function));
  return hook;
}

absl::StatusOr<BpfObject::Link> BpfObject::AttachLink(const ProbeRow& row, bpf_program* program) {
  bpf_link* link = nullptr;
  switch (row.type) {
    case HookType::kBtfTracepoint:
    case HookType::kEverySyscall:
      link = bpf_program__attach(program);
      break;
    case HookType::kSyscallTracepoint:
    case HookType::kExitRider: {
      VAKT_ASSIGN_OR_RETURN(const Tracefs tracefs, Tracefs::Open());
      VAKT_ASSIGN_OR_RETURN(UniqueFd event,
                            tracefs.OpenTracepoint(StrCat("syscalls/", row.target)));
      link = bpf_program__attach_perf_event(program, event.get());
      if (link) std::ignore = event.release();  // the link closes it
      break;
    }
    case HookType::kCgroup: {
      if (!cgroup_root_) {
        VAKT_ASSIGN_OR_RETURN(const std::string root, CgroupRoot());
        cgroup_root_.reset(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!cgroup_root_) return ErrnoStatus(errno, root);
      }
      link = bpf_program__attach_cgroup(program, cgroup_root_.get());
      break;
    }
    case HookType::kIterator:
      link = bpf_program__attach_iter(program, nullptr);
      break;
    case HookType::kMapIterator: {
      bpf_iter_link_info info = {};
      info.map.map_fd = static_cast<__u32>(bpf_map__fd(first().maps.flow_sockets));
      LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info, .link_info_len = sizeof(info));
      link = bpf_program__attach_iter(program, &options);
      break;
    }
  }
  if (!link) return ErrnoStatus(errno, StrCat("attaching to ", row.target));
  return Link(link);
}

int BpfObject::AttachHook(absl::Span<ProbeReport> rows, Hook* hook) {
  const auto is_wanted = [](const ProbeReport& row) {
    return row.state == ProbeReport::State::kAttached;
  };
  const auto wanted = std::count_if(rows.begin(), rows.end(), is_wanted);
  if (wanted == 0) {
    *hook = Hook();
    return 0;
  }
  if (!hook->attached()) {
    absl::StatusOr<Hook> attached = AttachProbe(rows.front());
    if (!attached.ok()) {
      const bool exists = !absl::IsNotFound(attached.status());
      for (ProbeReport& row : rows) {
        if (!is_wanted(row)) continue;
        row.state = exists ? ProbeReport::State::kFailed : ProbeReport::State::kNotNeeded;
        row.detail = exists ? Message(attached.status()) : "this kernel has no such system call";
      }
      return 0;
    }
    *hook = *std::move(attached);
  }
  return static_cast<int>(wanted);
}

int BpfObject::Attach(std::vector<ProbeReport>* reports) {
  // A kind whose exits will no longer be watched: the other hooks take over before that.
  std::atomic_ref exit_kinds(control_->exit_kinds);
  exit_kinds.fetch_and(ExitKinds(*reports));
  hooks_.resize(reports->size());
  int attached = 0;
  for (size_t begin = 0, end = 0; begin < reports->size(); begin = end) {
    do ++end;
    while (end < reports->size() && SameHook(*(*reports)[begin].probe, *(*reports)[end].probe));
    attached += AttachHook(absl::MakeSpan(*reports).subspan(begin, end - begin), &hooks_[begin]);
  }
  exit_kinds.store(ExitKinds(*reports));
  return attached;
}

std::vector<size_t> BpfObject::DropDetached() {
  std::vector<size_t> rows;
  for (size_t i = 0; i < hooks_.size(); ++i) {
    if (hooks_[i].link == nullptr) continue;
    bpf_link_info info = {};
    uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(bpf_link__fd(hooks_[i].link.get()), &info, &size) != 0) continue;
    if (info.type != BPF_LINK_TYPE_CGROUP || info.cgroup.cgroup_id != 0) continue;
    hooks_[i] = Hook();
    rows.push_back(i);
  }
  return rows;
}

std::vector<int> BpfObject::ring_fds() const {
  std::vector<int> fds;
  for (const UniqueFd& ring : rings_) fds.push_back(ring.get());
  return fds;
}

absl::StatusOr<UniqueFd> BpfObject::OpenIterator(std::string_view program) const {
  for (size_t i = 0; i < hooks_.size(); ++i) {
    if (hooks_[i].link == nullptr || AllProbes()[i].program != program) continue;
    UniqueFd file(bpf_iter_create(bpf_link__fd(hooks_[i].link.get())));
    if (!file) return ErrnoStatus(errno, StrCat("running the iterator ", program));
    return file;
  }
  return absl::NotFoundError(StrCat("the iterator ", program, " is not attached"));
}

std::vector<LoadedProgram> BpfObject::Programs() const {
  std::vector<LoadedProgram> programs;
  for (const auto& [name, program] : programs_) {
    if (inline_slots_.contains(name)) continue;  // its time is its callers'
    programs.push_back({name, bpf_program__fd(program)});
  }
  for (size_t i = 0; i < hooks_.size(); ++i) {
    const InlineExit& exit = hooks_[i].exit;
    if (!exit.program) continue;
    const ProbeRow& row = AllProbes()[i];
    programs.push_back({StrCat(row.program, "@", row.target), exit.program.get()});
  }
  return programs;
}

uint64_t BpfObject::MapBytes() const {
  std::vector<int> fds = ring_fds();
  if (flows_) {
    const std::vector<int> tables = flows_->fds();
    fds.insert(fds.end(), tables.begin(), tables.end());
  }
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, first().obj) {
    if (bpf_map__fd(map) >= 0) fds.push_back(bpf_map__fd(map));
  }
  uint64_t total = 0;
  for (int fd : fds) {
    const auto info = ReadFile(StrCat("/proc/self/fdinfo/", fd));
    if (!info.ok()) continue;
    for (absl::string_view line : absl::StrSplit(*info, '\n')) {
      uint64_t bytes = 0;
      if (absl::ConsumePrefix(&line, "memlock:") &&
          absl::SimpleAtoi(absl::StripAsciiWhitespace(line), &bytes)) {
        total += bytes;
      }
    }
  }
  return total;
}

}  // namespace vakt

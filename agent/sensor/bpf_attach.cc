// SPDX-License-Identifier: Apache-2.0
// The part of BpfObject that attaches programs to hooks and lets go of them.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string_view>
#include <tuple>
#include <utility>

#include "agent/sensor/bpf_object.h"
#include "agent/sensor/scope.h"
#include "agent/sensor/tracepoint.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "vakt.skel.h"

namespace vakt {
namespace {

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
  hook.link.reset(inline_exits_.has_fprobes()
                      ? bpf_program__attach_kprobe_multi_opts(program, nullptr, &options)
                      : bpf_program__attach_kprobe(program, /*retprobe=*/true, symbol));
  if (!hook.link) return ErrnoStatus(errno, StrCat("hooking ", function));
  return hook;
}

absl::StatusOr<BpfObject::Link> BpfObject::AttachLink(const ProbeRow& row, bpf_program* program) {
  bpf_link* link = nullptr;
  switch (row.type) {
    case HookType::kBtfTracepoint:
    case HookType::kDetail:
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
    Detach(hook);
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
    PinHook(rows.front(), hook);
  }
  return static_cast<int>(wanted);
}

int BpfObject::Attach(std::vector<ProbeReport>* reports) {
  // A kind whose exits will no longer be watched: the other hooks take over before that.
  std::atomic_ref exit_kinds(control_->exit_kinds);
  exit_kinds.fetch_and(ExitKinds(*reports));
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
    Detach(&hooks_[i]);
    if (adopted()) adopted_rows_[i] = false;
    rows.push_back(i);
  }
  return rows;
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
    // The time of a body of the inline tier is its callers', which follow.
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

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
// The part of BpfObject that leaves what it made to a successor, and takes it from a predecessor.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string_view>
#include <utility>

#include "agent/sensor/bpf_object.h"
#include "common/base/log.h"
#include "common/base/sha256.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "vakt.skel.h"
#include "vakt_wire.h"

namespace vakt {
namespace {

constexpr size_t kHashDigits = 16;
constexpr std::string_view kHandoverName = "handover";

std::string HashOf(std::string_view a, std::string_view b = {}) {
  return ToHex(Sha256(a, b)).substr(0, kHashDigits);
}

std::string LinkName(std::string_view program, std::string_view target) {
  std::string name = StrCat(program, "@", target);
  // A BPF file system has no names with dots.
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == '/'; }, '_');
  return name;
}

uint32_t ProgramOfLink(int fd) {
  bpf_link_info info = {};
  uint32_t size = sizeof(info);
  return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 ? info.prog_id : 0;
}

uint32_t IdOfProgram(int fd) {
  bpf_prog_info info = {};
  uint32_t size = sizeof(info);
  return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 ? info.id : 0;
}

bool IsRunByHand(HookType type) {
  return type == HookType::kIterator || type == HookType::kMapIterator;
}

}  // namespace

std::string BpfObject::SetName(const KernelSensorOptions& options) {
  size_t size = 0;
  const void* elf = vakt_bpf__elf_bytes(&size);
  const std::string sizes =
      StrCat(" ", options.ring_bytes, " ", options.flows ? 1 : 0, " ", options.scope.cgroup_id, " ",
             TierName(options.tier), " ", libbpf_num_possible_cpus());
  return StrCat(HashOf(StrCat(VAKT_WIRE_HASH, " ", Handover::kLayout)), "_",
                HashOf({static_cast<const char*>(elf), size}, sizes));
}

bool BpfObject::SameRecords(std::string_view set_name, std::string_view other) {
  return set_name.substr(0, kHashDigits) == other.substr(0, kHashDigits);
}

absl::Status BpfObject::PinTo(PinnedSet set) {
  VAKT_ASSIGN_OR_RETURN(handover_, Handover::Create(cpu_count_));
  VAKT_RETURN_IF_ERROR(set.Pin(Pinned::kMap, kHandoverName, handover_->fd()));
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, first().obj) {
    if (bpf_map__is_internal(map)) continue;
    VAKT_RETURN_IF_ERROR(set.Pin(Pinned::kMap, bpf_map__name(map), bpf_map__fd(map)));
  }
  for (size_t i = 0; i < rings_.size(); ++i) {
    VAKT_RETURN_IF_ERROR(set.Pin(Pinned::kRing, StrCat(i), rings_[i].get()));
  }
  if (flows_) VAKT_RETURN_IF_ERROR(flows_->PinTo(set, handover_->flow_rest()));
  pins_.emplace(std::move(set));
  return absl::OkStatus();
}

absl::Status BpfObject::AdoptMaps(vakt_bpf* skeleton) const {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, skeleton->obj) {
    if (bpf_map__is_internal(map)) continue;
    VAKT_ASSIGN_OR_RETURN(const UniqueFd fd, pins_->Open(Pinned::kMap, bpf_map__name(map)));
    const int error = bpf_map__reuse_fd(map, fd.get());
    if (error != 0) return ErrnoStatus(-error, StrCat("taking over the map ", bpf_map__name(map)));
  }
  return absl::OkStatus();
}

absl::Status BpfObject::AdoptRings() {
  VAKT_ASSIGN_OR_RETURN(UniqueFd handover, pins_->Open(Pinned::kMap, kHandoverName));
  VAKT_ASSIGN_OR_RETURN(handover_, Handover::Open(std::move(handover), cpu_count_));
  for (size_t i = 0; i < cpu_count_ * VAKT_LANES; ++i) {
    VAKT_ASSIGN_OR_RETURN(UniqueFd ring, pins_->Open(Pinned::kRing, StrCat(i)));
    bpf_map_info info = {};
    uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(ring.get(), &info, &size) != 0) {
      return ErrnoStatus(errno, "the size of a ring that is taken over");
    }
    ring_size_ = info.max_entries;
    rings_.push_back(std::move(ring));
  }
  return absl::OkStatus();
}

bool BpfObject::AdoptHook(const std::string& name, const std::map<uint32_t, std::string>& programs,
                          Hook* hook) {
  absl::StatusOr<UniqueFd> link = pins_->Open(Pinned::kLink, name);
  if (!link.ok()) return false;
  const auto program = programs.find(ProgramOfLink(link->get()));
  if (program == programs.end()) return false;
  absl::StatusOr<UniqueFd> fd = pins_->Open(Pinned::kProgram, program->second);
  if (!fd.ok()) return false;
  if (program->second == name) {  // it has a program of its own: an inline exit's
    hook->exit = {*std::move(fd), *std::move(link)};
  } else {
    hook->link.reset(bpf_link__open(pins_->PathOf(Pinned::kLink, name).c_str()));
    if (!hook->link) return false;
    adopted_programs_.try_emplace(program->second, *std::move(fd));
  }
  hook->pin = name;
  return true;
}

void BpfObject::AdoptHooks(std::vector<ProbeReport>* reports) {
  std::map<uint32_t, std::string> programs;  // names of pins, by the kernel's id
  for (const std::string& name : pins_->NamesOf(Pinned::kProgram)) {
    const auto fd = pins_->Open(Pinned::kProgram, name);
    if (fd.ok()) programs.emplace(IdOfProgram(fd->get()), name);
  }
  adopted_rows_.assign(reports->size(), false);
  for (size_t begin = 0, end = 0; begin < reports->size(); begin = end) {
    const auto same = [&](size_t i) {
      return i < reports->size() && SameHook(*(*reports)[begin].probe, *(*reports)[i].probe);
    };
    for (end = begin + 1; same(end); ++end) {
    }
    ProbeReport& report = (*reports)[begin];
    if (IsRunByHand(report.probe->type)) continue;
    ProbeReport other = report;  // the kernel may have refused the inline form
    other.tier = Tier::kTracepoint;
    for (const ProbeReport* form : {&std::as_const(report), &std::as_const(other)}) {
      const std::string name = LinkName(ProgramOf(*form), report.probe->target);
      if (!AdoptHook(name, programs, &hooks_[begin])) continue;
      for (size_t i = begin; i < end; ++i) {
        (*reports)[i].tier = form->tier;
        adopted_rows_[i] = true;
      }
      break;
    }
  }
}

void BpfObject::DropUnclaimed() {
  if (!pins_) return;
  std::set<std::string> links;
  std::set<uint32_t> programs;
  for (const Hook& hook : hooks_) {
    if (hook.pin.empty()) continue;
    links.insert(hook.pin);
    programs.insert(
        ProgramOfLink(hook.link ? bpf_link__fd(hook.link.get()) : hook.exit.link.get()));
  }
  for (const std::string& name : pins_->NamesOf(Pinned::kLink)) {
    if (!links.contains(name)) pins_->Unpin(Pinned::kLink, name);
  }
  for (const std::string& name : pins_->NamesOf(Pinned::kProgram)) {
    const auto fd = pins_->Open(Pinned::kProgram, name);
    if (fd.ok() && programs.contains(IdOfProgram(fd->get()))) continue;
    pins_->Unpin(Pinned::kProgram, name);
    adopted_programs_.erase(name);
  }
}

// A hook that cannot be pinned watches as long as the agent lives.
void BpfObject::PinHook(const ProbeReport& report, Hook* hook) {
  if (!pins_ || IsRunByHand(report.probe->type)) return;
  const std::string program = ProgramOf(report);
  const std::string name = LinkName(program, report.probe->target);
  const int link = hook->link ? bpf_link__fd(hook->link.get()) : hook->exit.link.get();
  absl::Status status;
  if (hook->exit.link) {
    pins_->Unpin(Pinned::kProgram, name);
    status = pins_->Pin(Pinned::kProgram, name, hook->exit.program.get());
  } else {
    const int fd = bpf_program__fd(programs_.find(program)->second);
    // A predecessor's of that name may be in use by other hooks.
    std::string free_name = program;
    for (int i = 2; adopted_programs_.contains(free_name); ++i) free_name = StrCat(program, "_", i);
    status = pins_->Pin(Pinned::kProgram, free_name, fd);
    if (absl::IsAlreadyExists(status)) status = absl::OkStatus();  // by another hook of it
  }
  pins_->Unpin(Pinned::kLink, name);
  if (status.ok()) status = pins_->Pin(Pinned::kLink, name, link);
  if (status.ok()) {
    hook->pin = name;
  } else {
    LogWarning(StrCat("the hook ", name, " will not outlive the agent: ", Message(status)));
  }
}

void BpfObject::Detach(Hook* hook) {
  if (!hook->pin.empty()) pins_->Unpin(Pinned::kLink, hook->pin);
  *hook = Hook();
}

}  // namespace vakt

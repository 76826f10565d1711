// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/predecessor.h"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr size_t kPage = 4096;

struct ActKey {
  uint64_t key;
  uint64_t boot_ns;
};

// The acting thread follows the header in every record.
std::optional<ActKey> KeyOf(RawRecord record) {
  struct {
    vakt_header header;
    vakt_task task;
  } begin;
  static_assert(sizeof(begin) == sizeof(vakt_header) + sizeof(vakt_task));
  if (record.size() < sizeof(begin)) return std::nullopt;
  std::memcpy(&begin, record.data(), sizeof(begin));
  return ActKey{uint64_t{begin.header.kind} << 32 | begin.task.tid, begin.header.boot_ns};
}

uint64_t Apart(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

absl::StatusOr<uint32_t> SizeOf(int fd) {
  bpf_map_info info = {};
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) return ErrnoStatus(errno, "a pinned ring");
  return info.max_entries;
}

absl::StatusOr<void*> MapArray(const PinnedSet& set, const char* name, int protection,
                               size_t bytes) {
  VAKT_ASSIGN_OR_RETURN(const UniqueFd fd, set.Open(Pinned::kMap, name));
  void* mapped = mmap(nullptr, bytes, protection, MAP_SHARED, fd.get(), 0);
  if (mapped == MAP_FAILED) return ErrnoStatus(errno, StrCat("mapping ", name));
  return mapped;
}

}  // namespace

void Twins::Add(RawRecord theirs) {
  const auto act = KeyOf(theirs);
  if (!act || act->boot_ns + kApartNs < since_ns_) return;
  times_[act->key].push_back(act->boot_ns);
  newest_ns_ = std::max(newest_ns_, act->boot_ns);
}

bool Twins::Take(RawRecord ours) {
  const auto act = KeyOf(ours);
  if (!act) return false;
  const auto found = times_.find(act->key);
  if (found == times_.end()) return false;
  std::vector<uint64_t>& times = found->second;
  const auto nearest = std::min_element(times.begin(), times.end(), [&](uint64_t a, uint64_t b) {
    return Apart(a, act->boot_ns) < Apart(b, act->boot_ns);
  });
  if (nearest == times.end() || Apart(*nearest, act->boot_ns) > kApartNs) return false;
  times.erase(nearest);
  if (times.empty()) times_.erase(found);
  return true;
}

absl::StatusOr<std::unique_ptr<Predecessor>> Predecessor::Open(PinnedSet set, size_t cpus,
                                                               bool readable) {
  std::vector<UniqueFd> fds;
  std::vector<int> raw;
  uint32_t ring_size = 0;
  const size_t rings = set.NamesOf(Pinned::kRing).size();
  for (size_t i = 0; i < rings; ++i) {
    VAKT_ASSIGN_OR_RETURN(UniqueFd ring, set.Open(Pinned::kRing, StrCat(i)));
    VAKT_ASSIGN_OR_RETURN(ring_size, SizeOf(ring.get()));
    raw.push_back(ring.get());
    fds.push_back(std::move(ring));
  }
  VAKT_ASSIGN_OR_RETURN(RingSet mapped, RingSet::Map(raw, ring_size));
  auto predecessor =
      std::unique_ptr<Predecessor>(new Predecessor(std::move(set), std::move(mapped)));
  if (readable) VAKT_RETURN_IF_ERROR(predecessor->MapCounters(cpus));
  return predecessor;
}

absl::Status Predecessor::MapCounters(size_t cpus) {
  VAKT_ASSIGN_OR_RETURN(void* state,
                        MapArray(set_, "cpu_state", PROT_READ, cpus * sizeof(vakt_cpu_state)));
  cpu_state_ = static_cast<const vakt_cpu_state*>(state);
  cpus_ = cpus;
  VAKT_ASSIGN_OR_RETURN(UniqueFd handover, set_.Open(Pinned::kMap, "handover"));
  VAKT_ASSIGN_OR_RETURN(handover_, Handover::Open(std::move(handover), cpus));
  losses_ = std::make_unique<LossTracker>(absl::MakeConstSpan(cpu_state_, cpus));
  for (size_t ring = 0; ring < rings_.size(); ++ring) {
    const Handover::CpuState& cpu = handover_->state().cpus[ring / VAKT_LANES];
    rings_.StartAt(ring, cpu.positions[ring % VAKT_LANES]);
  }
  VAKT_ASSIGN_OR_RETURN(void* control, MapArray(set_, "control", PROT_READ | PROT_WRITE, kPage));
  control_ = static_cast<vakt_control*>(control);
  return absl::OkStatus();
}

std::vector<uint64_t> Predecessor::SkipWritten(uint64_t epoch, uint64_t seq) {
  Handover::Written written = handover_->TakeWritten(epoch, seq);
  for (uint32_t cpu = 0; cpu < written.told.size(); ++cpu) losses_->Resume(cpu, written.told[cpu]);
  return std::move(written.alerts);
}

Predecessor::~Predecessor() {
  if (control_ != nullptr) munmap(control_, kPage);
  if (cpu_state_ != nullptr) {
    munmap(const_cast<vakt_cpu_state*>(cpu_state_), cpus_ * sizeof(vakt_cpu_state));
  }
}

void Predecessor::TurnOff() {
  if (control_ != nullptr) std::atomic_ref(control_->kind_mask).store(0);
  for (const std::string& link : links_) set_.Unpin(Pinned::kLink, link);
}

void Predecessor::Remove() {
  if (const absl::Status status = set_.Remove(); !status.ok()) LogWarning(Message(status));
}

bool Predecessor::Hooked(const ProbeRow& row) const {
  const std::string end = StrCat("@", row.target);
  return std::any_of(links_.begin(), links_.end(), [&](const std::string& link) {
    return link.starts_with(row.program) && link.ends_with(end);
  });
}

uint64_t Predecessor::Waiting() {
  uint64_t count = 0;
  rings_.Peek([&](RawRecord) { ++count; });
  return count;
}

void Predecessor::Collect(size_t max, std::vector<RawRecord>* out) {
  rings_.Release();
  rings_.Collect(max, static_cast<uint64_t>(RealClock().BootNs()), out);
  for (RawRecord record : *out) {
    vakt_header header;
    if (record.size() < sizeof(header)) continue;
    std::memcpy(&header, record.data(), sizeof(header));
    losses_->OnRecord(header);
  }
}

void Predecessor::TakeLosses(int64_t now_boot_ns, std::vector<Loss>* losses) {
  losses_->Look(now_boot_ns, losses);
}

}  // namespace vakt

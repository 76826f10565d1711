// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/handover.h"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/status.h"

namespace vakt {
namespace {

constexpr size_t kPage = 4096;

constexpr size_t WholePages(size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

}  // namespace

absl::StatusOr<std::unique_ptr<Handover>> Handover::Create(size_t cpus) {
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
  UniqueFd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "vakt_handover", sizeof(uint32_t),
                              static_cast<uint32_t>(Bytes(cpus)), 1, &options));
  if (!map) return ErrnoStatus(errno, "creating the map for a successor");
  return Open(std::move(map), cpus);
}

absl::StatusOr<std::unique_ptr<Handover>> Handover::Open(UniqueFd map, size_t cpus) {
  bpf_map_info info = {};
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0) {
    return ErrnoStatus(errno, "the predecessor's map");
  }
  if (info.value_size != Bytes(cpus)) {
    return absl::DataLossError("the predecessor's map has another size");
  }
  auto handover = std::unique_ptr<Handover>(new Handover(std::move(map), cpus));
  VAKT_RETURN_IF_ERROR(handover->Map());
  return handover;
}

absl::Status Handover::Map() {
  void* mapped =
      mmap(nullptr, WholePages(Bytes(cpus_)), PROT_READ | PROT_WRITE, MAP_SHARED, map_.get(), 0);
  if (mapped == MAP_FAILED) return ErrnoStatus(errno, "mapping what a successor has to know");
  head_ = static_cast<Head*>(mapped);
  next_ = (head_->active & 1) ^ 1;
  std::memcpy(StateAt(next_), StateAt(next_ ^ 1), StateBytes(cpus_));
  return absl::OkStatus();
}

Handover::~Handover() {
  if (head_ != nullptr) munmap(head_, WholePages(Bytes(cpus_)));
}

void Handover::Commit(bool told_changed) {
  State* const now = StateAt(next_);
  State* const before = StateAt(next_ ^ 1);
  std::atomic_ref(head_->active).store(next_, std::memory_order_seq_cst);
  next_ ^= 1;
  if (told_changed) {
    std::memcpy(before, now, StateBytes(cpus_));
    return;
  }
  std::memcpy(before, now, sizeof(State));
  for (size_t cpu = 0; cpu < cpus_; ++cpu) {
    std::memcpy(before->cpus[cpu].positions, now->cpus[cpu].positions,
                sizeof(now->cpus[cpu].positions));
  }
}

void Handover::NoteOutput(const Output& output) {
  outputs()[head_->noted % kOutputs] = output;
  std::atomic_ref(head_->noted).store(head_->noted + 1, std::memory_order_release);
}

Handover::Written Handover::TakeWritten(uint64_t epoch, uint64_t seq) {
  Written written;
  for (size_t cpu = 0; cpu < cpus_; ++cpu) written.told.push_back(state().cpus[cpu].told);
  const uint64_t first = std::max(state().outputs, noted() - std::min(noted(), kOutputs));
  for (uint64_t i = first; i < noted(); ++i) {
    Output& output = outputs()[i % kOutputs];
    const bool is_written = output.epoch < epoch || (output.epoch == epoch && output.seq <= seq);
    if (!is_written) output = {};
    if (output.epoch == 0) continue;
    if (output.total == 0) {
      written.alerts.push_back(output.key);
    } else {
      written.told[output.key >> 16][output.key >> 8 & 0xff][output.key & 0xff] = output.total;
    }
  }
  return written;
}

void Handover::NoteRules(std::string_view rules) {
  char text[sizeof(head_->rules)] = {};
  std::memcpy(text, rules.data(), std::min(rules.size(), sizeof(text) - 1));
  std::memcpy(head_->rules, text, sizeof(text));
}

std::string_view Handover::rules() const {
  return {head_->rules, strnlen(head_->rules, sizeof(head_->rules))};
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/prefilter_maps.h"

#include <sys/mman.h>
#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "common/base/status.h"

namespace vakt {
namespace {

constexpr size_t kMasksBytes = VAKT_PROCESS_MASKS * sizeof(vakt_process_masks);
constexpr size_t kTablesBytes = 2 * sizeof(vakt_prefilter);

void Store(__u64& place, uint64_t value) {
  std::atomic_ref<__u64>(place).store(value, std::memory_order_seq_cst);
}

// Everything but the version. Unused states are zero on both sides and stay untouched pages.
void CopyTables(const vakt_prefilter& from, vakt_prefilter* to) {
  constexpr size_t kPage = 4096;
  const auto* source = reinterpret_cast<const std::byte*>(&from);
  auto* target = reinterpret_cast<std::byte*>(to);
  for (size_t at = sizeof(from.version); at < sizeof(from);) {
    const size_t size = std::min(kPage - at % kPage, sizeof(from) - at);
    if (std::memcmp(target + at, source + at, size) != 0) {
      std::memcpy(target + at, source + at, size);
    }
    at += size;
  }
}

// The last thing that is written: what a probe finds under new keys, it found in whole tables.
bool NewKeys(vakt_prefilter* tables) {
  uint64_t random[VAKT_FINGERPRINT_WORDS + 2];
  if (getrandom(random, sizeof(random), 0) != sizeof(random)) return false;
  for (size_t i = 0; i < VAKT_FINGERPRINT_WORDS; ++i) Store(tables->keys[i], random[i]);
  Store(tables->path_key, random[VAKT_FINGERPRINT_WORDS]);
  Store(tables->path_factor, random[VAKT_FINGERPRINT_WORDS + 1] | 1);
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PrefilterMaps>> PrefilterMaps::Map(int prefilters_fd, int masks_fd,
                                                                  vakt_control* control) {
  auto maps = std::unique_ptr<PrefilterMaps>(new PrefilterMaps(prefilters_fd, control));
  void* masks = mmap(nullptr, kMasksBytes, PROT_READ | PROT_WRITE, MAP_SHARED, masks_fd, 0);
  if (masks == MAP_FAILED) return ErrnoStatus(errno, "mapping the process masks");
  maps->masks_ = static_cast<vakt_process_masks*>(masks);
  maps->version_ = control->prefilter_version;  // of a predecessor; its tables stay in force
  return maps;
}

PrefilterMaps::~PrefilterMaps() {
  if (masks_ != nullptr) munmap(masks_, kMasksBytes);
}

absl::Status PrefilterMaps::Install(const vakt_prefilter& tables) {
  // Mapped for the moment only: they are large, and would count as the agent's own memory.
  void* mapped = mmap(nullptr, kTablesBytes, PROT_READ | PROT_WRITE, MAP_SHARED, prefilters_fd_, 0);
  if (mapped == MAP_FAILED) return ErrnoStatus(errno, "mapping the prefilter's tables");
  const uint64_t version = version_ + 1;
  vakt_prefilter* element = static_cast<vakt_prefilter*>(mapped) + version % 2;
  Store(element->version, 0);
  CopyTables(tables, element);
  const bool keyed = NewKeys(element);
  if (keyed) {
    Store(element->version, version);
    Store(control_->prefilter_version, version);
    version_ = version;
  }
  munmap(mapped, kTablesBytes);
  return keyed ? absl::OkStatus() : absl::UnavailableError("no random numbers for the prefilter");
}

void PrefilterMaps::Disable() { Store(control_->prefilter_version, 0); }

bool PrefilterMaps::HasMasks(uint64_t fingerprint) const {
  const vakt_process_masks* group = masks_ + vakt_mask_group(fingerprint);
  return std::any_of(group, group + VAKT_PROCESS_MASK_WAYS,
                     [&](const auto& entry) { return entry.fingerprint == fingerprint; });
}

void PrefilterMaps::SetMasks(uint64_t fingerprint, absl::Span<const uint64_t> masks) {
  vakt_process_masks* group = masks_ + vakt_mask_group(fingerprint);
  vakt_process_masks* end = group + VAKT_PROCESS_MASK_WAYS;
  vakt_process_masks* entry = std::find_if(group, end, [&](const auto& e) {
    return e.fingerprint == fingerprint || e.fingerprint == 0;
  });
  if (entry == end) entry = group + next_way_++ % VAKT_PROCESS_MASK_WAYS;
  Store(entry->fingerprint, 0);
  for (size_t i = 0; i < VAKT_MASKED_KINDS; ++i) Store(entry->masks[i], masks[i]);
  Store(entry->fingerprint, fingerprint);
}

}  // namespace vakt

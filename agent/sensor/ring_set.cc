// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/ring_set.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "bpf/wire/wire.h"
#include "common/base/status.h"

namespace vakt {
namespace {

constexpr uint32_t kBusyBit = 1u << 31;     // BPF_RINGBUF_BUSY_BIT
constexpr uint32_t kDiscardBit = 1u << 30;  // BPF_RINGBUF_DISCARD_BIT
constexpr size_t kHeaderSize = 8;           // BPF_RINGBUF_HDR_SZ

uint64_t LoadPosition(const std::byte* page) {
  return std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(const_cast<std::byte*>(page)))
      .load(std::memory_order_acquire);
}

// A record that is later than now by more than this has another clock, and is not waited for.
constexpr uint64_t kSameClockNs = 1'000'000'000;

// Time stamp of a record; 0 (so: first) when it is too short to have one. Decode refuses it later.
uint64_t TimeOf(RawRecord record) {
  vakt_header header;
  if (record.size() < sizeof(header)) return 0;
  std::memcpy(&header, record.data(), sizeof(header));
  return header.boot_ns;
}

}  // namespace

absl::StatusOr<RingSet::Ring> RingSet::MapRing(int fd, size_t size_bytes) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  Ring ring;
  void* consumer = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (consumer == MAP_FAILED) return ErrnoStatus(errno, "mapping a ring's consumer page");
  ring.consumer_page = static_cast<std::byte*>(consumer);
  ring.mapped_bytes = page + size_bytes;
  void* producer =
      mmap(nullptr, ring.mapped_bytes, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(page));
  if (producer == MAP_FAILED) {
    const int error = errno;
    munmap(consumer, page);
    return ErrnoStatus(error, "mapping a ring's data");
  }
  ring.producer_page = static_cast<std::byte*>(producer);
  ring.data = ring.producer_page + page;
  ring.mask = size_bytes - 1;
  ring.next = ring.released = LoadPosition(ring.consumer_page);
  return ring;
}

absl::StatusOr<RingSet> RingSet::Map(absl::Span<const int> map_fds, size_t size_bytes) {
  RingSet set;
  for (int fd : map_fds) {
    VAKT_ASSIGN_OR_RETURN(Ring ring, MapRing(fd, size_bytes));
    set.rings_.push_back(std::move(ring));
  }
  set.heap_.reserve(set.rings_.size());
  return set;
}

void RingSet::Unmap(Ring& ring) {
  if (ring.consumer_page) munmap(ring.consumer_page, static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  if (ring.producer_page) munmap(ring.producer_page, ring.mapped_bytes);
}

RingSet::~RingSet() {
  for (Ring& ring : rings_) Unmap(ring);
}

RawRecord RingSet::View(Ring& ring, uint64_t position, uint64_t size) {
  const uint64_t at = position & ring.mask;
  const uint64_t until_end = ring.mask + 1 - at;
  if (size <= until_end) return RawRecord(ring.data + at, size);
  ring.wrapped.resize(size);
  std::memcpy(ring.wrapped.data(), ring.data + at, until_end);
  std::memcpy(ring.wrapped.data() + until_end, ring.data, size - until_end);
  return ring.wrapped;
}

bool RingSet::Advance(Ring& ring) {
  while (ring.next < ring.limit) {
    const std::byte* header = ring.data + (ring.next & ring.mask);
    const uint32_t word =
        std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t*>(const_cast<std::byte*>(header)))
            .load(std::memory_order_acquire);
    if (word & kBusyBit) return false;
    const uint64_t size = word & ~(kBusyBit | kDiscardBit);
    const uint64_t step = (size + kHeaderSize + 7) & ~uint64_t{7};
    if (step > ring.limit - ring.next) return false;  // cannot be: the kernel wrote the length
    const uint64_t position = ring.next + kHeaderSize;
    ring.next += step;
    if (word & kDiscardBit) continue;
    ring.head = View(ring, position, size);
    return true;
  }
  return false;
}

void RingSet::Collect(size_t max, uint64_t now_ns, std::vector<RawRecord>* out) {
  const auto later = [this](uint32_t a, uint32_t b) {
    return TimeOf(rings_[a].head) > TimeOf(rings_[b].head);
  };
  heap_.clear();
  for (uint32_t i = 0; i < rings_.size(); ++i) {
    Ring& ring = rings_[i];
    ring.limit = LoadPosition(ring.producer_page);
    if (Advance(ring)) heap_.push_back(i);
  }
  std::make_heap(heap_.begin(), heap_.end(), later);
  const auto is_too_late = [&](uint64_t time) {
    return time > now_ns && time - now_ns < kSameClockNs;
  };
  while (!heap_.empty() && out->size() < max) {
    if (is_too_late(TimeOf(rings_[heap_.front()].head))) break;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Ring& ring = rings_[heap_.back()];
    out->push_back(ring.head);
    if (Advance(ring)) {
      std::push_heap(heap_.begin(), heap_.end(), later);
    } else {
      heap_.pop_back();
    }
  }
  for (uint32_t i : heap_) {  // heads that did not fit: look at them again next time
    Ring& ring = rings_[i];
    ring.next =
        static_cast<uint64_t>(ring.next) - ((ring.head.size() + kHeaderSize + 7) & ~uint64_t{7});
  }
}

void RingSet::Release() {
  for (size_t ring = 0; ring < rings_.size(); ++ring) Release(ring, rings_[ring].next);
}

void RingSet::Release(size_t ring, uint64_t upto) {
  Ring& at = rings_[ring];
  if (at.released == upto) return;
  at.released = upto;
  std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(at.consumer_page))
      .store(upto, std::memory_order_release);
}

uint64_t RingSet::MostHeld() const {
  uint64_t most = 0;
  for (const Ring& ring : rings_) most = std::max(most, ring.next - ring.released);
  return most;
}

uint64_t RingSet::end(size_t ring) const { return LoadPosition(rings_[ring].producer_page); }

void RingSet::StartAt(size_t ring, uint64_t position) {
  Ring& at = rings_[ring];
  if (position < at.next || position > end(ring) || position % 8 != 0) return;
  at.next = position;
}

void RingSet::Peek(const std::function<void(RawRecord)>& on_record) {
  for (Ring& ring : rings_) {
    const uint64_t from = ring.next;
    ring.limit = LoadPosition(ring.producer_page);
    while (Advance(ring)) on_record(ring.head);
    ring.next = from;
  }
}

bool RingSet::HasData() const {
  for (const Ring& ring : rings_) {
    if (LoadPosition(ring.producer_page) != ring.next) return true;
  }
  return false;
}

}  // namespace vakt

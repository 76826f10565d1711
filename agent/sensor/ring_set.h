// SPDX-License-Identifier: Apache-2.0
// The per-CPU ring buffers as one stream ordered by time.
//
// A BPF ring buffer (kernel/bpf/ringbuf.c) is two pages of positions and the data. Each record has
// an 8-byte header: length with a busy and a discard bit, and a page offset that we do not need.
// The kernel offers the data twice in a row, so that no record wraps; that would count twice as
// resident memory, so we map it once and copy the one record per round that wraps.
//
// Ownership: owns the mappings, not the map descriptors. Threads: one consumer thread.
#ifndef VAKT_AGENT_SENSOR_RING_SET_H_
#define VAKT_AGENT_SENSOR_RING_SET_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "agent/sensor/event_source.h"

namespace vakt {

class RingSet {
 public:
  // Maps the ring of each descriptor. `size_bytes` is each ring's size.
  static absl::StatusOr<RingSet> Map(absl::Span<const int> map_fds, size_t size_bytes);
  RingSet(RingSet&&) = default;
  RingSet& operator=(RingSet&&) = default;
  ~RingSet();

  // Appends up to `max` committed records, ordered by their time stamps. The views are valid until
  // Release. Stops at each ring's first record that is still being written, and at those later than
  // `now_ns` (CLOCK_BOOTTIME, from before the call): rings are looked at one after the other, and
  // what came to a later one meanwhile may follow from what came to an earlier one after it was
  // looked at.
  void Collect(size_t max, uint64_t now_ns, std::vector<RawRecord>* out);
  // Gives the collected records' room back to the probes; of one ring, or of all.
  void Release();
  void Release(size_t ring, uint64_t upto);
  // Bytes of the ring that has most of them collected and not released.
  uint64_t MostHeld() const;
  // True when any ring holds a record that was not collected, or one that is being written.
  bool HasData() const;

  // ---- For who goes on where another consumer ended.
  size_t size() const { return rings_.size(); }
  // Position behind the last record of a ring that was collected.
  uint64_t position(size_t ring) const { return rings_[ring].next; }
  // Position behind the last record that the probes have begun.
  uint64_t end(size_t ring) const;
  // The probes may not know yet how far the ring was read. Ignored if it cannot be.
  void StartAt(size_t ring, uint64_t position);
  // Shows what Collect would give, ring by ring, and changes nothing.
  void Peek(const std::function<void(RawRecord)>& on_record);

 private:
  struct Ring {
    std::byte* consumer_page = nullptr;  // mapped read-write
    std::byte* producer_page = nullptr;  // mapped read-only, followed by the data
    size_t mapped_bytes = 0;             // behind producer_page
    const std::byte* data = nullptr;
    uint64_t mask = 0;
    uint64_t next = 0;               // position of the next record to look at
    uint64_t released = 0;           // position that the probes know
    uint64_t limit = 0;              // producer position when Collect began
    RawRecord head;                  // next committed record, empty when there is none
    std::vector<std::byte> wrapped;  // of the record that wraps: one batch has at most one
  };

  RingSet() = default;
  static absl::StatusOr<Ring> MapRing(int fd, size_t size_bytes);
  static void Unmap(Ring& ring);
  // Moves to the next committed record; false when there is none now.
  static bool Advance(Ring& ring);
  // `size` bytes at `position`, copied together if they wrap.
  static RawRecord View(Ring& ring, uint64_t position, uint64_t size);

  std::vector<Ring> rings_;
  std::vector<uint32_t> heap_;  // rings with a head, the oldest first
};

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_RING_SET_H_

// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/flow_tables.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <utility>

#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr uint32_t kBatch = 1024;
constexpr uint32_t kEntries[VAKT_FLOW_TABLES] = {VAKT_FLOW_TABLE, VAKT_FLOW_FOLDS};

std::string PinName(uint32_t place, size_t generation) { return StrCat(place, "_", generation); }

// now - before, member by member; leaves `now` in *before. The times are those of `now`.
vakt_flow_counts NewsOf(const vakt_flow_counts& now, vakt_flow_counts* before) {
  static constexpr __u64 vakt_flow_counts::*kSums[] = {
      &vakt_flow_counts::connections, &vakt_flow_counts::established, &vakt_flow_counts::refused,
      &vakt_flow_counts::timed_out,   &vakt_flow_counts::reset,       &vakt_flow_counts::bytes_out,
      &vakt_flow_counts::bytes_in,    &vakt_flow_counts::packets_out, &vakt_flow_counts::packets_in,
      &vakt_flow_counts::retransmits};
  vakt_flow_counts news = now;
  for (const auto sum : kSums) news.*sum -= before->*sum;
  news.folded -= before->folded;
  *before = now;
  return news;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FlowTables>> FlowTables::Create(int tables_fd, int rest_fd) {
  auto tables = std::unique_ptr<FlowTables>(new FlowTables(tables_fd, rest_fd));
  for (uint32_t place = 0; place < VAKT_FLOW_TABLES; ++place) {
    for (UniqueFd& table : tables->tables_[place]) {
      table.reset(bpf_map_create(BPF_MAP_TYPE_HASH, "vakt_flows", sizeof(vakt_flow_key),
                                 sizeof(vakt_flow_counts), kEntries[place], nullptr));
      if (!table) return ErrnoStatus(errno, "creating a table of flows");
    }
    VAKT_RETURN_IF_ERROR(tables->Install(place, tables->tables_[place][0].get()));
  }
  return tables;
}

absl::StatusOr<std::unique_ptr<FlowTables>> FlowTables::Adopt(int tables_fd, int rest_fd,
                                                              const PinnedSet& set,
                                                              vakt_flow_counts* rest) {
  auto tables = std::unique_ptr<FlowTables>(new FlowTables(tables_fd, rest_fd));
  tables->rest_ = rest;
  for (uint32_t place = 0; place < VAKT_FLOW_TABLES; ++place) {
    for (size_t i = 0; i < tables->tables_[place].size(); ++i) {
      VAKT_ASSIGN_OR_RETURN(tables->tables_[place][i],
                            set.Open(Pinned::kFlowTable, PinName(place, i)));
    }
  }
  return tables;  // whichever generation is in use: two turns of Take read both
}

absl::Status FlowTables::PinTo(PinnedSet& set, vakt_flow_counts* rest) {
  for (uint32_t place = 0; place < VAKT_FLOW_TABLES; ++place) {
    for (size_t i = 0; i < tables_[place].size(); ++i) {
      VAKT_RETURN_IF_ERROR(set.Pin(Pinned::kFlowTable, PinName(place, i), tables_[place][i].get()));
    }
  }
  *rest = *rest_;
  rest_ = rest;
  return absl::OkStatus();
}

// Returns once no probe that saw the former table is still running (kernel/bpf/syscall.c
// maybe_wait_bpf_programs).
absl::Status FlowTables::Install(uint32_t place, int fd) {
  if (bpf_map_update_elem(tables_fd_, &place, &fd, BPF_ANY) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "exchanging a table of flows");
}

absl::Status FlowTables::Take(std::vector<FlowSum>* sums) {
  const size_t next = generation_ ^ 1;
  for (uint32_t place = 0; place < VAKT_FLOW_TABLES; ++place) {
    VAKT_RETURN_IF_ERROR(Install(place, tables_[place][next].get()));
  }
  const size_t filled = std::exchange(generation_, next);
  for (uint32_t place = 0; place < VAKT_FLOW_TABLES; ++place) {
    VAKT_RETURN_IF_ERROR(Drain(tables_[place][filled].get(), place == VAKT_FLOW_FOLDED, sums));
  }
  return TakeRest(sums);
}

absl::Status FlowTables::Drain(int fd, bool folded, std::vector<FlowSum>* sums) {
  std::vector<vakt_flow_key> keys(kBatch);
  std::vector<vakt_flow_counts> counts(kBatch);
  uint64_t position = 0;
  uint64_t* from = nullptr;  // the beginning
  for (;;) {
    auto size = static_cast<uint32_t>(keys.size());
    const int failed = bpf_map_lookup_and_delete_batch(fd, from, &position, keys.data(),
                                                       counts.data(), &size, nullptr);
    if (failed != 0 && errno == ENOSPC && keys.size() < VAKT_FLOW_TABLE) {
      keys.resize(keys.size() * 2);  // a bucket holds more than that
      counts.resize(counts.size() * 2);
      continue;
    }
    if (failed != 0 && errno != ENOENT) return ErrnoStatus(errno, "reading a table of flows");
    for (uint32_t i = 0; i < size; ++i) sums->push_back({keys[i], counts[i], folded});
    if (failed != 0) return absl::OkStatus();  // ENOENT: the end
    from = &position;
  }
}

absl::Status FlowTables::TakeRest(std::vector<FlowSum>* sums) {
  const uint32_t zero = 0;
  vakt_flow_counts now = {};
  if (bpf_map_lookup_elem(rest_fd_, &zero, &now) != 0) {
    return ErrnoStatus(errno, "reading what found no room in the tables of flows");
  }
  const vakt_flow_counts news = NewsOf(now, rest_);
  if (news.folded != 0) sums->push_back({{}, news, /*folded=*/true});
  return absl::OkStatus();
}

std::vector<int> FlowTables::fds() const {
  std::vector<int> fds;
  for (const auto& generations : tables_) {
    for (const UniqueFd& table : generations) fds.push_back(table.get());
  }
  return fds;
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/workload_memory.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/random/random.h"
#include "common/base/sha256.h"

namespace vakt {
namespace {

constexpr std::string_view kMagic = "vakt workloads 2\n";
constexpr int64_t kNsPerSecond = 1'000'000'000;
// How exactly the last use is kept: so often a meeting that is not new changes the file.
constexpr int64_t kLastUseSeconds = 24 * 60 * 60;

SipKey NewKey() {
  SipKey key;
  const auto size = static_cast<ssize_t>(key.size());
  ssize_t got = 0;
  do got = getrandom(key.data(), key.size(), 0);
  while (got < 0 && errno == EINTR);
  if (got == size) return key;
  absl::BitGen random;
  for (uint8_t& byte : key) byte = absl::Uniform<uint8_t>(random);
  return key;
}

void Append64(uint64_t value, std::string* out) {
  for (int i = 0; i < 8; ++i) out->push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

// Little endian. False: nothing is left.
bool Take64(std::string_view* bytes, uint64_t* value) {
  if (bytes->size() < 8) return false;
  *value = 0;
  for (int i = 0; i < 8; ++i) {
    *value |= static_cast<uint64_t>(static_cast<uint8_t>((*bytes)[static_cast<size_t>(i)]))
              << (8 * i);
  }
  bytes->remove_prefix(8);
  return true;
}

}  // namespace

WorkloadMemory::WorkloadMemory() : key_(NewKey()) {}

WorkloadMemory::Workload& WorkloadMemory::Find(uint64_t id, int64_t now_s) {
  const auto found = workloads_.find(id);
  if (found != workloads_.end()) return found->second;
  if (workloads_.size() >= kMaxWorkloads) {
    workloads_.erase(std::min_element(
        workloads_.begin(), workloads_.end(),
        [](const auto& a, const auto& b) { return a.second.last_s < b.second.last_s; }));
  }
  changed_ = true;
  return workloads_.emplace(id, Workload{.first_s = now_s, .last_s = now_s}).first->second;
}

WorkloadMemory::Answer WorkloadMemory::Meet(std::string_view workload, std::string_view peer,
                                            bool is_external, int64_t wall_ns) {
  const int64_t now_s = wall_ns / kNsPerSecond;
  Workload& known = Find(SipHash(key_, workload), now_s);
  Answer answer;
  answer.known_ns =
      static_cast<uint64_t>(std::max<int64_t>(now_s - known.first_s, 0)) * uint64_t{kNsPerSecond};
  answer.new_external = is_external && !known.external;
  const uint64_t id = SipHash(key_, peer);
  const auto place = std::lower_bound(known.peers.begin(), known.peers.end(), id);
  const bool is_known = place != known.peers.end() && *place == id;
  answer.full = known.peers.size() >= kMaxPeers;
  answer.new_peer = !is_known && !answer.full;
  if (answer.new_peer) known.peers.insert(place, id);
  known.external |= is_external;
  changed_ |= answer.new_peer || answer.new_external || now_s - known.last_s > kLastUseSeconds;
  known.last_s = std::max(known.last_s, now_s);
  return answer;
}

std::string WorkloadMemory::Save() {
  std::string body(key_.begin(), key_.end());
  for (const auto& [id, workload] : workloads_) {
    Append64(id, &body);
    Append64(static_cast<uint64_t>(workload.first_s), &body);
    Append64(static_cast<uint64_t>(workload.last_s), &body);
    Append64(workload.external ? 1 : 0, &body);
    Append64(workload.peers.size(), &body);
    for (const uint64_t peer : workload.peers) Append64(peer, &body);
  }
  changed_ = false;
  std::string out(kMagic);
  out.append(ToHex(Sha256(body))).append("\n").append(body);
  return out;
}

absl::Status WorkloadMemory::Load(std::string_view bytes) {
  constexpr size_t kHexBytes = 2 * kSha256Bytes;
  workloads_.clear();
  changed_ = false;
  const absl::Status damaged = absl::DataLossError("what is known of workloads is damaged");
  if (bytes.size() < kMagic.size() + kHexBytes + 1 || !bytes.starts_with(kMagic)) return damaged;
  const std::string_view hash = bytes.substr(kMagic.size(), kHexBytes);
  bytes.remove_prefix(kMagic.size() + kHexBytes);
  if (!bytes.starts_with('\n')) return damaged;
  bytes.remove_prefix(1);
  if (ToHex(Sha256(bytes)) != hash) return damaged;
  SipKey key;
  if (bytes.size() < key.size()) return damaged;
  std::copy_n(bytes.begin(), key.size(), key.begin());
  bytes.remove_prefix(key.size());
  uint64_t id = 0, first = 0, last = 0, external = 0, count = 0;
  while (Take64(&bytes, &id)) {
    const bool is_whole = Take64(&bytes, &first) && Take64(&bytes, &last) &&
                          Take64(&bytes, &external) && Take64(&bytes, &count) &&
                          count <= kMaxPeers && bytes.size() >= 8 * count &&
                          workloads_.size() < kMaxWorkloads;
    if (!is_whole) {
      workloads_.clear();
      return damaged;
    }
    Workload& workload = workloads_[id];
    workload = {static_cast<int64_t>(first), static_cast<int64_t>(last), external != 0, {}};
    workload.peers.resize(count);
    for (uint64_t& peer : workload.peers) Take64(&bytes, &peer);
    std::sort(workload.peers.begin(), workload.peers.end());
  }
  key_ = key;
  return absl::OkStatus();
}

}  // namespace vakt

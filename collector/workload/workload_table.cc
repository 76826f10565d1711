// SPDX-License-Identifier: Apache-2.0
#include "collector/workload/workload_table.h"

#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr size_t kMaxFileBytes = 64 << 20;
constexpr size_t kMaxNameBytes = 253;  // a DNS name
constexpr std::string_view kNone = "-";

// Whose own owner is the workload, where they have one.
bool IsBetween(const Owner& owner) { return owner.kind == "ReplicaSet" || owner.kind == "Job"; }

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes &&
         text.find_first_of(" \t\r\n") == std::string_view::npos;
}

void SetWorkload(const Owner& owner, v1::Pod* pod) {
  pod->set_workload_kind(owner.kind);
  pod->set_workload_name(owner.name);
  pod->set_workload_guessed(false);
}

}  // namespace

bool WorkloadTable::Bounded::Set(const std::string& uid, Owner owner, size_t max) {
  const auto [entry, is_new] = by_uid.try_emplace(uid);
  Owner& known = entry->second;
  if (is_new) order.push_back(uid);
  const bool changed = is_new || known.kind != owner.kind || known.name != owner.name;
  known = std::move(owner);
  if (order.size() > max) {
    by_uid.erase(order.front());
    order.pop_front();
  }
  return changed;
}

void WorkloadTable::SetPod(const std::string& uid, Owner owner) {
  if (!IsName(uid)) return;
  std::lock_guard lock(mutex_);
  if (pods_.Set(uid, std::move(owner), kMaxPods)) ++changes_;
}

void WorkloadTable::SetOwner(const std::string& uid, Owner owner) {
  if (!IsName(uid)) return;
  std::lock_guard lock(mutex_);
  if (owners_.Set(uid, std::move(owner), kMaxOwners)) ++changes_;
}

std::optional<Owner> WorkloadTable::FindLocked(const Owner& owner) const {
  if (!IsBetween(owner) || owner.uid.empty()) return owner;
  const auto above = owners_.by_uid.find(owner.uid);
  if (above == owners_.by_uid.end()) return std::nullopt;
  return above->second.kind.empty() ? owner : above->second;
}

std::optional<Owner> WorkloadTable::Find(std::string_view pod_uid) const {
  std::lock_guard lock(mutex_);
  const auto found = pods_.by_uid.find(ToAbsl(pod_uid));
  if (found == pods_.by_uid.end()) return std::nullopt;
  return FindLocked(found->second);
}

void WorkloadTable::Complete(v1::Record* record) const {
  v1::Container* container = nullptr;
  if (record->has_alert() && record->alert().has_container()) {
    container = record->mutable_alert()->mutable_container();
  } else if (record->has_flow() && record->flow().has_container()) {
    container = record->mutable_flow()->mutable_container();
  }
  if (container == nullptr || container->pod().uid().empty()) return;
  if (const std::optional<Owner> owner = Find(container->pod().uid())) {
    SetWorkload(*owner, container->mutable_pod());
  }
}

size_t WorkloadTable::pods() const {
  std::lock_guard lock(mutex_);
  return pods_.by_uid.size();
}

uint64_t WorkloadTable::changes() const {
  std::lock_guard lock(mutex_);
  return changes_;
}

absl::Status WorkloadTable::Save(const std::string& path) const {
  std::string text;
  {
    std::lock_guard lock(mutex_);
    for (const std::string& uid : pods_.order) {
      const std::optional<Owner> owner = FindLocked(pods_.by_uid.at(uid));
      if (!owner.has_value()) continue;
      text += owner->kind.empty() ? StrCat(uid, " ", kNone, " ", kNone, "\n")
                                  : StrCat(uid, " ", owner->kind, " ", owner->name, "\n");
    }
  }
  return WriteFileAtomically(path, text, 0600);
}

absl::Status WorkloadTable::Load(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path, kMaxFileBytes);
  if (absl::IsNotFound(text.status())) return absl::OkStatus();
  VAKT_RETURN_IF_ERROR(text.status());
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (words.size() != 3 || !IsName(words[0]) || !IsName(words[1]) || !IsName(words[2])) continue;
    // No uid of the owner: what is in the file is the workload itself.
    SetPod(words[0], words[1] == kNone ? Owner() : Owner{words[1], words[2], ""});
  }
  return absl::OkStatus();
}

}  // namespace vakt

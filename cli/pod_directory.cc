// SPDX-License-Identifier: Apache-2.0
#include "cli/pod_directory.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/ascii.h"
#include "cli/time_text.h"
#include "common/base/address.h"

namespace vakt {
namespace {

// For so long an address is taken to be the pod's that was seen to have it last, or first: flows
// are reported at intervals of a minute at most, so a pod that talks is confirmed far more often.
constexpr absl::Duration kSlack = absl::Hours(1);

// Given by controllers: different from pod to pod, or with each version.
constexpr std::string_view kPassingLabels[] = {
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/job-name",
    "controller-revision-hash",
    "controller-uid",
    "job-name",
    "pod-template-generation",
    "pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
};

bool IsPassing(std::string_view key) {
  return std::find(std::begin(kPassingLabels), std::end(kPassingLabels), key) !=
         std::end(kPassingLabels);
}

// Letters, digits and in the middle `middle`; 1 to 63 of them.
bool IsPart(std::string_view text, std::string_view middle) {
  const auto is_end = [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); };
  if (text.empty() || text.size() > 63 || !is_end(text.front()) || !is_end(text.back())) {
    return false;
  }
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_end(c) || middle.find(c) != middle.npos; });
}

bool IsPrefix(std::string_view text) {
  return !text.empty() && text.size() <= 253 &&
         absl::ascii_isalnum(static_cast<unsigned char>(text.front())) &&
         absl::ascii_isalnum(static_cast<unsigned char>(text.back())) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_islower(static_cast<unsigned char>(c)) ||
                  absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '-' || c == '.';
         });
}

void KeepCommon(const std::map<std::string, std::string>& other,
                std::map<std::string, std::string>* labels) {
  std::erase_if(*labels, [&](const auto& label) {
    const auto found = other.find(label.first);
    return found == other.end() || found->second != label.second;
  });
}

}  // namespace

bool IsLabel(std::string_view key, std::string_view value) {
  constexpr std::string_view kMiddle = "-_.";
  const size_t slash = key.find('/');
  const bool is_key =
      slash == key.npos ? IsPart(key, kMiddle)
                        : IsPrefix(key.substr(0, slash)) && IsPart(key.substr(slash + 1), kMiddle);
  return is_key && (value.empty() || IsPart(value, kMiddle));
}

bool IsNamespace(std::string_view name) {
  return name.size() <= 63 && name.find('.') == name.npos && IsPrefix(name);
}

PodDirectory::PodKey PodDirectory::KeyOf(const v1::StoredRecord& stored) {
  const v1::Pod& pod = stored.record().flow().container().pod();
  return {stored.cluster(), pod.namespace_(), pod.name(), pod.uid()};
}

void PodDirectory::Learn(const v1::StoredRecord& stored) {
  const v1::Flow& flow = stored.record().flow();
  const v1::Pod& pod = flow.container().pod();
  if (pod.name().empty() || !IsNamespace(pod.namespace_())) return;
  SeenPod& seen = pods_[KeyOf(stored)];
  seen.host_network |= pod.host_network();
  if (!pod.workload_name().empty() && !pod.workload_kind().empty() && seen.guessed) {
    // Of two guesses the lesser, so that the order does not matter.
    const auto known = std::tie(pod.workload_kind(), pod.workload_name());
    if (!pod.workload_guessed() || seen.name.empty() || known < std::tie(seen.kind, seen.name)) {
      std::tie(seen.kind, seen.name) = known;
    }
    seen.guessed = pod.workload_guessed();
  }
  if (pod.labels_size() > 0 || flow.container().metadata() == v1::Container::METADATA_COMPLETE) {
    std::map<std::string, std::string> labels;
    for (const auto& [key, value] : pod.labels()) {
      if (!IsPassing(key) && IsLabel(key, value)) labels[key] = value;
    }
    // They can be changed while the pod runs.
    if (seen.labels.has_value()) {
      KeepCommon(labels, &*seen.labels);
    } else {
      seen.labels = std::move(labels);
    }
  }
  std::set<std::string> addresses;
  for (const std::string& text : pod.addresses()) {
    if (const auto block = ParseAddressBlock(text); block.has_value())
      addresses.insert(block->address);
  }
  const bool has_peer =
      flow.direction() == v1::Flow::DIRECTION_OUT || flow.direction() == v1::Flow::DIRECTION_IN;
  if (has_peer && flow.class_() != v1::Flow::CLASS_SAME_POD &&
      flow.class_() != v1::Flow::CLASS_LOOPBACK && !pod.host_network()) {
    addresses.insert(flow.local().address());
  }
  const absl::Time begin = FromTimestamp(flow.has_first_seen() ? flow.first_seen() : flow.begin());
  const absl::Time end = FromTimestamp(flow.end());
  for (const std::string& address : addresses) {
    if (pod.host_network()) {
      nodes_.emplace(stored.cluster(), address);
      continue;
    }
    if (std::all_of(address.begin(), address.end(), [](char c) { return c == 0; })) continue;
    auto& [first, last] =
        tenancies_[{stored.cluster(), address}].try_emplace(&seen, begin, end).first->second;
    first = std::min(first, begin);
    last = std::max(last, end);
  }
}

void PodDirectory::Finish() {
  std::set<const Workload*> labelled;
  for (auto& [key, seen] : pods_) {
    const auto& [cluster, name_space, pod, uid] = key;
    const bool has_owner = !seen.name.empty();
    const WorkloadKey of = {cluster, name_space, has_owner ? seen.kind : "Pod",
                            has_owner ? seen.name : pod};
    Workload& workload = workloads_[of];
    workload.key = of;
    workload.pods.insert(pod);
    workload.host_network |= seen.host_network;
    workload.guessed |= has_owner && seen.guessed;
    seen.workload = &workload;
    if (!seen.labels.has_value()) continue;
    if (labelled.insert(&workload).second) {
      workload.labels = *seen.labels;
    } else {
      KeepCommon(*seen.labels, &workload.labels);
    }
  }
}

const Workload* PodDirectory::Of(const v1::StoredRecord& stored) const {
  const auto found = pods_.find(KeyOf(stored));
  return found == pods_.end() ? nullptr : found->second.workload;
}

const Workload* PodDirectory::At(const std::string& cluster, const std::string& address,
                                 absl::Time begin, absl::Time end) const {
  const auto found = tenancies_.find({cluster, address});
  if (found == tenancies_.end()) return nullptr;
  // Who was seen to have it at that very time; else who had it shortly before or after.
  for (const absl::Duration slack : {absl::ZeroDuration(), kSlack}) {
    const Workload* only = nullptr;
    for (const auto& [pod, time] : found->second) {
      if (time.first - slack > end || time.second + slack < begin) continue;
      if (only != nullptr && only != pod->workload) return nullptr;
      only = pod->workload;
    }
    if (only != nullptr) return only;
  }
  return nullptr;
}

const Workload* PodDirectory::Named(const std::string& cluster, const std::string& name_space,
                                    const std::string& pod) const {
  const Workload* only = nullptr;
  for (auto at = pods_.lower_bound({cluster, name_space, pod, ""});
       at != pods_.end() && std::get<0>(at->first) == cluster &&
       std::get<1>(at->first) == name_space && std::get<2>(at->first) == pod;
       ++at) {
    if (only != nullptr && only != at->second.workload) return nullptr;
    only = at->second.workload;
  }
  return only;
}

std::vector<const Workload*> PodDirectory::AlsoSelectedBy(const Workload& workload) const {
  std::vector<const Workload*> others;
  for (const auto& [key, other] : workloads_) {
    if (&other == &workload || key.cluster != workload.key.cluster ||
        key.name_space != workload.key.name_space) {
      continue;
    }
    std::map<std::string, std::string> common = workload.labels;
    KeepCommon(other.labels, &common);
    if (common.size() == workload.labels.size()) others.push_back(&other);
  }
  return others;
}

}  // namespace vakt

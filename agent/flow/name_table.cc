// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/name_table.h"

#include <algorithm>

namespace vakt {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kGraceSeconds = 60;
constexpr uint64_t kMaxTtlSeconds = 24 * 60 * 60;
constexpr size_t kMaxNames = 4;

}  // namespace

void NameTable::Learn(uint32_t net_ns, const DnsAnswer& answer, uint64_t boot_ns) {
  Name name{.text = SharedString(answer.name), .since_ns = boot_ns};
  for (const DnsAddress& address : answer.addresses) {
    const uint64_t ttl = std::min<uint64_t>(address.ttl_seconds, kMaxTtlSeconds);
    name.until_ns = boot_ns + (ttl + kGraceSeconds) * kSecondNs;
    LearnOne({net_ns, address.address}, name);
  }
}

void NameTable::LearnOne(const Key& key, const Name& name) {
  std::vector<Name>& names = entries_.Make(key);
  const auto same = std::find_if(names.begin(), names.end(),
                                 [&](const Name& known) { return known.text == name.text; });
  Name newest = name;
  if (same != names.end()) {
    if (same->until_ns >= name.since_ns) newest.since_ns = same->since_ns;
    names.erase(same);
  }
  names.insert(names.begin(), std::move(newest));
  if (names.size() > kMaxNames) names.pop_back();
}

std::vector<SharedString> NameTable::Find(uint32_t net_ns, std::string_view address,
                                          uint64_t begin_ns, uint64_t end_ns) const {
  std::vector<SharedString> texts;
  const std::vector<Name>* names = entries_.Find(Key(net_ns, std::string(address)));
  if (names == nullptr) return texts;
  for (const Name& name : *names) {
    if (name.since_ns <= end_ns && name.until_ns >= begin_ns) texts.push_back(name.text);
  }
  return texts;
}

}  // namespace vakt

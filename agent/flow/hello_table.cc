// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/hello_table.h"

#include <algorithm>
#include <utility>

namespace vakt {
namespace {

constexpr size_t kMaxTexts = 4;

template <typename Said>
std::vector<SharedString> TextsOf(const std::vector<Said>& all, uint64_t begin_ns,
                                  uint64_t end_ns) {
  std::vector<SharedString> texts;
  for (const Said& said : all) {
    if (said.first_ns <= end_ns && said.last_ns >= begin_ns) texts.push_back(said.text);
  }
  return texts;
}

}  // namespace

void HelloTable::Add(const std::string& text, uint64_t boot_ns, std::vector<Said>* all) {
  if (text.empty()) return;
  Said said{.text = SharedString(text), .first_ns = boot_ns, .last_ns = boot_ns};
  const auto same = std::find_if(all->begin(), all->end(),
                                 [&](const Said& known) { return known.text == said.text; });
  if (same != all->end()) {
    said.first_ns = same->first_ns;
    all->erase(same);
  }
  all->insert(all->begin(), std::move(said));
  if (all->size() > kMaxTexts) all->pop_back();
}

void HelloTable::Learn(const Key& key, const TlsHello& hello, uint64_t boot_ns) {
  if (hello.name.empty() && hello.ja4.empty()) return;
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    if (entries_.size() >= max_entries_) {
      entries_.erase(by_age_.front());
      by_age_.pop_front();
    }
    found = entries_.emplace(key, Entry{}).first;
    found->second.place = by_age_.insert(by_age_.end(), key);
  } else {
    by_age_.splice(by_age_.end(), by_age_, found->second.place);
  }
  Add(hello.name, boot_ns, &found->second.names);
  Add(hello.ja4, boot_ns, &found->second.clients);
}

HelloTable::Found HelloTable::Find(const Key& key, uint64_t begin_ns, uint64_t end_ns) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return {};
  by_age_.splice(by_age_.end(), by_age_, found->second.place);
  return {.names = TextsOf(found->second.names, begin_ns, end_ns),
          .clients = TextsOf(found->second.clients, begin_ns, end_ns)};
}

}  // namespace vakt

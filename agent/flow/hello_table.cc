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
  Entry& entry = entries_.Make(key);
  Add(hello.name, boot_ns, &entry.names);
  Add(hello.ja4, boot_ns, &entry.clients);
}

HelloTable::Found HelloTable::Find(const Key& key, uint64_t begin_ns, uint64_t end_ns) {
  const Entry* entry = entries_.Use(key);
  if (entry == nullptr) return {};
  return {.names = TextsOf(entry->names, begin_ns, end_ns),
          .clients = TextsOf(entry->clients, begin_ns, end_ns)};
}

}  // namespace vakt

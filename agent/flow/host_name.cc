// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/host_name.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace vakt {
namespace {

constexpr size_t kMaxNameBytes = 255;
constexpr size_t kMaxLabelBytes = 63;

}  // namespace

void AppendHostLabel(std::string_view label, std::string* name) {
  if (!name->empty()) name->push_back('.');
  for (const char c : label) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool is_plain =
        is_upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (is_plain) {
      name->push_back(is_upper ? static_cast<char>(c - 'A' + 'a') : c);
    } else {
      char escaped[5];
      snprintf(escaped, sizeof(escaped), "\\%03u", static_cast<uint8_t>(c));
      name->append(escaped);
    }
  }
}

std::string HostNameOf(std::string_view dotted) {
  std::string name;
  if (dotted.ends_with('.')) dotted.remove_suffix(1);
  if (dotted.empty() || dotted.size() > kMaxNameBytes) return name;
  for (;;) {
    const size_t size = std::min(dotted.find('.'), dotted.size());
    if (size == 0 || size > kMaxLabelBytes) return {};
    AppendHostLabel(dotted.substr(0, size), &name);
    if (size == dotted.size()) return name;
    dotted.remove_prefix(size + 1);
  }
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/claimed_path.h"

#include <algorithm>
#include <cstddef>

namespace vakt {
namespace {

// Walks `path` from the directory `*out`, which is "" for the root and has no slash at its end.
void Walk(std::string_view path, std::string* out) {
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view component = path.substr(begin, end - begin);
    begin = end + 1;
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      const size_t slash = out->rfind('/');
      out->resize(slash == std::string::npos ? 0 : slash);
    } else {
      out->push_back('/');
      out->append(component);
    }
  }
}

}  // namespace

std::string_view ClaimedPath(std::string_view base, std::string_view raw, std::string* scratch) {
  if (raw.empty()) return {};
  const bool absolute = raw.front() == '/';
  if (!absolute && base.empty()) return raw;
  scratch->clear();
  if (!absolute) Walk(base, scratch);
  Walk(raw, scratch);
  if (scratch->empty()) scratch->push_back('/');
  return *scratch;
}

}  // namespace vakt

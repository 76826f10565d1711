// SPDX-License-Identifier: Apache-2.0
#include "common/event/container.h"

#include <algorithm>

#include "common/event/fields.h"
#include "common/event/process.h"

namespace vakt {

const std::string* FindLabel(const Labels& labels, std::string_view key) {
  const auto found =
      std::lower_bound(labels.begin(), labels.end(), key,
                       [](const auto& label, std::string_view k) { return label.first < k; });
  return found == labels.end() || found->first != key ? nullptr : &found->second;
}

// A colon before the last slash belongs to the registry's port.
std::pair<std::string_view, std::string_view> SplitImage(std::string_view image) {
  if (image.starts_with("sha256:")) return {};  // an image without a name
  image = image.substr(0, image.find('@'));
  const size_t colon = image.rfind(':');
  const size_t slash = image.rfind('/');
  if (colon == std::string_view::npos || (slash != std::string_view::npos && colon < slash)) {
    return {image, {}};
  }
  return {image.substr(0, colon), image.substr(colon + 1)};
}

std::optional<bool> SharesNamespaceOutside(const Process& process) {
  const Process* outside = process.parent;
  for (int depth = 0; outside != nullptr && depth < kMaxAncestors; ++depth) {
    if (outside->container != process.container) {
      return outside->mnt_ns != 0 && outside->mnt_ns == process.mnt_ns;
    }
    outside = outside->parent;
  }
  const uint32_t host = process.container == nullptr ? 0 : process.container->host_mnt_ns;
  return host == 0 ? std::nullopt : std::optional<bool>(process.mnt_ns == host);
}

}  // namespace vakt

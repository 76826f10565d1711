// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/address_classes.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "common/base/strings.h"

namespace vakt {
namespace {

struct Reserved {
  std::string_view block;
  v1::Flow::Class of;
};

// The first that fits. IANA's registries of special-purpose addresses (RFC 6890), and where cloud
// providers serve what an instance may know of itself.
constexpr Reserved kReserved[] = {
    {"127.0.0.0/8", v1::Flow::CLASS_LOOPBACK},
    {"::1/128", v1::Flow::CLASS_LOOPBACK},
    {"169.254.169.254/32", v1::Flow::CLASS_METADATA},  // AWS, Azure, Google Cloud, OpenStack, ...
    {"169.254.170.2/32", v1::Flow::CLASS_METADATA},    // AWS, of tasks
    {"169.254.170.23/32", v1::Flow::CLASS_METADATA},   // AWS, of pods
    {"fd00:ec2::/32", v1::Flow::CLASS_METADATA},       // AWS
    {"fd20:ce::254/128", v1::Flow::CLASS_METADATA},    // Google Cloud
    {"100.100.100.200/32", v1::Flow::CLASS_METADATA},  // Alibaba Cloud
    {"168.63.129.16/32", v1::Flow::CLASS_METADATA},    // Azure
    {"169.254.0.0/16", v1::Flow::CLASS_LINK_LOCAL},
    {"fe80::/10", v1::Flow::CLASS_LINK_LOCAL},
    {"224.0.0.0/4", v1::Flow::CLASS_MULTICAST},
    {"255.255.255.255/32", v1::Flow::CLASS_MULTICAST},
    {"ff00::/8", v1::Flow::CLASS_MULTICAST},
    {"10.0.0.0/8", v1::Flow::CLASS_PRIVATE},
    {"172.16.0.0/12", v1::Flow::CLASS_PRIVATE},
    {"192.168.0.0/16", v1::Flow::CLASS_PRIVATE},
    {"100.64.0.0/10", v1::Flow::CLASS_PRIVATE},
    {"fc00::/7", v1::Flow::CLASS_PRIVATE},
};

v1::Flow::Class ReservedFor(std::string_view address) {
  struct Row {
    AddressBlock block;
    v1::Flow::Class of;
  };
  static const std::vector<Row>& rows = *[] {
    auto* made = new std::vector<Row>();
    for (const Reserved& row : kReserved) {
      made->push_back({ParseAddressBlock(row.block).value(), row.of});
    }
    return made;
  }();
  for (const Row& row : rows) {
    if (row.block.Contains(address)) return row.of;
  }
  return v1::Flow::CLASS_EXTERNAL;
}

}  // namespace

absl::StatusOr<AddressClasses> AddressClasses::Create(const std::vector<std::string>& cluster) {
  AddressClasses classes;
  for (const std::string& text : cluster) {
    std::optional<AddressBlock> block = ParseAddressBlock(text);
    if (!block.has_value()) {
      return absl::InvalidArgumentError(
          StrCat("\"", text, "\" is no block of addresses such as 10.0.0.0/8 or fd00::/8"));
    }
    classes.cluster_.push_back(*std::move(block));
  }
  return classes;
}

void AddressClasses::SetNodeAddresses(std::vector<std::string> addresses) {
  node_ = {std::make_move_iterator(addresses.begin()), std::make_move_iterator(addresses.end())};
}

v1::Flow::Class AddressClasses::Of(std::string_view remote, std::string_view local,
                                   bool in_container) const {
  const auto is_zero = [](char c) { return c == 0; };
  if (std::all_of(remote.begin(), remote.end(), is_zero)) return v1::Flow::CLASS_UNSPECIFIED;
  const v1::Flow::Class reserved = ReservedFor(remote);
  if (reserved == v1::Flow::CLASS_LOOPBACK || remote == local) {
    return in_container ? v1::Flow::CLASS_SAME_POD : v1::Flow::CLASS_LOOPBACK;
  }
  if (node_.contains(ToAbsl(remote))) return v1::Flow::CLASS_SAME_NODE;
  if (reserved != v1::Flow::CLASS_PRIVATE && reserved != v1::Flow::CLASS_EXTERNAL) return reserved;
  for (const AddressBlock& block : cluster_) {
    if (block.Contains(remote)) return v1::Flow::CLASS_CLUSTER;
  }
  return reserved;
}

std::vector<std::string> InterfaceAddresses() {
  std::vector<std::string> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return addresses;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    std::string address;
    if (one->ifa_addr->sa_family == AF_INET) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
      address.assign(reinterpret_cast<const char*>(&v4->sin_addr), 4);
    } else if (one->ifa_addr->sa_family == AF_INET6) {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(one->ifa_addr);
      address.assign(reinterpret_cast<const char*>(&v6->sin6_addr), 16);
    } else {
      continue;
    }
    if (ReservedFor(address) != v1::Flow::CLASS_LOOPBACK) addresses.push_back(std::move(address));
  }
  return addresses;
}

}  // namespace vakt

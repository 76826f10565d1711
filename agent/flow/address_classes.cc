// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/address_classes.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
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

struct ParsedBlock {
  std::string address;
  int bits = 0;
};

absl::StatusOr<ParsedBlock> ParseBlock(std::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(ToAbsl(text), '/');
  ParsedBlock block;
  char bytes[16];
  const bool v6 = text.find(':') != text.npos;
  const int size = v6 ? 16 : 4;
  block.bits = size * 8;
  if (parts.size() > 2 || inet_pton(v6 ? AF_INET6 : AF_INET, parts[0].c_str(), bytes) != 1 ||
      (parts.size() == 2 && !absl::SimpleAtoi(parts[1], &block.bits)) || block.bits < 0 ||
      block.bits > size * 8) {
    return absl::InvalidArgumentError(
        StrCat("\"", text, "\" is no block of addresses such as 10.0.0.0/8 or fd00::/8"));
  }
  block.address.assign(bytes, static_cast<size_t>(size));
  return block;
}

bool SamePrefix(std::string_view a, std::string_view b, int bits) {
  const auto whole = static_cast<size_t>(bits / 8);
  if (a.size() != b.size() || a.substr(0, whole) != b.substr(0, whole)) return false;
  const int rest = bits % 8;
  return rest == 0 ||
         ((static_cast<uint8_t>(a[whole]) ^ static_cast<uint8_t>(b[whole])) >> (8 - rest)) == 0;
}

v1::Flow::Class ReservedFor(std::string_view address) {
  struct Row {
    ParsedBlock block;
    v1::Flow::Class of;
  };
  static const std::vector<Row>& rows = *[] {
    auto* made = new std::vector<Row>();
    for (const Reserved& row : kReserved) made->push_back({ParseBlock(row.block).value(), row.of});
    return made;
  }();
  for (const Row& row : rows) {
    if (SamePrefix(address, row.block.address, row.block.bits)) return row.of;
  }
  return v1::Flow::CLASS_EXTERNAL;
}

}  // namespace

absl::StatusOr<AddressClasses> AddressClasses::Create(const std::vector<std::string>& cluster) {
  AddressClasses classes;
  for (const std::string& text : cluster) {
    VAKT_ASSIGN_OR_RETURN(ParsedBlock block, ParseBlock(text));
    classes.cluster_.push_back({std::move(block.address), block.bits});
  }
  return classes;
}

void AddressClasses::SetNodeAddresses(std::vector<std::string> addresses) {
  node_ = {std::make_move_iterator(addresses.begin()), std::make_move_iterator(addresses.end())};
}

bool AddressClasses::Contains(const Block& block, std::string_view address) {
  return SamePrefix(address, block.address, block.bits);
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
  for (const Block& block : cluster_) {
    if (Contains(block, remote)) return v1::Flow::CLASS_CLUSTER;
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

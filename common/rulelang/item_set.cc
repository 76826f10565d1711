// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/item_set.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/hash/hash.h"
#include "common/base/address.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr size_t kMaxNameBytes = 253;  // RFC 1035 with the dots that people write
constexpr size_t kMaxToldLines = 10;
constexpr int kNamesPerBucketBits = 3;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// JA4, of a TLS client: "t13d1516h2_8daaf6152771_e5627efa2ab1". No name looks like that: it has no
// dot.
bool IsFingerprint(std::string_view text) {
  constexpr size_t kBytes = 36, kFirst = 10, kSecond = 23;
  if (text.size() != kBytes || text[kFirst] != '_' || text[kSecond] != '_') return false;
  const auto is_letter = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  const std::string_view hashes = text.substr(kFirst + 1);
  return (text[0] == 't' || text[0] == 'q' || text[0] == 'd') &&
         std::all_of(text.begin(), text.begin() + kFirst, is_letter) &&
         std::all_of(hashes.begin(), hashes.end(), [&](char c) { return c == '_' || is_hex(c); });
}

uint64_t HashOf(std::string_view name) { return absl::HashOf(ToAbsl(name)); }

// Sorts, and puts together what overlaps.
template <typename Range>
void Merge(std::vector<Range>* ranges) {
  std::sort(ranges->begin(), ranges->end());
  size_t kept = 0;
  for (const Range& range : *ranges) {
    if (kept > 0 && range.first <= (*ranges)[kept - 1].second) {
      (*ranges)[kept - 1].second = std::max((*ranges)[kept - 1].second, range.second);
    } else {
      (*ranges)[kept++] = range;
    }
  }
  ranges->resize(kept);
  ranges->shrink_to_fit();
}

template <typename Range, typename Address>
bool Holds(const std::vector<Range>& ranges, const Address& address) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), address,
                       [](const Address& a, const Range& range) { return a < range.first; });
  return after != ranges.begin() && address <= std::prev(after)->second;
}

uint64_t BigEndian(const uint8_t* bytes, size_t size) {
  uint64_t number = 0;
  for (size_t i = 0; i < size; ++i) number = number << 8 | bytes[i];
  return number;
}

// Of the last address of a block: the host's bits of one of its halves.
uint64_t HostBits(int prefix_bits, int half_bits) {
  const int host = std::clamp(half_bits - prefix_bits, 0, half_bits);
  return host == 64 ? std::numeric_limits<uint64_t>::max() : (uint64_t{1} << host) - 1;
}

}  // namespace

bool ItemSet::AddBlock(std::string_view item) {
  const std::optional<AddressBlock> block = ParseAddressBlock(item);
  if (!block.has_value()) return false;
  const auto* bytes = reinterpret_cast<const uint8_t*>(block->address.data());
  if (block->address.size() == 4) {
    const auto host = static_cast<uint32_t>(HostBits(block->bits, 32));
    const auto address = static_cast<uint32_t>(BigEndian(bytes, 4));
    v4_.emplace_back(address & ~host, address | host);
    return true;
  }
  const uint64_t high_host = HostBits(block->bits, 64), low_host = HostBits(block->bits - 64, 64);
  const uint64_t high = BigEndian(bytes, 8), low = BigEndian(bytes + 8, 8);
  v6_.push_back({{high & ~high_host, low & ~low_host}, {high | high_host, low | low_host}});
  return true;
}

// "bad.example", "*.bad.example" and ".bad.example." are the same.
bool ItemSet::AddName(std::string_view item) {
  if (item.starts_with("*.")) item.remove_prefix(1);
  if (item.starts_with('.')) item.remove_prefix(1);
  if (item.ends_with('.')) item.remove_suffix(1);
  if (item.empty() || item.size() > kMaxNameBytes) return false;
  char name[kMaxNameBytes];
  char before = '.';
  for (size_t i = 0; i < item.size(); ++i) {
    name[i] = Lower(item[i]);
    const bool ok = name[i] == '.' ? before != '.' : IsNameByte(name[i]);
    if (!ok) return false;
    before = name[i];
  }
  const std::string_view text(name, item.size());
  if (text.find('.') == text.npos) return false;  // would hold a whole top-level domain
  names_.push_back(HashOf(text));
  return true;
}

bool ItemSet::AddFingerprint(std::string_view item) {
  if (!IsFingerprint(item)) return false;
  names_.push_back(HashOf(item));
  return true;
}

bool ItemSet::Add(std::string_view item) {
  return AddBlock(item) || AddFingerprint(item) || AddName(item);
}

void ItemSet::Freeze() {
  Merge(&v4_);
  Merge(&v6_);
  std::sort(names_.begin(), names_.end());
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
  names_.shrink_to_fit();
  while ((names_.size() >> bucket_bits_) > (size_t{1} << kNamesPerBucketBits)) ++bucket_bits_;
  first_name_.assign((size_t{1} << bucket_bits_) + 1, static_cast<uint32_t>(names_.size()));
  for (size_t i = names_.size(); i-- > 0;) {
    first_name_[bucket_bits_ == 0 ? 0 : names_[i] >> (64 - bucket_bits_)] =
        static_cast<uint32_t>(i);
  }
  for (size_t i = first_name_.size() - 1; i-- > 0;) {  // buckets without names
    first_name_[i] = std::min(first_name_[i], first_name_[i + 1]);
  }
}

ItemSet::File ItemSet::Parse(std::string_view text) {
  File file;
  auto set = std::make_shared<ItemSet>();
  int line = 0;
  while (!text.empty()) {
    ++line;
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    item = Trim(item.substr(0, item.find('#')));
    if (item.empty()) continue;
    if (!set->Add(item)) {
      ++file.left_out_count;
      if (file.left_out.size() < kMaxToldLines) file.left_out.push_back(line);
    } else if (++set->items_ > kMaxItems) {
      return file;
    }
  }
  set->Freeze();
  file.set = std::move(set);
  return file;
}

bool ItemSet::HasHash(uint64_t hash) const {
  const size_t bucket = bucket_bits_ == 0 ? 0 : hash >> (64 - bucket_bits_);
  const auto begin = names_.begin() + first_name_[bucket];
  return std::binary_search(begin, names_.begin() + first_name_[bucket + 1], hash);
}

// The name and the domains above it, but for top-level ones; or the fingerprint.
bool ItemSet::HasName(std::string_view name) const {
  if (IsFingerprint(name)) return !names_.empty() && HasHash(HashOf(name));
  if (name.ends_with('.')) name.remove_suffix(1);
  if (names_.empty() || name.size() > kMaxNameBytes) return false;
  char lower[kMaxNameBytes];
  std::transform(name.begin(), name.end(), lower, Lower);
  std::string_view rest(lower, name.size());
  for (size_t dot = rest.find('.'); dot != rest.npos; dot = rest.find('.')) {
    if (HasHash(HashOf(rest))) return true;
    rest.remove_prefix(dot + 1);
  }
  return false;
}

bool ItemSet::Contains(const Value& value) const {
  if (value.tag == Value::Tag::kString) return HasName(value.string);
  if (value.tag != Value::Tag::kIp) return false;
  const uint8_t* bytes = value.ip.bytes.data();
  if (!value.ip.ipv6) return Holds(v4_, static_cast<uint32_t>(BigEndian(bytes, 4)));
  return Holds(v6_, V6{BigEndian(bytes, 8), BigEndian(bytes + 8, 8)});
}

size_t ItemSet::bytes() const {
  return sizeof(*this) + names_.capacity() * sizeof(names_[0]) +
         first_name_.capacity() * sizeof(first_name_[0]) + v4_.capacity() * sizeof(v4_[0]) +
         v6_.capacity() * sizeof(v6_[0]);
}

}  // namespace vakt

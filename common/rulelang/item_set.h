// SPDX-License-Identifier: Apache-2.0
// The items of a list that come from a file of their own (`items_file`): up to a million names,
// addresses and fingerprints, most often indicators of compromise (docs/formats/items_file.md).
//
//   ItemSet::File file = ItemSet::Parse(text);
//   file.set->Contains(Value::String("www.bad.example"));   // bad.example is in the file
//
// A name is in the set when it, or a domain above it, is; an address when a block that holds it is;
// a JA4 fingerprint when it is itself. Of names and fingerprints only 64-bit hashes are kept: that
// one of another name is met by chance happens once in 10^13 look-ups among a million. 8.5 bytes a
// name, 8 an IPv4 block, 32 an IPv6 block.
//
// Threads: immutable.
#ifndef VAKT_COMMON_RULELANG_ITEM_SET_H_
#define VAKT_COMMON_RULELANG_ITEM_SET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/event/field_table.h"

namespace vakt {

class ItemSet {
 public:
  static constexpr size_t kMaxItems = 1'000'000;
  static constexpr size_t kMaxFileBytes = size_t{64} << 20;

  struct File {
    std::shared_ptr<const ItemSet> set;  // null: there are more than kMaxItems
    std::vector<int> left_out;           // the first lines that are neither, from 1
    size_t left_out_count = 0;
  };
  static File Parse(std::string_view text);

  // Of strings and addresses; nothing else is in a set.
  bool Contains(const Value& value) const;

  size_t size() const { return items_; }
  size_t bytes() const;  // of memory

 private:
  using V6 = std::array<uint64_t, 2>;  // as a number, the upper half first

  bool Add(std::string_view item);
  bool AddBlock(std::string_view item);
  bool AddName(std::string_view item);
  bool AddFingerprint(std::string_view item);
  void Freeze();
  bool HasName(std::string_view name) const;
  bool HasHash(uint64_t hash) const;

  size_t items_ = 0;
  std::vector<uint64_t> names_;       // hashes, of fingerprints, too; sorted
  std::vector<uint32_t> first_name_;  // by the upper bits of a hash
  int bucket_bits_ = 0;
  std::vector<std::pair<uint32_t, uint32_t>> v4_;  // first and last, sorted, apart
  std::vector<std::pair<V6, V6>> v6_;
};

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_ITEM_SET_H_

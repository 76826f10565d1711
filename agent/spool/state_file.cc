// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/state_file.h"

#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/recordlog/crc32c.h"

namespace vakt {
namespace {

constexpr size_t kMaxStateFileBytes = 256;

}  // namespace

absl::StatusOr<std::vector<uint64_t>> ReadStateFile(FileSystem& file_system,
                                                    const std::string& path, size_t count) {
  VAKT_ASSIGN_OR_RETURN(const std::string text,
                        ReadWholeFile(file_system, path, kMaxStateFileBytes));
  const std::vector<std::string> words =
      absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  const absl::Status damaged = absl::DataLossError(absl::StrCat(path, " is damaged"));
  if (words.size() != count + 1) return damaged;
  std::vector<uint64_t> numbers;
  for (const std::string& word : words) {
    if (!absl::SimpleAtoi(word, &numbers.emplace_back())) return damaged;
  }
  const uint64_t checksum = numbers.back();
  numbers.pop_back();
  if (checksum != Crc32c(absl::StrJoin(numbers, " "))) return damaged;
  return numbers;
}

absl::Status WriteStateFile(FileSystem& file_system, const std::string& path,
                            absl::Span<const uint64_t> numbers, bool durable) {
  const std::string text = absl::StrJoin(numbers, " ");
  return ReplaceFile(file_system, path, absl::StrCat(text, " ", Crc32c(text), "\n"), durable);
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/state_file.h"

#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/recordlog/crc32c.h"

namespace vakt {
namespace {

constexpr size_t kMaxStateFileBytes = 512;

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadStateFile(FileSystem& file_system,
                                                       const std::string& path, size_t count) {
  VAKT_ASSIGN_OR_RETURN(const std::string text,
                        ReadWholeFile(file_system, path, kMaxStateFileBytes));
  std::vector<std::string> words = absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  uint64_t checksum = 0;
  const bool good = words.size() == count + 1 && absl::SimpleAtoi(words.back(), &checksum);
  if (good) words.pop_back();
  if (!good || checksum != Crc32c(absl::StrJoin(words, " "))) {
    return absl::DataLossError(absl::StrCat(path, " is damaged"));
  }
  return words;
}

absl::Status WriteStateFile(FileSystem& file_system, const std::string& path,
                            const std::vector<std::string>& words, bool durable) {
  const std::string text = absl::StrJoin(words, " ");
  return ReplaceFile(file_system, path, absl::StrCat(text, " ", Crc32c(text), "\n"), durable);
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/spool_state.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "agent/spool/state_file.h"
#include "common/base/status.h"

namespace vakt {
namespace {

constexpr char kFormat[] = "1";
constexpr size_t kWords = 7;

std::string StatePath(const std::string& dir) { return dir + "/state"; }

}  // namespace

absl::StatusOr<SpoolState> ReadSpoolState(FileSystem& file_system, const std::string& dir) {
  VAKT_ASSIGN_OR_RETURN(const std::vector<std::string> words,
                        ReadStateFile(file_system, StatePath(dir), kWords));
  SpoolState state;
  uint64_t closed = 0;
  const std::optional<ChainHash> hash = Sha256FromHex(words[5]);
  const bool good = words[0] == kFormat && absl::SimpleAtoi(words[1], &state.acknowledged.epoch) &&
                    absl::SimpleAtoi(words[2], &state.acknowledged.seq) &&
                    absl::SimpleAtoi(words[3], &state.head.position.epoch) &&
                    absl::SimpleAtoi(words[4], &state.head.position.seq) && hash &&
                    absl::SimpleAtoi(words[6], &closed);
  if (!good) return absl::DataLossError(absl::StrCat(StatePath(dir), " is damaged"));
  state.head.hash = *hash;
  state.closed = closed != 0;
  return state;
}

absl::Status WriteSpoolState(FileSystem& file_system, const std::string& dir,
                             const SpoolState& state) {
  return WriteStateFile(
      file_system, StatePath(dir),
      {kFormat, absl::StrCat(state.acknowledged.epoch), absl::StrCat(state.acknowledged.seq),
       absl::StrCat(state.head.position.epoch), absl::StrCat(state.head.position.seq),
       ToHex(state.head.hash), state.closed ? "1" : "0"},
      /*durable=*/true);
}

}  // namespace vakt

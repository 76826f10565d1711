// SPDX-License-Identifier: Apache-2.0
#include "collector/access/token_file.h"

#include <sys/stat.h>

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_split.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/sha256.h"
#include "common/base/status.h"

namespace vakt {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;
constexpr absl::Duration kLookInterval = absl::Seconds(1);

absl::Status ParseLine(absl::string_view line, TokenTable* tokens) {
  const std::vector<std::string> words =
      absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
  if (words.empty() || words[0].starts_with("#")) return absl::OkStatus();
  if (words.size() != 3 && words.size() != 4) {
    return absl::InvalidArgumentError("not NAME ROLE SHA256 [UNTIL]");
  }
  TokenRow row;
  if (!IsIdentitySegment(words[0])) {
    return absl::InvalidArgumentError("the name may hold letters, digits, '-', '.' and '_'");
  }
  row.name = words[0];
  VAKT_ASSIGN_OR_RETURN(row.role, ParseRole(words[1]));
  const std::optional<Sha256Hash> hash = Sha256FromHex(words[2]);
  if (!hash.has_value()) {
    return absl::InvalidArgumentError("the hash is not 64 hexadecimal digits");
  }
  std::string error;
  if (words.size() == 4 && !absl::ParseTime(absl::RFC3339_full, words[3], &row.until, &error)) {
    return absl::InvalidArgumentError("the time is not like 2027-01-01T00:00:00Z");
  }
  if (!tokens->emplace(ToHex(*hash), std::move(row)).second) {
    return absl::InvalidArgumentError("the same hash is there twice");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TokenTable> ParseTokens(std::string_view text) {
  TokenTable tokens;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(ToAbsl(text), '\n')) {
    ++number;
    const absl::Status status = ParseLine(line, &tokens);
    if (!status.ok()) {
      return absl::InvalidArgumentError(StrCat("line ", number, ": ", Message(status)));
    }
  }
  return tokens;
}

absl::StatusOr<std::unique_ptr<TokenFile>> TokenFile::Open(std::string path) {
  std::unique_ptr<TokenFile> file(new TokenFile(std::move(path)));
  absl::MutexLock lock(&file->mutex_);
  VAKT_RETURN_IF_ERROR(file->Load());
  return file;
}

std::string TokenFile::Fingerprint() const {
  struct stat info;
  if (stat(path_.c_str(), &info) != 0) return "";
  return StrCat(info.st_ino, " ", info.st_size, " ", info.st_mtim.tv_sec, ".", info.st_mtim.tv_nsec,
                " ", info.st_ctim.tv_sec, ".", info.st_ctim.tv_nsec);
}

absl::Status TokenFile::Load() {
  fingerprint_ = Fingerprint();  // before reading: a change meanwhile is read again
  VAKT_ASSIGN_OR_RETURN(const std::string text, ReadFile(path_, kMaxFileBytes));
  absl::StatusOr<TokenTable> tokens = ParseTokens(text);
  if (!tokens.ok()) {
    return absl::InvalidArgumentError(StrCat(path_, ": ", Message(tokens.status())));
  }
  tokens_ = *std::move(tokens);
  return absl::OkStatus();
}

absl::StatusOr<TokenRow> TokenFile::Find(std::string_view token, absl::Time now) {
  const std::string hash = ToHex(Sha256(token));
  absl::MutexLock lock(&mutex_);
  if (now < looked_ || now - looked_ >= kLookInterval) {
    looked_ = now;
    if (Fingerprint() != fingerprint_) {
      const absl::Status status = Load();
      if (status.ok()) LogInfo(StrCat("read the tokens in ", path_, " again"));
      if (!status.ok()) LogError(StrCat("the tokens stay as they were: ", Message(status)));
    }
  }
  const auto found = tokens_.find(hash);
  if (found == tokens_.end()) return absl::UnauthenticatedError("the token is not known");
  if (found->second.until <= now) return absl::UnauthenticatedError("the token has expired");
  return found->second;
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
// Tokens of users who have no certificate, such as a SIEM. One line each:
//
//   # name  role     SHA-256 of the token (hex)   until, may be left out
//   siem    viewer   2bb80d537b1da3e3...          2027-01-01T00:00:00Z
//
// The file holds no secret: a token is 256 random bits, which no one finds from its hash. It is
// read again when it has changed, at most once a second and only when a token is shown. A file with
// an error changes nothing: the tokens that were read before stay.
//
// Threads: thread-safe.
#ifndef VAKT_COLLECTOR_ACCESS_TOKEN_FILE_H_
#define VAKT_COLLECTOR_ACCESS_TOKEN_FILE_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collector/access/identity.h"
#include "common/base/strings.h"

namespace vakt {

struct TokenRow {
  std::string name;
  Role role = Role::kViewer;
  absl::Time until = absl::InfiniteFuture();
};
using TokenTable = StringMap<TokenRow>;  // by the hash in lower-case hexadecimal

// INVALID_ARGUMENT names the line.
absl::StatusOr<TokenTable> ParseTokens(std::string_view text);

class TokenFile {
 public:
  // An error when the file cannot be read or has an error now.
  static absl::StatusOr<std::unique_ptr<TokenFile>> Open(std::string path);

  // UNAUTHENTICATED when no valid line has the token's hash.
  absl::StatusOr<TokenRow> Find(std::string_view token, absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  explicit TokenFile(std::string path) : path_(std::move(path)) {}
  absl::Status Load() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Changes whenever the file is replaced or written.
  std::string Fingerprint() const;

  const std::string path_;
  absl::Mutex mutex_;
  TokenTable tokens_ ABSL_GUARDED_BY(mutex_);
  std::string fingerprint_ ABSL_GUARDED_BY(mutex_);
  absl::Time looked_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_ACCESS_TOKEN_FILE_H_

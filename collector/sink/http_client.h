// SPDX-License-Identifier: Apache-2.0
// Posts JSON over HTTP, several requests at once over connections that are kept (libcurl).
// Redirects and proxies are not followed; of an answer only the beginning is kept.
//
// Threads: one, but for Cancel, which any may call.
#ifndef VAKT_COLLECTOR_SINK_HTTP_CLIENT_H_
#define VAKT_COLLECTOR_SINK_HTTP_CLIENT_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace vakt {

struct HttpOptions {
  std::string url;
  std::string ca_file;  // empty: the system's authorities
  std::string cert_file;
  std::string key_file;
  std::string token_file;  // empty: no Authorization
  absl::Duration timeout = absl::Seconds(10);
};

struct HttpReply {
  int status = 0;      // 0: there was no answer
  std::string reason;  // why not, or the status with the beginning of the answer; for a log
  absl::Duration retry_after = absl::ZeroDuration();  // as the server asked
};

class HttpClient {
 public:
  // Errors name the file that cannot be read.
  static absl::StatusOr<std::unique_ptr<HttpClient>> Create(HttpOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // One reply for each body. Returns when all are there, or the time is over.
  std::vector<HttpReply> Post(absl::Span<const std::string> bodies);
  void Cancel();

 private:
  struct Transfer;

  explicit HttpClient(HttpOptions options);
  absl::Status Configure(Transfer* transfer);
  // Nullptr, with the reason in `reply`, when it cannot begin.
  Transfer* Begin(const std::string& body, const std::string& authorization, HttpReply* reply);
  void RunTransfers();
  void TakeFinished();

  const HttpOptions options_;
  void* const multi_;                                 // CURLM
  std::vector<std::unique_ptr<Transfer>> transfers_;  // kept for their settings
  size_t in_use_ = 0;                                 // of transfers_, from the first
  std::atomic<bool> cancelled_{false};
};

// Whether an answer of this status speaks of the record itself: it will not be taken tomorrow
// either. All others (wrong path or token, overload, failure) can be mended.
bool RefusesForGood(int http_status);
// Whether the answer blames the server's own load.
bool IsBusy(int http_status);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SINK_HTTP_CLIENT_H_

// SPDX-License-Identifier: Apache-2.0
// One GET over HTTP whose answer comes piece by piece, for as long as the server likes (libcurl).
// Redirects and proxies are not followed.
//
// Threads: Get on one at a time; Cancel from any.
#ifndef VAKT_COLLECTOR_WORKLOAD_HTTP_STREAM_H_
#define VAKT_COLLECTOR_WORKLOAD_HTTP_STREAM_H_

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace vakt {

class HttpStream {
 public:
  struct Options {
    std::string ca_file;     // empty: the system's authorities
    std::string token_file;  // empty: no Authorization. Read for each request: tokens are renewed
  };

  explicit HttpStream(Options options);
  ~HttpStream();
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;

  // OK when the server has answered 200 and ended. `on_bytes` is shown nothing of other answers,
  // and ends the request by false. OUT_OF_RANGE: 410, the server no longer knows where to go on.
  absl::Status Get(const std::string& url, absl::Duration timeout,
                   const std::function<bool(std::string_view)>& on_bytes);
  // Ends Get soon, and all later ones at once.
  void Cancel() { cancelled_.store(true); }

 private:
  struct Request;

  const Options options_;
  void* const easy_;  // CURL; its connections are kept
  std::atomic<bool> cancelled_ = false;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_WORKLOAD_HTTP_STREAM_H_

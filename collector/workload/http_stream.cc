// SPDX-License-Identifier: Apache-2.0
#include "collector/workload/http_stream.h"

#include <curl/curl.h>

#include <memory>
#include <utility>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr size_t kMaxTokenBytes = 16 << 10;
constexpr long kConnectTimeoutMs = 10'000;
// Only what names an object and its owners: a hundredth of a pod.
constexpr const char* kAccept =
    "Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,"
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

absl::Status StatusOfHttp(long code) {
  if (code == 200) return absl::OkStatus();
  const std::string text = StrCat("the server answered ", code);
  if (code == 410) return absl::OutOfRangeError(text);
  if (code == 401 || code == 403) return absl::PermissionDeniedError(text);
  return absl::UnavailableError(text);
}

}  // namespace

struct HttpStream::Request {
  HttpStream* stream;
  const std::function<bool(std::string_view)>* on_bytes;

  static size_t OnBytes(char* bytes, size_t size, size_t count, void* self) {
    auto* const request = static_cast<Request*>(self);
    long code = 0;
    curl_easy_getinfo(request->stream->easy_, CURLINFO_RESPONSE_CODE, &code);
    const bool go_on = code != 200 || (*request->on_bytes)({bytes, size * count});
    return go_on ? size * count : 0;
  }

  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Request*>(self)->stream->cancelled_.load() ? 1 : 0;
  }
};

HttpStream::HttpStream(Options options) : options_(std::move(options)), easy_(curl_easy_init()) {}

HttpStream::~HttpStream() { curl_easy_cleanup(easy_); }

absl::Status HttpStream::Get(const std::string& url, absl::Duration timeout,
                             const std::function<bool(std::string_view)>& on_bytes) {
  if (easy_ == nullptr) return absl::ResourceExhaustedError("libcurl: out of memory");
  if (cancelled_.load()) return absl::CancelledError("stopping");
  std::unique_ptr<curl_slist, FreeList> headers(curl_slist_append(nullptr, kAccept));
  if (!options_.token_file.empty()) {
    VAKT_ASSIGN_OR_RETURN(const std::string token, ReadFile(options_.token_file, kMaxTokenBytes));
    const std::string_view word =
        std::string_view(token).substr(0, token.find_last_not_of(" \r\n") + 1);
    if (word.find_first_of("\r\n") != std::string_view::npos) {
      return absl::InvalidArgumentError(StrCat(options_.token_file, " holds more than one line"));
    }
    curl_slist_append(headers.get(), StrCat("Authorization: Bearer ", word).c_str());
  }
  Request request{.stream = this, .on_bytes = &on_bytes};
  char error[CURL_ERROR_SIZE] = "";
  CURLcode outcome = CURLE_OK;
  const auto set = [&](CURLoption option, auto value) {
    if (outcome == CURLE_OK) outcome = curl_easy_setopt(easy_, option, value);
  };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_PROXY, "");  // not from the environment: the token goes where the setting says
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(timeout)));
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options_.ca_file.empty()) set(CURLOPT_CAINFO, options_.ca_file.c_str());
  set(CURLOPT_USERAGENT, "vakt-collector");
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_ERRORBUFFER, error);
  set(CURLOPT_WRITEFUNCTION, &Request::OnBytes);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&request));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &Request::OnProgress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&request));
  if (outcome == CURLE_OK) outcome = curl_easy_perform(easy_);
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, nullptr);  // it ends with this call
  if (cancelled_.load()) return absl::CancelledError("stopping");
  if (outcome == CURLE_WRITE_ERROR) return absl::AbortedError("not read to its end");
  if (outcome == CURLE_OPERATION_TIMEDOUT) return absl::DeadlineExceededError("no answer in time");
  if (outcome != CURLE_OK) {
    return absl::UnavailableError(
        EscapeUtf8(error[0] != '\0' ? error : curl_easy_strerror(outcome)));
  }
  long code = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &code);
  return StatusOfHttp(code);
}

}  // namespace vakt

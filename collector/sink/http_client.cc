// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <utility>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr long kConnections = 4;
constexpr size_t kKeptAnswerBytes = 200;
constexpr size_t kMaxTokenBytes = 16 << 10;
constexpr absl::Duration kMaxRetryAfter = absl::Minutes(5);

// Once per process, before the first thread of ours uses it.
void InitCurl() {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(initialised);
}

size_t KeepBeginning(char* bytes, size_t size, size_t count, void* out) {
  auto* answer = static_cast<std::string*>(out);
  answer->append(bytes, std::min(size * count, kKeptAnswerBytes - answer->size()));
  return size * count;
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

struct HttpClient::Transfer {
  explicit Transfer(CURL* handle) : easy(handle) {}
  ~Transfer() { curl_easy_cleanup(easy); }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURL* const easy;
  std::unique_ptr<curl_slist, FreeList> headers;
  std::string answer;
  char error[CURL_ERROR_SIZE] = "";
  HttpReply* reply = nullptr;  // where the present request's answer goes
  bool in_multi = false;
};

HttpClient::HttpClient(HttpOptions options)
    : options_(std::move(options)), multi_(curl_multi_init()) {
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, kConnections);
}

HttpClient::~HttpClient() {
  for (const auto& transfer : transfers_) {
    if (transfer->in_multi) curl_multi_remove_handle(multi_, transfer->easy);
  }
  transfers_.clear();
  curl_multi_cleanup(multi_);
}

absl::StatusOr<std::unique_ptr<HttpClient>> HttpClient::Create(HttpOptions options) {
  InitCurl();
  for (const std::string& path :
       {options.ca_file, options.cert_file, options.key_file, options.token_file}) {
    if (!path.empty()) VAKT_RETURN_IF_ERROR(ReadFile(path).status());
  }
  std::unique_ptr<HttpClient> client(new HttpClient(std::move(options)));
  if (client->multi_ == nullptr) return absl::ResourceExhaustedError("libcurl: out of memory");
  return client;
}

absl::Status HttpClient::Configure(Transfer* transfer) {
  CURL* const easy = transfer->easy;
  CURLcode outcome = CURLE_OK;
  const auto set = [&](CURLoption option, auto value) {
    if (outcome == CURLE_OK) outcome = curl_easy_setopt(easy, option, value);
  };
  set(CURLOPT_URL, options_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_PROXY, "");  // not from the environment: alerts go where the file says
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(options_.timeout)));
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options_.ca_file.empty()) set(CURLOPT_CAINFO, options_.ca_file.c_str());
  if (!options_.cert_file.empty()) {
    set(CURLOPT_SSLCERT, options_.cert_file.c_str());
    set(CURLOPT_SSLKEY, options_.key_file.c_str());
  }
  set(CURLOPT_USERAGENT, "vakt-collector");
  set(CURLOPT_ERRORBUFFER, transfer->error);
  set(CURLOPT_WRITEFUNCTION, KeepBeginning);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer->answer));
  set(CURLOPT_PRIVATE, static_cast<void*>(transfer));
  if (outcome == CURLE_OK) return absl::OkStatus();
  return absl::InvalidArgumentError(curl_easy_strerror(outcome));
}

HttpClient::Transfer* HttpClient::Begin(const std::string& body, const std::string& authorization,
                                        HttpReply* reply) {
  if (in_use_ == transfers_.size()) {
    CURL* const easy = curl_easy_init();
    if (easy == nullptr) {
      reply->reason = "libcurl: out of memory";
      return nullptr;
    }
    auto made = std::make_unique<Transfer>(easy);
    if (const absl::Status status = Configure(made.get()); !status.ok()) {
      reply->reason = std::string(Message(status));
      return nullptr;
    }
    transfers_.push_back(std::move(made));
  }
  Transfer* const transfer = transfers_[in_use_++].get();
  transfer->reply = reply;
  transfer->answer.clear();
  transfer->error[0] = '\0';
  transfer->headers.reset(curl_slist_append(nullptr, "Content-Type: application/json"));
  // No "Expect: 100-continue": a round trip for nothing.
  curl_slist_append(transfer->headers.get(), "Expect:");
  if (!authorization.empty()) curl_slist_append(transfer->headers.get(), authorization.c_str());
  curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers.get());
  curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, body.c_str());  // not copied
  transfer->in_multi = curl_multi_add_handle(multi_, transfer->easy) == CURLM_OK;
  return transfer;
}

std::vector<HttpReply> HttpClient::Post(absl::Span<const std::string> bodies) {
  std::vector<HttpReply> replies(bodies.size());
  std::string authorization;
  if (!options_.token_file.empty()) {
    absl::StatusOr<std::string> token = ReadFile(options_.token_file, kMaxTokenBytes);
    if (!token.ok()) {
      for (HttpReply& reply : replies) reply.reason = std::string(Message(token.status()));
      return replies;
    }
    token->erase(token->find_last_not_of(" \r\n") + 1);
    authorization = StrCat("Authorization: Bearer ", *token);
  }
  in_use_ = 0;
  for (size_t i = 0; i < bodies.size(); ++i) Begin(bodies[i], authorization, &replies[i]);
  RunTransfers();
  return replies;
}

void HttpClient::RunTransfers() {
  int running = 1;
  while (running > 0 && !cancelled_) {
    if (curl_multi_perform(multi_, &running) != CURLM_OK) break;
    TakeFinished();
    if (running > 0) curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
  }
  for (size_t i = 0; i < in_use_; ++i) {
    Transfer& transfer = *transfers_[i];
    if (!transfer.in_multi) continue;  // answered
    curl_multi_remove_handle(multi_, transfer.easy);
    transfer.in_multi = false;
    transfer.reply->reason = "cancelled";
  }
}

void HttpClient::TakeFinished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode outcome = message->data.result;
    CURL* const easy = message->easy_handle;
    char* owner = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
    auto& transfer = *reinterpret_cast<Transfer*>(owner);
    curl_multi_remove_handle(multi_, easy);
    transfer.in_multi = false;
    HttpReply& reply = *transfer.reply;
    if (outcome != CURLE_OK) {
      reply.reason =
          EscapeUtf8(transfer.error[0] != '\0' ? transfer.error : curl_easy_strerror(outcome));
      continue;
    }
    long status = 0;
    curl_off_t retry_after = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
    reply.status = static_cast<int>(status);
    reply.reason =
        StrCat("HTTP ", status, transfer.answer.empty() ? "" : ": ", EscapeUtf8(transfer.answer));
    reply.retry_after = std::min(kMaxRetryAfter, absl::Seconds(retry_after));
  }
}

void HttpClient::Cancel() {
  cancelled_ = true;
  curl_multi_wakeup(multi_);
}

bool IsBusy(int http_status) {
  return http_status == 429 || http_status == 503 || http_status == 507;
}

bool RefusesForGood(int http_status) {
  for (const int status : {400, 413, 414, 415, 422, 431}) {
    if (http_status == status) return true;
  }
  return false;
}

}  // namespace vakt

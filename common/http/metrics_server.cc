// SPDX-License-Identifier: Apache-2.0
#include "common/http/metrics_server.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <string_view>
#include <thread>

#include "common/base/strings.h"
#include "common/base/unique_fd.h"

namespace vakt {
namespace {

constexpr char kText[] = "text/plain; charset=utf-8";
constexpr char kPrometheusText[] = "text/plain; version=0.0.4; charset=utf-8";

// Returns what civetweb wants of a handler: the status that was sent.
int Answer(mg_connection* connection, int status, const char* type, std::string_view body) {
  const std::string header =
      StrCat("HTTP/1.1 ", status, status == 200 ? " OK" : " Not OK", "\r\nContent-Type: ", type,
             "\r\nContent-Length: ", body.size(), "\r\nConnection: close\r\n\r\n");
  mg_write(connection, header.data(), header.size());
  mg_write(connection, body.data(), body.size());
  return status;
}

int AnswerCheck(mg_connection* connection, const MetricsServerCalls::Check& check) {
  const std::string reason = check();
  return reason.empty() ? Answer(connection, 200, kText, "ok\n")
                        : Answer(connection, 503, kText, reason + "\n");
}

// Connects to where a server listens, and hangs up.
void Knock(const std::string& address, int port) {
  const size_t colon = address.rfind(':');
  const std::string host = colon == std::string::npos ? "127.0.0.1" : address.substr(0, colon);
  sockaddr_in to = {};
  to.sin_family = AF_INET;  // all that Debian's civetweb speaks
  to.sin_port = htons(static_cast<uint16_t>(port));
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd || inet_pton(AF_INET, host.c_str(), &to.sin_addr) != 1) return;
  static_cast<void>(connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address,
                                                                    MetricsServerCalls calls) {
  std::unique_ptr<MetricsServer> server(new MetricsServer(address, std::move(calls)));
  const char* options[] = {"listening_ports",
                           server->address_.c_str(),
                           "num_threads",
                           "2",
                           "request_timeout_ms",
                           "5000",
                           "keep_alive_timeout_ms",
                           "0",
                           "max_request_size",
                           "8192",
                           "enable_directory_listing",
                           "no",
                           nullptr};
  mg_callbacks callbacks = {};
  callbacks.log_message = [](const mg_connection*, const char*) { return 1; };  // about peers
  server->context_ = mg_start(&callbacks, nullptr, options);
  if (server->context_ == nullptr) {
    return absl::UnavailableError(
        StrCat("cannot listen on ", address,
               ": it is no host:port, or the port is in use: choose another with "
               "--metrics-listen"));
  }
  MetricsServer* const self = server.get();
  mg_set_request_handler(server->context_, "/metrics$", OnMetrics, self);
  mg_set_request_handler(server->context_, "/healthz$", OnHealth, self);
  mg_set_request_handler(server->context_, "/readyz$", OnReady, self);
  mg_set_request_handler(server->context_, "**", OnOther, self);
  return server;
}

// civetweb's thread that accepts looks only every two seconds whether it is to end, unless somebody
// connects.
MetricsServer::~MetricsServer() {
  if (context_ == nullptr) return;
  const int bound_port = port();
  std::atomic<bool> stopped = false;
  std::thread stopper([&] {
    mg_stop(context_);
    stopped = true;
  });
  while (!stopped) {
    Knock(address_, bound_port);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  stopper.join();
}

int MetricsServer::port() const {
  mg_server_port ports[1] = {};
  return mg_get_server_ports(context_, 1, ports) == 1 ? ports[0].port : 0;
}

int MetricsServer::OnMetrics(mg_connection* connection, void* self) {
  return Answer(connection, 200, kPrometheusText,
                static_cast<MetricsServer*>(self)->calls_.metrics());
}

int MetricsServer::OnHealth(mg_connection* connection, void* self) {
  return AnswerCheck(connection, static_cast<MetricsServer*>(self)->calls_.alive);
}

int MetricsServer::OnReady(mg_connection* connection, void* self) {
  return AnswerCheck(connection, static_cast<MetricsServer*>(self)->calls_.ready);
}

int MetricsServer::OnOther(mg_connection* connection, void*) {
  return Answer(connection, 404, kText, "there are /metrics, /healthz and /readyz\n");
}

}  // namespace vakt

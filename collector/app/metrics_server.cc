// SPDX-License-Identifier: Apache-2.0
#include "collector/app/metrics_server.h"

#include <civetweb.h>

#include <string_view>

#include "common/base/strings.h"

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

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address,
                                                                    Text metrics, Check ready) {
  std::unique_ptr<MetricsServer> server(new MetricsServer(std::move(metrics), std::move(ready)));
  const char* options[] = {"listening_ports",
                           address.c_str(),
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

MetricsServer::~MetricsServer() {
  if (context_ != nullptr) mg_stop(context_);
}

int MetricsServer::port() const {
  mg_server_port ports[1] = {};
  return mg_get_server_ports(context_, 1, ports) == 1 ? ports[0].port : 0;
}

int MetricsServer::OnMetrics(mg_connection* connection, void* self) {
  return Answer(connection, 200, kPrometheusText, static_cast<MetricsServer*>(self)->metrics_());
}

int MetricsServer::OnHealth(mg_connection* connection, void*) {
  return Answer(connection, 200, kText, "ok\n");
}

int MetricsServer::OnReady(mg_connection* connection, void* self) {
  const std::string reason = static_cast<MetricsServer*>(self)->ready_();
  return reason.empty() ? Answer(connection, 200, kText, "ok\n")
                        : Answer(connection, 503, kText, reason + "\n");
}

int MetricsServer::OnOther(mg_connection* connection, void*) {
  return Answer(connection, 404, kText, "there are /metrics, /healthz and /readyz\n");
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
// /metrics, /healthz and /readyz of a program, over plain HTTP: the only file that knows civetweb.
// It tells nothing of alerts, so it asks nobody who they are; it listens where it is told to and
// nowhere else.
//
// Threads: thread-safe; two threads of its own, which call the functions it is given.
#ifndef VAKT_COMMON_HTTP_METRICS_SERVER_H_
#define VAKT_COMMON_HTTP_METRICS_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

struct mg_context;
struct mg_connection;

namespace vakt {

struct MetricsServerCalls {
  using Check = std::function<std::string()>;  // why it is not so; empty: it is

  std::function<std::string()> metrics;  // in Prometheus's text format
  Check alive;
  Check ready;
};

class MetricsServer {
 public:
  // `address`: host:port, or a port of all addresses; port 0 takes any free one.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address,
                                                              MetricsServerCalls calls);
  // Waits for calls that run.
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  int port() const;

 private:
  MetricsServer(std::string address, MetricsServerCalls calls)
      : address_(std::move(address)), calls_(std::move(calls)) {}
  static int OnMetrics(mg_connection* connection, void* self);
  static int OnHealth(mg_connection* connection, void* self);
  static int OnReady(mg_connection* connection, void* self);
  static int OnOther(mg_connection* connection, void*);

  const std::string address_;
  const MetricsServerCalls calls_;
  mg_context* context_ = nullptr;
};

}  // namespace vakt

#endif  // VAKT_COMMON_HTTP_METRICS_SERVER_H_

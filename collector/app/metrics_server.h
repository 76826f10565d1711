// SPDX-License-Identifier: Apache-2.0
// /metrics, /healthz and /readyz over plain HTTP: the only file that knows civetweb. It tells
// nothing of alerts, so it asks nobody who they are; it listens where it is told to and nowhere
// else.
//
// Threads: thread-safe; two threads of its own, which call `metrics` and `ready`.
#ifndef VAKT_COLLECTOR_APP_METRICS_SERVER_H_
#define VAKT_COLLECTOR_APP_METRICS_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

struct mg_context;
struct mg_connection;

namespace vakt {

class MetricsServer {
 public:
  using Text = std::function<std::string()>;
  using Check = std::function<std::string()>;  // why it is not ready; empty: it is

  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address,
                                                              Text metrics, Check ready);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  int port() const;

 private:
  MetricsServer(Text metrics, Check ready)
      : metrics_(std::move(metrics)), ready_(std::move(ready)) {}
  static int OnMetrics(mg_connection* connection, void* self);
  static int OnHealth(mg_connection* connection, void* self);
  static int OnReady(mg_connection* connection, void* self);
  static int OnOther(mg_connection* connection, void* self);

  const Text metrics_;
  const Check ready_;
  mg_context* context_ = nullptr;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_APP_METRICS_SERVER_H_

// SPDX-License-Identifier: Apache-2.0
// An agent's metrics in the forms of `vaktctl agent stats`. They come in the order of
// common/metrics/metric_table.h; what a newer agent has beyond it follows in its own order.
// Threads: pure functions.
#ifndef VAKT_CLI_STATS_TEXT_H_
#define VAKT_CLI_STATS_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vakt/v1/control.pb.h"

namespace vakt {

// One metric: its sum and, when it has labels, its parts.
struct MetricSum {
  std::string name;
  std::string type;                                     // "counter", "gauge"
  std::string text;                                     // what it means
  uint64_t sum = 0;                                     // 0 when the agent has not reported it
  std::vector<std::pair<std::string, uint64_t>> parts;  // "{kind=process_exec}", value
};
std::vector<MetricSum> SumMetrics(const v1::AgentStats& stats);

// Lines "name value" with the sum, each followed by its "name{kind=process_exec} value".
std::string StatsKv(const v1::AgentStats& stats);
// {"alerts_total":1,...} with the names of StatsKv.
std::string StatsJson(const v1::AgentStats& stats);

}  // namespace vakt

#endif  // VAKT_CLI_STATS_TEXT_H_

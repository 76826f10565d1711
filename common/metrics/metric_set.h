// SPDX-License-Identifier: Apache-2.0
// The values of the metrics at one moment. Stages count in plain members of their own; whoever
// reports (heartbeat, admin socket) asks each stage and fills a set.
//
//   MetricSet metrics;
//   metrics.Set("rules", rules.size());
//   metrics.Add("events_lost_total", count, {"process_exec", "ring_full"});
//   out = metrics.FormatKv();
//
// Ownership: a value type. Threads: thread-compatible.
#ifndef VAKT_COMMON_METRICS_METRIC_SET_H_
#define VAKT_COMMON_METRICS_METRIC_SET_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "common/metrics/metric_table.h"

namespace vakt {

class MetricSet {
 public:
  // `programs`: whose metrics are given though they were never set.
  explicit MetricSet(uint8_t programs = kOfAgent) : programs_(programs) {}

  // One value for each label of the row, in its order.
  using Labels = std::initializer_list<std::string_view>;

  void Set(MetricId id, uint64_t value, Labels labels = {});
  void Add(MetricId id, uint64_t value, Labels labels = {});

  // Over all labels; 0 when it was never set.
  uint64_t Sum(MetricId id) const;

  // Every value, in the order of the table, then of the labels.
  using Visitor = std::function<void(const MetricRow& row, absl::Span<const std::string> labels,
                                     uint64_t value)>;
  void Visit(const Visitor& visitor) const;

  // Names and values as in FormatKv.
  std::vector<std::pair<std::string, uint64_t>> Flatten() const;

  // A line "name value" for each row (the sum over its labels; 0 when it was never set), followed
  // by "name{kind=process_exec} value" for each combination of labels.
  std::string FormatKv() const;

  // Prometheus's text format, version 0.0.4, names with "vakt_" before them. Metrics without labels
  // are 0 when they were never set.
  std::string FormatPrometheus() const;

 private:
  uint64_t& Slot(MetricId id, Labels labels);

  uint8_t programs_;
  std::map<std::pair<size_t, std::vector<std::string>>, uint64_t> values_;  // by row and labels
};

}  // namespace vakt

#endif  // VAKT_COMMON_METRICS_METRIC_SET_H_

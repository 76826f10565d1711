// SPDX-License-Identifier: Apache-2.0
#include "cli/stats_text.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_split.h"
#include "cli/json.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/metrics/metric_table.h"

namespace vakt {
namespace {

// "{kind=process_exec,reason=ring_full}": in the order of the row, then whatever else there is.
std::string LabelText(std::string_view order, const v1::Metric& metric) {
  std::map<std::string, std::string> left(metric.labels().begin(), metric.labels().end());
  std::string text;
  const auto append = [&text](std::string_view name, std::string_view value) {
    text += StrCat(text.empty() ? "{" : ",", EscapeUtf8(name), "=", EscapeUtf8(value));
  };
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(ToAbsl(order), ','))) {
    const auto found = left.find(name);
    if (found == left.end()) continue;
    append(name, found->second);
    left.erase(found);
  }
  for (const auto& [name, value] : left) append(name, value);
  return StrCat(text, text.empty() ? "" : "}");
}

std::string_view LabelOrder(std::string_view metric) {
  for (const MetricRow& row : AllMetrics()) {
    if (row.name == metric) return row.labels;
  }
  return "";
}

// Names and values in order, sums before their parts.
std::vector<std::pair<std::string, uint64_t>> Flatten(const v1::AgentStats& stats) {
  std::vector<std::pair<std::string, uint64_t>> flat;
  for (const MetricSum& metric : SumMetrics(stats)) {
    flat.emplace_back(metric.name, metric.sum);
    for (const auto& [labels, value] : metric.parts) {
      flat.emplace_back(metric.name + labels, value);
    }
  }
  return flat;
}

}  // namespace

std::vector<MetricSum> SumMetrics(const v1::AgentStats& stats) {
  std::vector<MetricSum> sums;
  for (const MetricRow& row : AllMetrics()) {
    sums.push_back({.name = std::string(row.name),
                    .type = row.type == MetricType::kCounter ? "counter" : "gauge",
                    .text = std::string(row.text)});
  }
  for (const v1::Metric& metric : stats.metrics()) {
    const std::string name = EscapeUtf8(metric.name());
    auto sum = std::find_if(sums.begin(), sums.end(),
                            [&name](const MetricSum& known) { return known.name == name; });
    if (sum == sums.end()) {
      sum = sums.insert(sum, {.name = name, .type = metric.type(), .text = metric.help()});
    }
    sum->sum += metric.value();
    if (metric.labels().empty()) continue;
    sum->parts.emplace_back(LabelText(LabelOrder(name), metric), metric.value());
  }
  return sums;
}

std::string StatsKv(const v1::AgentStats& stats) {
  std::string lines;
  for (const auto& [name, value] : Flatten(stats)) lines += StrCat(name, " ", value, "\n");
  return lines;
}

std::string StatsJson(const v1::AgentStats& stats) {
  JsonObject object;
  for (const auto& [name, value] : Flatten(stats)) object.Add(name, value);
  return object.Text();
}

}  // namespace vakt

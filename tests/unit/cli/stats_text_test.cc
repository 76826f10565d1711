// SPDX-License-Identifier: Apache-2.0
#include "cli/stats_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/metrics/metric_table.h"

namespace vakt {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

void AddMetric(std::string_view name, const std::map<std::string, std::string>& labels,
               uint64_t value, v1::AgentStats* stats) {
  v1::Metric& metric = *stats->add_metrics();
  metric.set_name(std::string(name));
  metric.mutable_labels()->insert(labels.begin(), labels.end());
  metric.set_value(value);
}

TEST(StatsTextTest, PrintsEveryMetricOfTheTable) {
  const std::string kv = StatsKv(v1::AgentStats());
  for (const MetricRow& row : AllMetrics()) {
    EXPECT_THAT("\n" + kv, HasSubstr("\n" + std::string(row.name) + " 0\n"));
  }
}

TEST(StatsTextTest, SumsOverLabelsAndPrintsTheParts) {
  v1::AgentStats stats;
  AddMetric("events_lost_total", {{"reason", "ring_full"}, {"kind", "file_open"}}, 2, &stats);
  AddMetric("events_lost_total", {{"reason", "ring_full"}, {"kind", "process_exec"}}, 3, &stats);
  AddMetric("alerts_total", {}, 4, &stats);
  const std::string kv = StatsKv(stats);
  EXPECT_THAT(kv, HasSubstr("events_lost_total 5\n"
                            "events_lost_total{kind=file_open,reason=ring_full} 2\n"
                            "events_lost_total{kind=process_exec,reason=ring_full} 3\n"));
  EXPECT_THAT(kv, HasSubstr("\nalerts_total 4\n"));
  EXPECT_THAT(StatsJson(stats),
              HasSubstr(R"("events_lost_total":5,"events_lost_total{kind=file_open,)"
                        R"(reason=ring_full}":2)"));
}

TEST(StatsTextTest, KeepsWhatANewerAgentHas) {
  v1::AgentStats stats;
  AddMetric("from_the_future", {{"x", "a\nb"}}, 1, &stats);
  AddMetric("from_the_future", {{"x", "c"}}, 1, &stats);
  EXPECT_THAT(
      StatsKv(stats),
      EndsWith("from_the_future 2\nfrom_the_future{x=a\\x0ab} 1\nfrom_the_future{x=c} 1\n"));
}

}  // namespace
}  // namespace vakt

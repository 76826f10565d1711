// SPDX-License-Identifier: Apache-2.0
#include "common/metrics/metric_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(MetricSet, SetReplacesAndAddAdds) {
  MetricSet metrics;
  metrics.Set("rules", 3);
  metrics.Set("rules", 5);
  metrics.Add("events_lost_total", 2, {"file_open", "ring_full"});
  metrics.Add("events_lost_total", 3, {"file_open", "ring_full"});
  metrics.Add("events_lost_total", 7, {"process_exec", "table_full"});
  EXPECT_EQ(metrics.Sum("rules"), 5u);
  EXPECT_EQ(metrics.Sum("events_lost_total"), 12u);
  EXPECT_EQ(metrics.Sum("alerts_total"), 0u);
}

TEST(MetricSet, FormatsSumsAndLabels) {
  MetricSet metrics;
  metrics.Set("events_lost_total", 5, {"file_open", "ring_full"});
  metrics.Set("events_lost_total", 7, {"process_exec", "ring_full"});
  metrics.Set("rules", 93);
  const std::string text = metrics.FormatKv();
  EXPECT_THAT(text, HasSubstr("events_lost_total 12\n"
                              "events_lost_total{kind=file_open,reason=ring_full} 5\n"
                              "events_lost_total{kind=process_exec,reason=ring_full} 7\n"));
  EXPECT_THAT(text, HasSubstr("\nrules 93\n"));
  EXPECT_THAT(text, HasSubstr("\ngaps_total 0\n"));  // never set
}

TEST(MetricSet, FormatsForPrometheus) {
  MetricSet metrics(kOfCollector);
  metrics.Set("sink_refused_total", 2, {"a\"b\\c\n", "http"});
  const std::string text = metrics.FormatPrometheus();
  EXPECT_THAT(text, HasSubstr("# HELP vakt_nodes Nodes that the collector knows.\n"
                              "# TYPE vakt_nodes gauge\nvakt_nodes 0\n"));
  EXPECT_THAT(text,
              HasSubstr("# TYPE vakt_sink_refused_total counter\n"
                        "vakt_sink_refused_total{sink=\"a\\\"b\\\\c\\\\x0a\",kind=\"http\"} 2\n"));
  EXPECT_THAT(text, Not(HasSubstr("vakt_rules")));
  EXPECT_THAT(MetricSet().FormatKv(), Not(HasSubstr("sink_")));
}

TEST(MetricSet, EscapesLabels) {
  MetricSet metrics;
  metrics.Set("events_decode_errors_total", 1, {"a\nrules 9"});
  EXPECT_THAT(metrics.FormatKv(), HasSubstr("{reason=a\\x0arules 9} 1\n"));
  EXPECT_THAT(metrics.FormatKv(), Not(HasSubstr("\nrules 9\n")));
}

TEST(MetricSet, VisitsInTheOrderOfTheTable) {
  MetricSet metrics;
  metrics.Set("uptime_ns", 1);
  metrics.Set("events_delivered_total", 2, {"file_open"});
  std::vector<std::string_view> names;
  metrics.Visit([&names](const MetricRow& row, absl::Span<const std::string> labels, uint64_t) {
    names.push_back(row.name);
    EXPECT_EQ(labels.size(), row.labels.empty() ? 0u : 1u);
  });
  EXPECT_THAT(names, ElementsAre("events_delivered_total", "uptime_ns"));
}

TEST(MetricSetDeathTest, RefusesAWrongNumberOfLabels) {
  MetricSet metrics;
  EXPECT_DEATH(metrics.Set("events_lost_total", 1, {"file_open"}), "takes 2 labels, not 1");
}

TEST(MetricTable, NamesAreUniqueAndCountersEndInTotal) {
  std::set<std::string_view> names;
  for (const MetricRow& row : AllMetrics()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(row.type == MetricType::kCounter, row.name.ends_with("_total")) << row.name;
    EXPECT_TRUE(row.text.ends_with('.')) << row.name;
    EXPECT_FALSE(row.unit.empty()) << row.name;
  }
}

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "common/metrics/metric_set.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_split.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

std::vector<std::string> LabelNames(const MetricRow& row) {
  return absl::StrSplit(ToAbsl(row.labels), ',', absl::SkipEmpty());
}

// "{kind=process_exec,reason=ring_full}"
std::string LabelText(const MetricRow& row, const std::vector<std::string>& values) {
  const std::vector<std::string> names = LabelNames(row);
  std::string out = "{";
  for (size_t i = 0; i < values.size(); ++i) {
    out += StrCat(i == 0 ? "" : ",", names[i], "=", EscapeUtf8(values[i]));
  }
  return out + "}";
}

// {kind="process_exec",reason="ring_full"}
std::string PrometheusLabels(const MetricRow& row, const std::vector<std::string>& values) {
  if (values.empty()) return "";
  const std::vector<std::string> names = LabelNames(row);
  std::string out = "{";
  for (size_t i = 0; i < values.size(); ++i) {
    out += StrCat(i == 0 ? "" : ",", names[i], "=\"");
    for (const char c : EscapeUtf8(values[i])) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + "}";
}

}  // namespace

uint64_t& MetricSet::Slot(MetricId id, Labels labels) {
  const MetricRow& row = id.row();
  const size_t expected = LabelNames(row).size();
  if (labels.size() != expected) {  // our own mistake, in the call
    std::fprintf(stderr, "metric %s takes %zu labels, not %zu\n", row.name.data(), expected,
                 labels.size());
    std::abort();
  }
  return values_[{id.index(), std::vector<std::string>(labels.begin(), labels.end())}];
}

void MetricSet::Set(MetricId id, uint64_t value, Labels labels) { Slot(id, labels) = value; }

void MetricSet::Add(MetricId id, uint64_t value, Labels labels) { Slot(id, labels) += value; }

uint64_t MetricSet::Sum(MetricId id) const {
  uint64_t sum = 0;
  for (auto at = values_.lower_bound({id.index(), {}});
       at != values_.end() && at->first.first == id.index(); ++at) {
    sum += at->second;
  }
  return sum;
}

void MetricSet::Visit(const Visitor& visitor) const {
  for (const auto& [key, value] : values_) visitor(kMetrics[key.first], key.second, value);
}

std::vector<std::pair<std::string, uint64_t>> MetricSet::Flatten() const {
  std::vector<std::pair<std::string, uint64_t>> out;
  auto at = values_.begin();
  for (size_t index = 0; index < std::size(kMetrics); ++index) {
    const MetricRow& row = kMetrics[index];
    if ((row.programs & programs_) == 0) continue;
    const size_t total = out.size();
    out.emplace_back(row.name, 0);
    for (; at != values_.end() && at->first.first == index; ++at) {
      out[total].second += at->second;
      if (row.labels.empty()) continue;
      out.emplace_back(StrCat(row.name, LabelText(row, at->first.second)), at->second);
    }
  }
  return out;
}

std::string MetricSet::FormatPrometheus() const {
  std::string out;
  for (size_t index = 0; index < std::size(kMetrics); ++index) {
    const MetricRow& row = kMetrics[index];
    if ((row.programs & programs_) == 0) continue;
    out += StrCat("# HELP vakt_", row.name, " ", row.text, "\n# TYPE vakt_", row.name, " ",
                  row.type == MetricType::kCounter ? "counter" : "gauge", "\n");
    auto at = values_.lower_bound({index, {}});
    const bool set = at != values_.end() && at->first.first == index;
    if (!set && row.labels.empty()) out += StrCat("vakt_", row.name, " 0\n");
    for (; at != values_.end() && at->first.first == index; ++at) {
      out +=
          StrCat("vakt_", row.name, PrometheusLabels(row, at->first.second), " ", at->second, "\n");
    }
  }
  return out;
}

std::string MetricSet::FormatKv() const {
  std::string out;
  for (const auto& [name, value] : Flatten()) out += StrCat(name, " ", value, "\n");
  return out;
}

}  // namespace vakt

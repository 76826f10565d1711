// SPDX-License-Identifier: Apache-2.0
// A v1::Filter made ready to be asked for each stored record, in two steps: the columns first, the
// record's text only if they match. Immutable; thread-safe.
#ifndef VAKT_COLLECTOR_STORE_RECORD_FILTER_H_
#define VAKT_COLLECTOR_STORE_RECORD_FILTER_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/filter/alert_condition.h"
#include "collector/filter/flow_condition.h"
#include "collector/store/record_row.h"
#include "vakt/v1/alert.pb.h"
#include "vakt/v1/flows_query.pb.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

class RecordFilter {
 public:
  // Matches every alert.
  RecordFilter() = default;

  // INVALID_ARGUMENT for a priority that does not exist, more than 1,000 names, a condition that
  // does not compile, times or nodes in the filter of flows, or a filter that nothing can match.
  static absl::StatusOr<RecordFilter> Create(const v1::Filter& filter);

  // Matches flow records, and nothing else. INVALID_ARGUMENT likewise.
  static absl::StatusOr<RecordFilter> OfFlows(const v1::FlowFilter& filter);

  bool MatchesTime(int64_t event_ns) const { return since_ns_ <= event_ns && event_ns <= last_ns_; }
  // Kind and priority; not the names. `priority` is ignored for what is no alert.
  bool MatchesKind(RecordKind kind, int priority) const {
    if (kind == RecordKind::kFlow) return flows();
    return kind == RecordKind::kAlert ? alerts_ && priority <= max_priority_ : include_gaps_;
  }
  // The part that needs the record itself: text and condition.
  bool MatchesContent(const v1::StoredRecord& stored) const;

  // Inclusive. MatchesTime is true for all when they are the ends of the type.
  int64_t since_ns() const { return since_ns_; }
  int64_t last_ns() const { return last_ns_; }
  bool any_time() const {
    return since_ns_ == std::numeric_limits<int64_t>::min() &&
           last_ns_ == std::numeric_limits<int64_t>::max();
  }

  // Flow records are asked for. There are many: who does not ask for them passes them by.
  bool flows() const { return flow_condition_ != nullptr; }
  // Something else is.
  bool other_than_flows() const { return alerts_ || include_gaps_; }

  // Empty: not restricted.
  const std::vector<std::string>& rules() const { return rules_; }
  const std::vector<std::string>& nodes() const { return nodes_; }

  // For the index over alerts (filter/search_terms.h); empty: it cannot help.
  const std::string& search() const { return search_; }

 private:
  template <typename Filter>  // v1::Filter or v1::FlowFilter
  absl::Status TakeTimes(const Filter& filter);
  absl::Status TakeFlows(const v1::FlowFilter& filter);
  bool MatchesText(const v1::Alert& alert) const;

  int64_t since_ns_ = std::numeric_limits<int64_t>::min();
  int64_t last_ns_ = std::numeric_limits<int64_t>::max();
  bool alerts_ = true;
  int max_priority_ = v1::Priority_MAX;
  bool include_gaps_ = false;
  std::vector<std::string> rules_;
  std::vector<std::string> nodes_;
  std::string text_;  // ASCII lower case
  std::vector<std::string> words_;
  std::shared_ptr<const AlertCondition> condition_;
  std::string search_;
  std::shared_ptr<const FlowCondition> flow_condition_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_RECORD_FILTER_H_

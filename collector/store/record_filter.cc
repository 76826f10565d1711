// SPDX-License-Identifier: Apache-2.0
#include "collector/store/record_filter.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "collector/filter/search_terms.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

constexpr int kMaxNames = 1000;
constexpr size_t kMaxWordsBytes = 1024;

}  // namespace

template <typename Filter>
absl::Status RecordFilter::TakeTimes(const Filter& filter) {
  if (filter.has_since()) since_ns_ = ToWallNs(filter.since());
  if (!filter.has_until()) return absl::OkStatus();
  const int64_t until_ns = ToWallNs(filter.until());
  if (until_ns == std::numeric_limits<int64_t>::min()) {
    return absl::InvalidArgumentError("filter.until is before all time");
  }
  last_ns_ = until_ns - 1;
  return absl::OkStatus();
}

absl::StatusOr<RecordFilter> RecordFilter::OfFlows(const v1::FlowFilter& filter) {
  RecordFilter out;
  VAKT_RETURN_IF_ERROR(out.TakeTimes(filter));
  VAKT_ASSIGN_OR_RETURN(FlowCondition condition, FlowCondition::Create(filter));
  out.alerts_ = false;
  out.flow_condition_ = std::make_shared<const FlowCondition>(std::move(condition));
  out.nodes_.assign(filter.nodes().begin(), filter.nodes().end());
  return out;
}

absl::StatusOr<RecordFilter> RecordFilter::Create(const v1::Filter& filter) {
  RecordFilter out;
  VAKT_RETURN_IF_ERROR(out.TakeTimes(filter));
  if (filter.has_min_priority()) {
    if (!v1::Priority_IsValid(filter.min_priority())) {
      return absl::InvalidArgumentError(StrCat("filter.min_priority is ",
                                               static_cast<int>(filter.min_priority()),
                                               ", not 0 (emergency) to 7 (debug)"));
    }
    out.max_priority_ = filter.min_priority();
  }
  if (filter.rules_size() > kMaxNames || filter.nodes_size() > kMaxNames) {
    return absl::InvalidArgumentError(
        StrCat("filter.rules or filter.nodes has more than ", kMaxNames, " names"));
  }
  out.rules_.assign(filter.rules().begin(), filter.rules().end());
  out.nodes_.assign(filter.nodes().begin(), filter.nodes().end());
  out.text_ = absl::AsciiStrToLower(filter.text());
  if (!filter.condition().empty()) {
    VAKT_ASSIGN_OR_RETURN(out.condition_, AlertCondition::Compile(filter.condition()));
  }
  if (filter.words().size() > kMaxWordsBytes) {
    return absl::InvalidArgumentError(
        StrCat("filter.words has more than ", kMaxWordsBytes, " bytes"));
  }
  out.words_ = WordsOf(filter.words());
  out.include_gaps_ = filter.include_gaps();
  out.alerts_ = !filter.without_alerts();
  if (filter.has_flows()) VAKT_RETURN_IF_ERROR(out.TakeFlows(filter.flows()));
  if (!out.other_than_flows() && !out.flows()) {
    return absl::InvalidArgumentError(
        "filter.without_alerts leaves nothing: set include_gaps or flows");
  }
  // Gaps and flows are not in the index.
  if (!out.include_gaps_ && !out.flows()) {
    out.search_ = SearchExpression(out.condition_ ? &out.condition_->expr() : nullptr, out.words_);
  }
  return out;
}

absl::Status RecordFilter::TakeFlows(const v1::FlowFilter& filter) {
  if (filter.has_since() || filter.has_until() || filter.nodes_size() > 0) {
    return absl::InvalidArgumentError(
        "filter.flows: since, until and nodes are those of the filter itself");
  }
  VAKT_ASSIGN_OR_RETURN(FlowCondition condition, FlowCondition::Create(filter));
  flow_condition_ = std::make_shared<const FlowCondition>(std::move(condition));
  return absl::OkStatus();
}

bool RecordFilter::MatchesContent(const v1::StoredRecord& stored) const {
  if (stored.record().has_flow()) return flow_condition_->Matches(stored.record().flow());
  if (!stored.record().has_alert()) return true;
  if (!text_.empty() && !MatchesText(stored.record().alert())) return false;
  if (!words_.empty()) {
    const std::vector<std::string> words = WordsOf(stored.record().alert().output());
    for (const std::string& word : words_) {
      if (std::find(words.begin(), words.end(), word) == words.end()) return false;
    }
  }
  return condition_ == nullptr || condition_->Matches(stored);
}

bool RecordFilter::MatchesText(const v1::Alert& alert) const {
  const std::string& output = alert.output();
  const auto same = [](char in_output, char in_text) {
    return absl::ascii_tolower(static_cast<unsigned char>(in_output)) == in_text;
  };
  return std::search(output.begin(), output.end(), text_.begin(), text_.end(), same) !=
         output.end();
}

}  // namespace vakt

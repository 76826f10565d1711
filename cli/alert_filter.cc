// SPDX-License-Identifier: Apache-2.0
#include "cli/alert_filter.h"

#include <string>
#include <utility>

#include "cli/time_text.h"
#include "common/alert/priority.h"

namespace vakt {

v1::Filter FilterFromFlags(const Arguments& arguments, absl::Time now) {
  v1::Filter filter;
  if (const auto priority = ParsePriority(arguments.Text("--priority")); priority.has_value()) {
    filter.set_min_priority(*priority);
  }
  for (std::string& rule : arguments.Texts("--rule")) filter.add_rules(std::move(rule));
  for (std::string& node : arguments.Texts("--node")) filter.add_nodes(std::move(node));
  filter.set_text(arguments.Text("--text"));
  filter.set_words(arguments.Text("--words"));
  filter.set_condition(arguments.Text("--where"));
  filter.set_include_gaps(arguments.Has("--gaps"));
  if (arguments.Has("--since")) {
    *filter.mutable_since() = ToTimestamp(arguments.Moment("--since", now, now));
  }
  if (arguments.Has("--until")) {
    *filter.mutable_until() = ToTimestamp(arguments.Moment("--until", now, now));
  }
  return filter;
}

}  // namespace vakt

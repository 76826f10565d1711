// SPDX-License-Identifier: Apache-2.0
// A v1::FlowFilter made ready to be asked for each stored flow; without times and nodes, which are
// asked of columns. Immutable; thread-safe.
#ifndef VAKT_COLLECTOR_FILTER_FLOW_CONDITION_H_
#define VAKT_COLLECTOR_FILTER_FLOW_CONDITION_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/address.h"
#include "vakt/v1/flow.pb.h"
#include "vakt/v1/flows_query.pb.h"

namespace vakt {

class FlowCondition {
 public:
  // INVALID_ARGUMENT: too many values, a container id that is too short, a block that is none.
  static absl::StatusOr<FlowCondition> Create(const v1::FlowFilter& filter);

  bool Matches(const v1::Flow& flow) const;

 private:
  struct Remote {
    std::optional<AddressBlock> block;  // none: a name
    std::string name;                   // lower case
  };
  static absl::StatusOr<Remote> ParseRemote(const std::string& text);
  static bool IsRemote(const Remote& remote, const v1::Flow& flow);

  v1::FlowFilter filter_;
  std::vector<Remote> remotes_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_FILTER_FLOW_CONDITION_H_

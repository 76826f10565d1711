// SPDX-License-Identifier: Apache-2.0
// Segments of the cluster as the operator declares them, and which of them are to have nothing to
// do with each other (docs/formats/segments.md):
//
//   segments:
//     - name: payments
//       namespaces: [pay, vault]
//       blocks: [10.20.0.0/16]
//     - name: office
//       namespaces: [crm]
//   apart:
//     - [payments, office]
//
// Threads: immutable.
#ifndef VAKT_AGENT_FLOW_SEGMENTS_H_
#define VAKT_AGENT_FLOW_SEGMENTS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/address.h"

namespace vakt {

class Segments {
 public:
  Segments() = default;  // none
  // InvalidArgument "<path>:<line>: what is wrong".
  static absl::StatusOr<Segments> Parse(std::string_view path, std::string_view yaml);

  // The segment of this namespace, else the first whose blocks hold the address; empty: none.
  // Either may be empty.
  std::string_view Find(std::string_view name_space, std::string_view address) const;
  bool Apart(std::string_view a, std::string_view b) const;
  bool empty() const { return segments_.empty(); }

 private:
  struct Segment {
    std::string name;
    std::vector<std::string> namespaces;
    std::vector<AddressBlock> blocks;
  };
  std::vector<Segment> segments_;
  std::vector<std::pair<std::string, std::string>> apart_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_SEGMENTS_H_

// SPDX-License-Identifier: Apache-2.0
// A condition of the rule language over stored alerts:
//
//   alert.severity <= 3 and alert.namespace = payments and not proc.name in (sh, bash)
//
// The text comes from the network: its length and what it grows to are bounded. Fields as in
// alert_fields.h; operators, lists in parentheses and transformers as in rules, but no macros.
//
// Threads: immutable, thread-safe.
#ifndef VAKT_COLLECTOR_FILTER_ALERT_CONDITION_H_
#define VAKT_COLLECTOR_FILTER_ALERT_CONDITION_H_

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/rulelang/expr.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

class AlertCondition {
 public:
  // INVALID_ARGUMENT says what is wrong and where.
  static absl::StatusOr<std::shared_ptr<const AlertCondition>> Compile(std::string_view text);

  // `stored` holds an alert.
  bool Matches(const v1::StoredRecord& stored) const;

  const Expr& expr() const { return *expr_; }

 private:
  explicit AlertCondition(std::unique_ptr<const Expr> expr) : expr_(std::move(expr)) {}
  const std::unique_ptr<const Expr> expr_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_FILTER_ALERT_CONDITION_H_

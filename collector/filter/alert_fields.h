// SPDX-License-Identifier: Apache-2.0
// What a filter's condition can ask of a stored alert: one row per field `alert.…`, and all fields
// of rules besides (`proc.name`, `fd.name`), as far as the alert has them: first among its output
// fields, then in the event that it holds as evidence.
//
// Threads: the table is constant; an AlertView is thread-compatible.
#ifndef VAKT_COLLECTOR_FILTER_ALERT_FIELDS_H_
#define VAKT_COLLECTOR_FILTER_ALERT_FIELDS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "common/event/event.h"
#include "common/event/field_table.h"
#include "common/event/process.h"
#include "common/rulelang/operand.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

// One alert while it is asked. Borrows the record.
class AlertView {
 public:
  explicit AlertView(const v1::StoredRecord& stored) : AlertView(stored, stored.record().alert()) {}
  // The alert apart from its record.
  AlertView(const v1::StoredRecord& stored, const v1::Alert& alert)
      : stored_(stored), alert_(alert) {}

  const v1::StoredRecord& stored() const { return stored_; }
  const v1::Alert& alert() const { return alert_; }
  // Null when the alert has no event, or one of a kind that we do not know. Decoded when it is
  // first asked for.
  const Event* event();

  // Appends the values of a field of either kind, nothing when the alert does not have it.
  void Read(const Operand& field, Extractor& out);

 private:
  // An event that has the alert's container and nothing else; the alert has one.
  const Event* in_container();

  const v1::StoredRecord& stored_;
  const v1::Alert& alert_;
  bool decoded_ = false;
  std::optional<Event> event_;
  std::string argv_storage_;
  Process process_;  // with the alert's container, once it is asked for
  Event container_event_;
};

struct AlertFieldRow {
  FieldRow row;  // `extract` is of no use here
  void (*extract)(AlertView& view, Extractor& out);
};

absl::Span<const AlertFieldRow> AllAlertFields();
// Of this table or of the rules' one; null when neither has it.
const FieldRow* FindAlertField(std::string_view name);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_FILTER_ALERT_FIELDS_H_

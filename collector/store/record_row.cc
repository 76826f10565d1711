// SPDX-License-Identifier: Apache-2.0
#include "collector/store/record_row.h"

#include <google/protobuf/arena.h>

#include <limits>
#include <utility>

#include "collector/filter/search_terms.h"
#include "common/base/strings.h"
#include "common/time/wall_time.h"
#include "vakt/v1/alert.pb.h"

namespace vakt {
namespace {

// A boot id is a UUID of 36 characters; names of rules and uids are short. Generous, but nobody
// fills the indexes with megabytes.
constexpr size_t kMaxBootIdBytes = 64;
constexpr size_t kMaxNameBytes = 1024;

absl::Status CheckPosition(const v1::Record& record) {
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();  // SQLite's integers are signed
  if (record.boot_id().empty() || record.boot_id().size() > kMaxBootIdBytes) {
    return absl::InvalidArgumentError(
        StrCat("boot_id has ", record.boot_id().size(), " bytes, not 1 to ", kMaxBootIdBytes));
  }
  if (record.epoch() > kMax) return absl::InvalidArgumentError("epoch is 2^63 or more");
  if (record.seq() == 0 || record.seq() > kMax) {
    return absl::InvalidArgumentError("seq is 0, or 2^63 or more");
  }
  return absl::OkStatus();
}

absl::Status TakeAlert(const v1::Alert& alert, RecordRow* row) {
  if (!v1::Priority_IsValid(alert.priority())) {
    return absl::InvalidArgumentError(
        StrCat("alert.priority is ", static_cast<int>(alert.priority()), ", not 0 to 7"));
  }
  if (alert.rule().size() > kMaxNameBytes || alert.uid().size() > kMaxNameBytes) {
    return absl::InvalidArgumentError(
        StrCat("alert.rule or alert.uid is longer than ", kMaxNameBytes, " bytes"));
  }
  row->kind = RecordKind::kAlert;
  row->priority = alert.priority();
  row->rule = alert.rule();
  row->uid = alert.uid();
  row->search = SearchTermsOf(alert);
  if (alert.has_time()) row->event_ns = ToWallNs(alert.time());
  return absl::OkStatus();
}

absl::Status TakeGap(const v1::Record& record, RecordRow* row) {
  const v1::Gap& gap = record.gap();
  row->kind = RecordKind::kGap;
  if (gap.has_begin()) row->event_ns = ToWallNs(gap.begin());
  if (gap.chain_after().empty()) return absl::OkStatus();
  row->chain_after = ChainHashFromBytes(gap.chain_after());
  if (!row->chain_after.has_value()) {
    return absl::InvalidArgumentError(
        StrCat("gap.chain_after has ", gap.chain_after().size(), " bytes, not ", kChainHashBytes));
  }
  if (gap.last_seq() != record.seq() || gap.first_seq() > record.seq()) {
    return absl::InvalidArgumentError("gap.first_seq and last_seq do not fit the record's seq");
  }
  row->first_seq = static_cast<int64_t>(gap.first_seq());
  return absl::OkStatus();
}

absl::Status TakeBody(const v1::Record& record, RecordRow* row) {
  switch (record.body_case()) {
    case v1::Record::kAlert:
      return TakeAlert(record.alert(), row);
    case v1::Record::kGap:
      return TakeGap(record, row);
    case v1::Record::kLifecycle:
      row->kind = RecordKind::kLifecycle;
      if (record.lifecycle().has_time()) row->event_ns = ToWallNs(record.lifecycle().time());
      return absl::OkStatus();
    case v1::Record::kFlow:
      row->kind = RecordKind::kFlow;
      if (record.flow().has_end()) row->event_ns = ToWallNs(record.flow().end());
      return absl::OkStatus();
    case v1::Record::BODY_NOT_SET:
      return absl::OkStatus();  // from a newer agent: kept, for readers that understand it
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RecordRow> ToRecordRow(std::string bytes) { return TakeRecordRow(&bytes); }

absl::StatusOr<RecordRow> TakeRecordRow(std::string* bytes, const RecordCompletion* completion) {
  if (bytes->size() > kMaxRecordBytes) {
    return absl::InvalidArgumentError(
        StrCat("record has ", bytes->size(), " bytes, the limit is ", kMaxRecordBytes));
  }
  google::protobuf::Arena arena;
  auto* record = google::protobuf::Arena::CreateMessage<v1::Record>(&arena);
  if (!record->ParseFromString(*bytes)) {
    return absl::InvalidArgumentError("not an encoded vakt.v1.Record with valid UTF-8");
  }
  if (absl::Status status = CheckPosition(*record); !status.ok()) return status;
  if (completion != nullptr) completion->Complete(record);
  RecordRow row;
  row.boot_id = record->boot_id();
  row.epoch = static_cast<int64_t>(record->epoch());
  row.seq = static_cast<int64_t>(record->seq());
  if (absl::Status status = TakeBody(*record, &row); !status.ok()) return status;
  row.bytes = std::move(*bytes);
  return row;
}

}  // namespace vakt

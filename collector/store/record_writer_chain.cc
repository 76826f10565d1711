// SPDX-License-Identifier: Apache-2.0
// RecordWriter's part that watches the nodes' chains and writes the collector's own alerts.
#include <string>
#include <string_view>
#include <utility>

#include "collector/store/record_writer.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

constexpr int64_t kOwnNodeId = 0;

OwnAlert AlertOf(ChainBreak chain_break) {
  switch (chain_break) {
    case ChainBreak::kRestarted:
      return OwnAlert::kStreamRestarted;
    case ChainBreak::kRolledBack:
      return OwnAlert::kStreamRolledBack;
    case ChainBreak::kAltered:
      return OwnAlert::kStreamAltered;
    case ChainBreak::kUnchained:
      return OwnAlert::kStreamUnchained;
    case ChainBreak::kForked:
    case ChainBreak::kNone:
      break;
  }
  return OwnAlert::kStreamForked;
}

std::string PlaceText(std::string_view name, uint64_t epoch, uint64_t seq) {
  return StrCat(name, "=", epoch, "/", seq);
}

std::string EndText(const ChainEnd& end) {
  return PlaceText("stored", static_cast<uint64_t>(end.epoch), static_cast<uint64_t>(end.seq));
}

}  // namespace

absl::StatusOr<int64_t> RecordWriter::NewestOwnEpoch() {
  VAKT_ASSIGN_OR_RETURN(
      Statement newest,
      database_.Prepare("SELECT ifnull(max(epoch), 0) FROM run WHERE node_id = ?1"));
  VAKT_RETURN_IF_ERROR(newest.Start(kOwnNodeId));
  VAKT_RETURN_IF_ERROR(newest.Step().status());
  return newest.Int(0);
}

absl::StatusOr<std::optional<ChainEnd>> RecordWriter::FindChainEnd(int64_t node_id) {
  VAKT_RETURN_IF_ERROR(find_chain_.Start(node_id));
  VAKT_ASSIGN_OR_RETURN(const bool found, find_chain_.Step());
  if (!found) return std::optional<ChainEnd>();
  const std::optional<ChainHash> hash = ChainHashFromBytes(find_chain_.Bytes(2));
  std::optional<ChainEnd> end;
  if (hash.has_value()) end = {find_chain_.Int(0), find_chain_.Int(1), *hash};
  find_chain_.Reset();
  return end;
}

absl::Status RecordWriter::SetChainEnd(int64_t node_id, const std::optional<ChainEnd>& end) {
  if (!end.has_value()) {
    constexpr std::optional<int64_t> kNone;
    return update_chain_.Run(node_id, kNone, kNone, kNone);
  }
  return update_chain_.Run(node_id, end->epoch, end->seq, Blob{AsBytes(end->hash)});
}

absl::StatusOr<ChainBreak> RecordWriter::CheckHello(int64_t node_id, const v1::Hello& hello,
                                                    bool discontinuity) {
  VAKT_ASSIGN_OR_RETURN(const std::optional<ChainEnd> end, FindChainEnd(node_id));
  if (!end.has_value()) return ChainBreak::kNone;
  ChainBreak chain_break = discontinuity ? ChainBreak::kRolledBack : ChainBreak::kNone;
  if (hello.has_head()) {
    const ChainBreak of_head = CheckHead(*end, hello.head());
    if (of_head != ChainBreak::kNone) chain_break = of_head;
  }
  if (chain_break == ChainBreak::kNone) return chain_break;
  const v1::Position& head = hello.head().position();
  VAKT_RETURN_IF_ERROR(
      RaiseChainBreak(node_id, chain_break,
                      StrCat(EndText(*end), " ", PlaceText("offered", head.epoch(), head.seq()))));
  // What it has instead is what the node is held to from here on.
  VAKT_RETURN_IF_ERROR(SetChainEnd(node_id, std::nullopt));
  return chain_break;
}

absl::StatusOr<ChainBreak> RecordWriter::Append(int64_t node_id, const RecordBatch& batch) {
  VAKT_RETURN_IF_ERROR(AddMalformed(node_id, batch.strays, {}));
  if (batch.rows.empty()) return ChainBreak::kNone;
  VAKT_ASSIGN_OR_RETURN(const std::optional<ChainEnd> end, FindChainEnd(node_id));
  ChainBreak chain_break = ChainBreak::kNone;
  if (end.has_value()) {
    chain_break = CheckBatch(*end, batch);
  } else if (batch.after.has_value() &&
             batch.rows.back().chain.value_or(*batch.after) != *batch.after) {
    chain_break = ChainBreak::kAltered;
  }
  VAKT_RETURN_IF_ERROR(AppendRows(node_id, batch.rows));
  if (chain_break != ChainBreak::kNone) {
    const RecordRow& first = batch.rows.front();
    VAKT_RETURN_IF_ERROR(
        RaiseChainBreak(node_id, chain_break,
                        StrCat(end.has_value() ? EndText(*end) : "", " ",
                               PlaceText("received", static_cast<uint64_t>(first.epoch),
                                         static_cast<uint64_t>(first.seq)))));
  }
  if (end.has_value() || batch.after.has_value()) {
    VAKT_RETURN_IF_ERROR(SetChainEnd(node_id, EndAfter(end, batch)));
  }
  return chain_break;
}

absl::Status RecordWriter::RaiseChainBreak(int64_t node_id, ChainBreak chain_break,
                                           const std::string& detail) {
  VAKT_RETURN_IF_ERROR(node_name_.Start(node_id));
  VAKT_ASSIGN_OR_RETURN(const bool found, node_name_.Step());
  if (!found) return absl::InternalError(StrCat("store: node ", node_id, " is not there"));
  const NodeKey about = {std::string(node_name_.Text(0)), std::string(node_name_.Text(1))};
  node_name_.Reset();
  VAKT_RETURN_IF_ERROR(count_chain_break_.Run(node_id));
  return RaiseAbout(node_id, MakeOwnAlert(AlertOf(chain_break), about, detail, clock_.WallNs()));
}

absl::Status RecordWriter::Raise(const NodeKey& about, v1::Alert alert) {
  VAKT_RETURN_IF_ERROR(find_node_.Start(about.cluster, about.node));
  VAKT_ASSIGN_OR_RETURN(const bool found, find_node_.Step());
  const int64_t node_id = found ? find_node_.Int(0) : kOwnNodeId;
  find_node_.Reset();
  return RaiseAbout(node_id, std::move(alert));
}

absl::Status RecordWriter::ChangeCondition(const NodeKey& about, const v1::Alert& alert,
                                           const std::string& detail) {
  const v1::Condition& condition = alert.condition();
  if (condition.state() == v1::Condition::STATE_OPENED) {
    VAKT_RETURN_IF_ERROR(open_condition_.Run(about.cluster, about.node, condition.name(),
                                             ToWallNs(condition.opened()), detail));
  } else {
    VAKT_RETURN_IF_ERROR(close_condition_.Run(about.cluster, about.node, condition.name()));
  }
  return Raise(about, alert);
}

absl::Status RecordWriter::RaiseAbout(int64_t node_id, v1::Alert alert) {
  ++own_seq_;
  v1::Record record;
  record.set_boot_id(std::string(kOwnBootId));
  record.set_epoch(static_cast<uint64_t>(own_epoch_));
  record.set_seq(static_cast<uint64_t>(own_seq_));
  alert.set_uid(StrCat(store_id_, "-", own_epoch_, "-", own_seq_));
  *record.mutable_alert() = std::move(alert);
  VAKT_ASSIGN_OR_RETURN(const RecordRow row, ToRecordRow(record.SerializeAsString()));
  VAKT_ASSIGN_OR_RETURN(Run* const run, FindOrAddRun(kOwnNodeId, row));
  VAKT_RETURN_IF_ERROR(Insert(node_id, *run, row, clock_.WallNs()).status());
  run->stored_seq = row.seq;
  return update_run_.Run(run->id, row.seq);
}

}  // namespace vakt

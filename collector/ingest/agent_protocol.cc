// SPDX-License-Identifier: Apache-2.0
#include "collector/ingest/agent_protocol.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr size_t kMaxBootIdBytes = 64;
constexpr uint64_t kMaxNumber = std::numeric_limits<int64_t>::max();
// Of a run of which no record has been read.
constexpr std::string_view kUnknownBootId = "unknown";

absl::Status TakeHash(const std::string& bytes, const char* name, std::optional<ChainHash>* out) {
  *out = ChainHashFromBytes(bytes);
  if (out->has_value() || bytes.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat("Batch.", name, " has ", bytes.size(), " bytes, not ", kChainHashBytes));
}

absl::Status CheckSize(const char* name, size_t bytes, size_t limit) {
  if (bytes <= limit) return absl::OkStatus();
  return absl::ResourceExhaustedError(StrCat(name, " has ", bytes, " bytes, the limit is ", limit));
}

bool IsBehind(const StreamPlace& place, const std::optional<StreamPlace>& other) {
  return !other.has_value() ||
         std::tie(place.epoch, place.seq) > std::tie(other->epoch, other->seq);
}

bool IsEarlier(const RecordRow& a, const RecordRow& b) {
  return std::tie(a.epoch, a.seq) < std::tie(b.epoch, b.seq);
}

StreamPlace PlaceOf(const RecordRow& row) { return {row.boot_id, row.epoch, row.seq}; }

}  // namespace

// Puts rows in order and gaps in the places of what is malformed.
class AgentProtocol::Sorter {
 public:
  Sorter(std::optional<StreamPlace> before, int64_t now_ns, RecordBatch* out)
      : before_(std::move(before)), now_ns_(now_ns), out_(*out) {}

  void AddMalformed(MalformedRecord record) { waiting_.push_back(std::move(record)); }
  void AddRow(RecordRow row) {
    // A tombstone stands for all from its first number on.
    const int64_t first = row.first_seq > 0 ? row.first_seq : row.seq;
    PlaceWaiting(StreamPlace{row.boot_id, row.epoch, first});
    before_ = PlaceOf(row);
    out_.rows.push_back(std::move(row));
  }
  // False: there is a record left for which there is no place.
  bool Finish(const std::optional<StreamPlace>& last) {
    std::optional<StreamPlace> behind;
    if (last.has_value()) behind = {last->boot_id, last->epoch, last->seq + 1};
    return PlaceWaiting(behind);
  }
  bool has_waiting() const { return !waiting_.empty(); }
  const std::optional<StreamPlace>& before() const { return before_; }

 private:
  bool PlaceWaiting(const std::optional<StreamPlace>& behind) {
    if (waiting_.empty()) return true;
    const auto hole = FindHole(static_cast<int64_t>(waiting_.size()), before_, behind);
    std::vector<MalformedRecord> records = std::exchange(waiting_, {});
    if (hole.has_value()) {
      out_.rows.push_back(MakeMalformedGap(*hole, std::move(records), now_ns_));
      before_ = PlaceOf(out_.rows.back());
      return true;
    }
    for (MalformedRecord& record : records) out_.strays.push_back(std::move(record));
    return before_.has_value();
  }

  std::optional<StreamPlace> before_;  // of the last row, or of what came before the batch
  const int64_t now_ns_;
  RecordBatch& out_;
  std::vector<MalformedRecord> waiting_;
};

absl::Status AgentProtocol::TakeHello(const v1::Hello& hello) {
  if (said_hello_) return absl::InvalidArgumentError("a second Hello on one stream");
  if (hello.node() != node_) {
    return absl::PermissionDeniedError(
        StrCat("Hello.node is \"", EscapeUtf8(hello.node()), "\" but the certificate is for node ",
               node_, ": set --node-name to the certificate's, or issue another"));
  }
  if (hello.boot_id().empty() || hello.boot_id().size() > kMaxBootIdBytes) {
    return absl::InvalidArgumentError(
        StrCat("Hello.boot_id has ", hello.boot_id().size(), " bytes, not 1 to ", kMaxBootIdBytes));
  }
  if (hello.epoch() > kMaxNumber) return absl::InvalidArgumentError("Hello.epoch is 2^63 or more");
  VAKT_RETURN_IF_ERROR(CheckSize("Hello", hello.ByteSizeLong(), limits_.hello_bytes));
  said_hello_ = true;
  boot_id_ = hello.boot_id();
  epoch_ = static_cast<int64_t>(hello.epoch());
  return absl::OkStatus();
}

absl::Status AgentProtocol::CheckHeartbeat(const v1::Heartbeat& heartbeat) const {
  return CheckSize("Heartbeat", heartbeat.ByteSizeLong(), limits_.hello_bytes);
}

absl::StatusOr<RecordRow> AgentProtocol::TakeRecord(std::string* bytes) const {
  VAKT_ASSIGN_OR_RETURN(RecordRow row, TakeRecordRow(bytes, completion_));
  absl::Status status;
  if (row.epoch > epoch_) {
    status =
        absl::InvalidArgumentError(StrCat("epoch ", row.epoch, " is newer than Hello's ", epoch_));
  } else if (row.epoch == epoch_ && row.boot_id != boot_id_) {
    status = absl::InvalidArgumentError(
        StrCat("boot_id \"", EscapeUtf8(row.boot_id), "\" is not Hello's, though the epoch is"));
  }
  if (status.ok()) return row;
  *bytes = std::move(row.bytes);
  return status;
}

std::optional<StreamPlace> AgentProtocol::ToldLast(const v1::Batch& batch,
                                                   const std::optional<StreamPlace>& before) const {
  const v1::Position& told = batch.last();
  if (told.seq() == 0 || told.seq() >= kMaxNumber || told.epoch() > kMaxNumber) return std::nullopt;
  StreamPlace last = {std::string(kUnknownBootId), static_cast<int64_t>(told.epoch()),
                      static_cast<int64_t>(told.seq())};
  if (last.epoch > epoch_ || !IsBehind(last, before)) return std::nullopt;
  if (last.epoch == epoch_) {
    last.boot_id = boot_id_;
  } else if (before.has_value() && before->epoch == last.epoch) {
    last.boot_id = before->boot_id;
  }
  return last;
}

absl::StatusOr<TakenBatch> AgentProtocol::TakeBatch(v1::Batch* batch, int64_t now_ns) {
  const int count = batch->records_size();
  if (count == 0) return absl::InvalidArgumentError("a Batch without records");
  if (count > limits_.batch_records) {
    return absl::ResourceExhaustedError(
        StrCat("Batch has ", count, " records, the limit is ", limits_.batch_records));
  }
  TakenBatch taken;
  VAKT_RETURN_IF_ERROR(TakeHash(batch->chain_before(), "chain_before", &taken.batch.before));
  VAKT_RETURN_IF_ERROR(TakeHash(batch->chain_after(), "chain_after", &taken.batch.after));
  taken.batch.rows.reserve(static_cast<size_t>(count));
  Sorter sorter(newest_, now_ns, &taken.batch);
  for (int i = 0; i < count; ++i) {
    std::string& bytes = *batch->mutable_records(i);
    absl::StatusOr<RecordRow> row = TakeRecord(&bytes);
    if (row.ok()) {
      sorter.AddRow(*std::move(row));
      continue;
    }
    const std::string reason(Message(row.status()));
    if (++taken.malformed == 1) taken.reason = StrCat("Batch.records[", i, "]: ", reason);
    sorter.AddMalformed({std::move(bytes), reason});
  }
  const auto last = sorter.has_waiting() ? ToldLast(*batch, sorter.before()) : std::nullopt;
  // Nothing can be acknowledged of a stream of which no position is known.
  if (!sorter.Finish(last)) return absl::InvalidArgumentError(taken.reason);
  ComputeChain(&taken.batch);
  const auto newest = std::max_element(taken.batch.rows.begin(), taken.batch.rows.end(), IsEarlier);
  if (newest != taken.batch.rows.end() && IsBehind(PlaceOf(*newest), newest_)) {
    newest_ = PlaceOf(*newest);
  }
  taken.last.set_epoch(static_cast<uint64_t>(newest_->epoch));
  taken.last.set_seq(static_cast<uint64_t>(newest_->seq));
  return taken;
}

}  // namespace vakt

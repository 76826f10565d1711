// SPDX-License-Identifier: Apache-2.0
#include "common/recording/recording.h"

#include <string_view>
#include <utility>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/event_codec/event_codec.h"

namespace vakt {
namespace {

// The log's own header: tells a recording from other record logs, and its version.
constexpr std::string_view kMagic = "vakt recording 1";

}  // namespace

absl::StatusOr<std::unique_ptr<RecordingWriter>> RecordingWriter::Create(
    const std::string& path, const v1::NodeFacts& node) {
  VAKT_ASSIGN_OR_RETURN(auto log, RecordLogWriter::Create(path, kMagic));
  std::unique_ptr<RecordingWriter> writer(new RecordingWriter(std::move(log)));
  *writer->entry_.mutable_node() = node;
  VAKT_RETURN_IF_ERROR(writer->AddEntry());
  return writer;
}

absl::Status RecordingWriter::Add(const Event& event) {
  EventToProto(event, entry_.mutable_event());
  return AddEntry();
}

absl::Status RecordingWriter::AddGap(const v1::Gap& gap) {
  *entry_.mutable_gap() = gap;
  return AddEntry();
}

absl::Status RecordingWriter::AddContainer(const v1::Container& container) {
  *entry_.mutable_container() = container;
  return AddEntry();
}

absl::Status RecordingWriter::AddAccounts(const v1::ContainerAccounts& accounts) {
  *entry_.mutable_accounts() = accounts;
  return AddEntry();
}

absl::Status RecordingWriter::AddEntry() {
  if (!entry_.SerializeToString(&bytes_)) {
    return absl::InternalError(StrCat("write ", log_->path(), ": entry cannot be encoded"));
  }
  return log_->Append(bytes_);
}

absl::Status RecordingWriter::Close() {
  VAKT_RETURN_IF_ERROR(log_->Sync());
  return log_->Close();
}

absl::StatusOr<std::unique_ptr<RecordingReader>> RecordingReader::Open(const std::string& path) {
  VAKT_ASSIGN_OR_RETURN(auto log, RecordLogReader::Open(path));
  if (log->header_intact() && log->header() != kMagic) {
    return absl::InvalidArgumentError(
        StrCat(path, " is a record log, but no recording: give a file that --record wrote"));
  }
  std::unique_ptr<RecordingReader> reader(new RecordingReader(path, std::move(log)));
  v1::RecordingEntry entry;
  absl::StatusOr<bool> first = reader->NextEntry(&entry);
  if (!first.ok() || !*first || !entry.has_node()) {
    return absl::DataLossError(StrCat(
        path, " does not begin with the node's facts, so it cannot be replayed: ",
        first.ok() ? "the file was cut or is empty, record again" : Message(first.status())));
  }
  reader->node_ = std::move(*entry.mutable_node());
  return reader;
}

absl::StatusOr<bool> RecordingReader::Next(v1::RecordingEntry* entry) {
  VAKT_ASSIGN_OR_RETURN(const bool more, NextEntry(entry));
  if (more && !entry->has_event() && !entry->has_gap() && !entry->has_container() &&
      !entry->has_accounts()) {
    return absl::DataLossError(
        StrCat(path_, ": the entry at offset ", log_->record_offset(),
               " is neither event, gap nor container: skip it, or replay with the "
               "version of Vakt that recorded it"));
  }
  return more;
}

absl::StatusOr<bool> RecordingReader::NextEntry(v1::RecordingEntry* entry) {
  switch (log_->Next(&bytes_)) {
    case ReadResult::kOk:
      break;
    case ReadResult::kEnd:
      return false;
    case ReadResult::kCorrupt:
      return absl::DataLossError(StrCat(path_, ": ", log_->skipped_bytes(),
                                        " damaged bytes at offset ", log_->skipped_offset(),
                                        "; events are missing there, what follows is intact"));
    case ReadResult::kTornTail:
      return absl::DataLossError(StrCat(path_, ": cut off at offset ", log_->skipped_offset(),
                                        " (the recorder was killed?); what came before is intact"));
    case ReadResult::kError:
      return log_->status();
  }
  if (!entry->ParseFromString(bytes_)) {
    return absl::DataLossError(StrCat(path_, ": the entry at offset ", log_->record_offset(),
                                      " is not a RecordingEntry; skip it"));
  }
  return true;
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "common/recordlog/record_log_writer.h"

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/recordlog/record_format.h"

namespace vakt {
namespace {

// Fewer, larger writes: a write of 1 KiB costs about 1 us of system call.
constexpr size_t kBufferBytes = 64u << 10;

}  // namespace

absl::StatusOr<std::unique_ptr<RecordLogWriter>> RecordLogWriter::Create(
    const std::string& path, std::string_view header_payload, FileSystem& file_system,
    uint64_t reserve_bytes) {
  if (header_payload.size() > kMaxRecordPayloadBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": header payload is larger than 16 MiB"));
  }
  VAKT_ASSIGN_OR_RETURN(std::unique_ptr<AppendFile> file, file_system.Create(path, reserve_bytes));
  const uint32_t log_id = std::random_device()();
  std::unique_ptr<RecordLogWriter> writer(
      new RecordLogWriter(path, std::move(file), file_system, log_id));
  writer->reserved_ = reserve_bytes > 0;
  writer->AppendRecord(static_cast<uint8_t>(RecordType::kFileHeader), header_payload);
  return writer;
}

RecordLogWriter::RecordLogWriter(std::string path, std::unique_ptr<AppendFile> file,
                                 FileSystem& file_system, uint32_t log_id)
    : path_(std::move(path)), file_system_(file_system), log_id_(log_id), file_(std::move(file)) {}

RecordLogWriter::~RecordLogWriter() {
  if (file_ != nullptr) Flush().IgnoreError();
}

void RecordLogWriter::AppendRecord(uint8_t type, std::string_view payload) {
  RecordHeader header;
  header.log_id = log_id_;
  header.type = type;
  header.payload_bytes = static_cast<uint32_t>(payload.size());
  header.payload_crc = PayloadChecksum(payload);
  AppendRecordHeader(header, &buffer_);
  buffer_.append(payload);
  size_bytes_ += kRecordHeaderBytes + payload.size();
}

absl::Status RecordLogWriter::Append(std::string_view payload) {
  VAKT_RETURN_IF_ERROR(status_);
  if (payload.size() > kMaxRecordPayloadBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ": a record of ", payload.size(), " bytes is over the 16 MiB limit"));
  }
  AppendRecord(static_cast<uint8_t>(RecordType::kPayload), payload);
  return buffer_.size() < kBufferBytes ? absl::OkStatus() : Flush();
}

absl::Status RecordLogWriter::Flush() {
  VAKT_RETURN_IF_ERROR(status_);
  if (buffer_.empty()) return absl::OkStatus();
  status_ = file_->Append(buffer_);
  buffer_.clear();
  return status_;
}

absl::Status RecordLogWriter::Sync() {
  VAKT_RETURN_IF_ERROR(Flush());
  status_ = file_->Sync();
  if (status_.ok() && !directory_synced_) {
    status_ = file_system_.SyncDirectory(DirectoryOf(path_));
    directory_synced_ = status_.ok();
  }
  return status_;
}

absl::Status RecordLogWriter::Close() {
  absl::Status status = Flush();
  if (status.ok() && reserved_) status = file_->Trim();
  file_.reset();
  return status;
}

}  // namespace vakt

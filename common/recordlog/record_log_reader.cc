// SPDX-License-Identifier: Apache-2.0
#include "common/recordlog/record_log_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/recordlog/record_format.h"

namespace vakt {
namespace {

constexpr size_t kWindowBytes = 64u << 10;

// Whether the file is a record log of a version that this program does not know.
bool IsOtherVersion(std::string_view begin) {
  return begin.size() >= kRecordHeaderBytes && begin.starts_with(kRecordMarker) &&
         static_cast<uint8_t>(begin[8]) > kRecordFormatVersion;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RecordLogReader>> RecordLogReader::Open(const std::string& path,
                                                                       FileSystem& file_system) {
  VAKT_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, file_system.Open(path));
  VAKT_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  std::unique_ptr<RecordLogReader> reader(new RecordLogReader(path, std::move(file), size));
  VAKT_RETURN_IF_ERROR(reader->ReadFileHeader());
  return reader;
}

absl::Status RecordLogReader::ReadFileHeader() {
  VAKT_ASSIGN_OR_RETURN(const uint64_t first, FindRecord(0));
  if (first == end_) {
    VAKT_ASSIGN_OR_RETURN(const std::string_view begin, Fetch(0, kRecordHeaderBytes));
    if (IsOtherVersion(begin)) {
      return absl::UnimplementedError(
          absl::StrCat(path_, ": written in record log format ", static_cast<int>(begin[8]),
                       "; this program reads format ", kRecordFormatVersion, ": use a newer vakt"));
    }
    return absl::InvalidArgumentError(absl::StrCat(path_, ": holds no record of a Vakt log"));
  }
  VAKT_ASSIGN_OR_RETURN(const std::string_view bytes, Fetch(first, kRecordHeaderBytes));
  const RecordHeader header = *ParseRecordHeader(bytes);
  log_id_ = header.log_id;
  log_id_known_ = true;
  if (first != 0 || header.type != static_cast<uint8_t>(RecordType::kFileHeader)) {
    return absl::OkStatus();  // Next() reports the damage
  }
  VAKT_ASSIGN_OR_RETURN(const std::string_view payload,
                        Fetch(kRecordHeaderBytes, header.payload_bytes));
  if (payload.size() == header.payload_bytes && PayloadChecksum(payload) == header.payload_crc) {
    header_ = payload;
    header_intact_ = true;
    offset_ = kRecordHeaderBytes + header.payload_bytes;
  }
  return absl::OkStatus();
}

void RecordLogReader::SetEnd(uint64_t end) {
  end_ = end;
  // What was read of the file behind the end may be something else by the time it moves.
  const uint64_t kept = end > window_offset_ ? end - window_offset_ : 0;
  if (window_.size() > kept) window_.resize(kept);
}

absl::StatusOr<std::string_view> RecordLogReader::Fetch(uint64_t offset, size_t size) {
  size = std::min<uint64_t>(size, end_ > offset ? end_ - offset : 0);
  const bool inside = offset >= window_offset_ && offset - window_offset_ <= window_.size() &&
                      window_.size() - (offset - window_offset_) >= size;
  if (!inside) {
    window_.resize(std::min<uint64_t>(std::max(size, kWindowBytes), end_ - offset));
    window_offset_ = offset;
    absl::StatusOr<size_t> got = file_->ReadAt(offset, window_.size(), window_.data());
    window_.resize(got.ok() ? *got : 0);
    if (!got.ok()) return got.status();
  }
  return std::string_view(window_).substr(offset - window_offset_, size);
}

absl::StatusOr<uint64_t> RecordLogReader::FindRecord(uint64_t from) {
  while (from < end_) {
    VAKT_ASSIGN_OR_RETURN(const std::string_view bytes, Fetch(from, kWindowBytes));
    if (bytes.size() < kRecordHeaderBytes) return end_;
    size_t at = bytes.find(kRecordMarker);
    for (; at != bytes.npos && at + kRecordHeaderBytes <= bytes.size();
         at = bytes.find(kRecordMarker, at + 1)) {
      const std::optional<RecordHeader> header = ParseRecordHeader(bytes.substr(at));
      if (header && (!log_id_known_ || header->log_id == log_id_)) return from + at;
    }
    from += bytes.size() - (kRecordHeaderBytes - 1);  // a header may straddle the windows
  }
  return end_;
}

ReadResult RecordLogReader::Next(std::string* payload) {
  absl::StatusOr<ReadResult> result = ReadNext(payload);
  if (result.ok()) return *result;
  status_ = result.status();
  return ReadResult::kError;
}

absl::StatusOr<ReadResult> RecordLogReader::ReadNext(std::string* payload) {
  while (offset_ < end_) {
    VAKT_ASSIGN_OR_RETURN(std::string_view bytes, Fetch(offset_, kRecordHeaderBytes));
    const std::optional<RecordHeader> header = ParseRecordHeader(bytes);
    if (!header || header->log_id != log_id_) {
      VAKT_ASSIGN_OR_RETURN(const uint64_t next, FindRecord(offset_ + 1));
      if (next == end_) {
        VAKT_ASSIGN_OR_RETURN(const bool unused, OnlyZerosFrom(offset_));
        if (unused) return ReadResult::kEnd;
      }
      return Skip(next);
    }
    // The header is intact, so its length is true: damage to the payload costs the payload alone.
    const uint64_t next = offset_ + kRecordHeaderBytes + header->payload_bytes;
    if (next > end_) return Skip(end_);
    VAKT_ASSIGN_OR_RETURN(bytes, Fetch(offset_ + kRecordHeaderBytes, header->payload_bytes));
    if (bytes.size() != header->payload_bytes) return Skip(end_);  // the file shrank under us
    if (PayloadChecksum(bytes) != header->payload_crc) {
      VAKT_ASSIGN_OR_RETURN(const bool last, OnlyZerosFrom(next));
      return Skip(last ? end_ : next);
    }
    record_offset_ = offset_;
    offset_ = next;
    if (header->type != static_cast<uint8_t>(RecordType::kPayload)) continue;
    payload->assign(bytes);
    return ReadResult::kOk;
  }
  return ReadResult::kEnd;
}

absl::StatusOr<bool> RecordLogReader::OnlyZerosFrom(uint64_t offset) {
  for (uint64_t at = offset; at < end_;) {
    VAKT_ASSIGN_OR_RETURN(const std::string_view bytes,
                          Fetch(at, std::min<uint64_t>(kWindowBytes, end_ - at)));
    if (bytes.empty() || bytes.find_first_not_of('\0') != bytes.npos) return false;
    at += bytes.size();
  }
  return true;
}

ReadResult RecordLogReader::Skip(uint64_t to) {
  skipped_offset_ = offset_;
  skipped_bytes_ = to - offset_;
  offset_ = to;
  return to == end_ ? ReadResult::kTornTail : ReadResult::kCorrupt;
}

}  // namespace vakt

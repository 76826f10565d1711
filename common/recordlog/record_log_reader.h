// SPDX-License-Identifier: Apache-2.0
// Reads a record log (docs/formats/recordlog.md) from beginning to end, past damage: a damaged
// record costs itself, and the reader goes on at the next intact one.
//
//   auto reader = RecordLogReader::Open(path);
//   for (std::string payload;;) {
//     switch ((*reader)->Next(&payload)) { case ReadResult::kOk: ... }
//   }
//
// Owned by one thread (thread-compatible). Holds one window of 64 KiB, or one record if larger. The
// file's bytes are untrusted: any bytes at all give some sequence of results, in linear time.
#ifndef VAKT_COMMON_RECORDLOG_RECORD_LOG_READER_H_
#define VAKT_COMMON_RECORDLOG_RECORD_LOG_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/recordlog/file_system.h"

namespace vakt {

enum class ReadResult {
  kOk,        // `payload` is the next record
  kEnd,       // clean end
  kCorrupt,   // skipped_bytes() at skipped_offset() are damaged; call Next again to go on
  kTornTail,  // as kCorrupt, and nothing intact follows: usually a crash in mid-write. Then kEnd
  kError,     // the file cannot be read: status()
};

class RecordLogReader {
 public:
  // kNotFound and the like from the file system; kInvalidArgument if nothing in the file is a
  // record; kUnimplemented if a newer version of Vakt wrote it. A log whose header alone is damaged
  // opens, with header_intact() false.
  static absl::StatusOr<std::unique_ptr<RecordLogReader>> Open(
      const std::string& path, FileSystem& file_system = RealFileSystem());

  // The bytes given to RecordLogWriter::Create.
  const std::string& header() const { return header_; }
  bool header_intact() const { return header_intact_; }

  ReadResult Next(std::string* payload);

  // Where the last record returned by kOk begins, and where the next one is expected.
  uint64_t record_offset() const { return record_offset_; }
  uint64_t offset() const { return offset_; }
  uint64_t skipped_offset() const { return skipped_offset_; }
  uint64_t skipped_bytes() const { return skipped_bytes_; }
  const absl::Status& status() const { return status_; }

  // Goes on at `offset`, which must be where a record begins.
  void Seek(uint64_t offset) { offset_ = offset; }
  // Reads no byte at or past `end`. For a log that is still being written, where only a part is
  // known to be complete; may be raised later. At first the size of the file.
  void SetEnd(uint64_t end);

 private:
  RecordLogReader(std::string path, std::unique_ptr<ReadableFile> file, uint64_t end)
      : path_(std::move(path)), file_(std::move(file)), end_(end) {}
  absl::Status ReadFileHeader();
  absl::StatusOr<std::string_view> Fetch(uint64_t offset, size_t size);
  // Offset of the first intact header at or after `from`, or end_.
  absl::StatusOr<uint64_t> FindRecord(uint64_t from);
  absl::StatusOr<ReadResult> ReadNext(std::string* payload);
  ReadResult Skip(uint64_t to);
  // Whether nothing but zeros is left from here on: room that was reserved and not used.
  absl::StatusOr<bool> OnlyZerosFrom(uint64_t offset);

  const std::string path_;
  const std::unique_ptr<ReadableFile> file_;
  uint64_t end_;
  bool log_id_known_ = false;
  uint32_t log_id_ = 0;
  std::string header_;
  bool header_intact_ = false;
  uint64_t offset_ = 0;
  uint64_t record_offset_ = 0;
  uint64_t skipped_offset_ = 0;
  uint64_t skipped_bytes_ = 0;
  std::string window_;
  uint64_t window_offset_ = 0;
  absl::Status status_;
};

}  // namespace vakt

#endif  // VAKT_COMMON_RECORDLOG_RECORD_LOG_READER_H_

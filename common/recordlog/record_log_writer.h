// SPDX-License-Identifier: Apache-2.0
// Writes a record log: one file of checksummed records (docs/formats/recordlog.md).
//
//   auto writer = RecordLogWriter::Create("/var/lib/x.log", header_bytes);
//   (*writer)->Append(payload);   // buffered
//   (*writer)->Sync();            // everything appended is now durable
//
// Owned by one thread (thread-compatible). An error is final: whatever call follows returns it
// again, because after a failed write or sync nothing is known about the file's tail. What was
// synced before stays good; go on in a new log.
#ifndef VAKT_COMMON_RECORDLOG_RECORD_LOG_WRITER_H_
#define VAKT_COMMON_RECORDLOG_RECORD_LOG_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/recordlog/file_system.h"

namespace vakt {

class RecordLogWriter {
 public:
  // Creates `path`, which must not exist, and writes the file header record around
  // `header_payload` (the caller's own bytes, may be empty). With `reserve_bytes` the file has that
  // room from the beginning (FileSystem::Create); Close gives the rest of it back.
  static absl::StatusOr<std::unique_ptr<RecordLogWriter>> Create(
      const std::string& path, std::string_view header_payload,
      FileSystem& file_system = RealFileSystem(), uint64_t reserve_bytes = 0);

  // Hands buffered records to the kernel, not to the disk; errors are lost, so call Close().
  ~RecordLogWriter();
  RecordLogWriter(const RecordLogWriter&) = delete;
  RecordLogWriter& operator=(const RecordLogWriter&) = delete;

  // kInvalidArgument, and not final, if the payload is larger than 16 MiB.
  absl::Status Append(std::string_view payload);
  // Hands everything to the kernel: survives the end of this process.
  absl::Status Flush();
  // Makes everything durable: survives power loss. The first call also syncs the directory, so
  // that the file's name survives too.
  absl::Status Sync();
  // Flushes and closes. No calls after this.
  absl::Status Close();

  // Size of the file with everything appended so far; where the next record will begin.
  uint64_t size_bytes() const { return size_bytes_; }
  const std::string& path() const { return path_; }

 private:
  RecordLogWriter(std::string path, std::unique_ptr<AppendFile> file, FileSystem& file_system,
                  uint32_t log_id);
  void AppendRecord(uint8_t type, std::string_view payload);

  const std::string path_;
  FileSystem& file_system_;
  const uint32_t log_id_;
  std::unique_ptr<AppendFile> file_;
  std::string buffer_;
  uint64_t size_bytes_ = 0;
  bool directory_synced_ = false;
  bool reserved_ = false;
  absl::Status status_;
};

}  // namespace vakt

#endif  // VAKT_COMMON_RECORDLOG_RECORD_LOG_WRITER_H_

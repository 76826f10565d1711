// SPDX-License-Identifier: Apache-2.0
// The file operations durable storage is built from, and nothing else, so that a test can stand in
// for the disk: lose what was not synced, tear a write, run out of space, fail an fsync.
//
// FileSystem is thread-safe; the file objects are thread-compatible. Errors name the operation and
// the path; a full disk is absl::StatusCode::kResourceExhausted.
#ifndef VAKT_COMMON_RECORDLOG_FILE_SYSTEM_H_
#define VAKT_COMMON_RECORDLOG_FILE_SYSTEM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vakt {

// A new file that only grows.
class AppendFile {
 public:
  virtual ~AppendFile() = default;
  // After an error an unknown part of `bytes` may be in the file.
  virtual absl::Status Append(std::string_view bytes) = 0;
  // Makes the contents durable (fdatasync). After an error the file must be given up: the kernel
  // may have dropped the dirty pages and a second sync would report success for lost bytes.
  virtual absl::Status Sync() = 0;
  // Gives back what was reserved behind the contents.
  virtual absl::Status Trim() = 0;
};

class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  // Reads up to `size` bytes at `offset` into `out`; fewer only at the end of the file.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t offset, size_t size, char* out) const = 0;
  virtual absl::StatusOr<uint64_t> Size() const = 0;
};

// Held from Lock() until destroyed or until the process ends, however it ends.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Fails if the file exists. Mode 0600: alerts quote command lines. With `reserve_bytes` the file
  // has that room on the disk from the beginning, as zeros behind its contents, so that writing
  // within it cannot meet a full disk; a file system that cannot reserve makes an ordinary file.
  virtual absl::StatusOr<std::unique_ptr<AppendFile>> Create(const std::string& path,
                                                             uint64_t reserve_bytes) = 0;
  virtual absl::StatusOr<std::unique_ptr<ReadableFile>> Open(const std::string& path) = 0;
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual absl::Status Unlink(const std::string& path) = 0;
  // Mode 0700; parents too. No error if it is there already.
  virtual absl::Status MakeDirectory(const std::string& path) = 0;
  // The names (not paths) of the regular files in `path`, sorted.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;
  // Makes created, renamed and unlinked names in `path` durable.
  virtual absl::Status SyncDirectory(const std::string& path) = 0;
  // Fails with kFailedPrecondition if another process holds it.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

// The kernel's. Lives as long as the process.
FileSystem& RealFileSystem();

// "dir/name" -> "dir"; "name" -> ".".
std::string DirectoryOf(const std::string& path);

// The whole file; kResourceExhausted if it is larger than `max_bytes`.
absl::StatusOr<std::string> ReadWholeFile(FileSystem& file_system, const std::string& path,
                                          size_t max_bytes);

// Replaces `path` in one step by way of `path`.tmp: a reader, or a boot after a crash, finds the
// old contents or the new, never a mixture. With `durable` the new contents survive a power loss
// once this returns; without, a power loss may bring the old ones back or leave the file empty.
absl::Status ReplaceFile(FileSystem& file_system, const std::string& path,
                         std::string_view contents, bool durable);

}  // namespace vakt

#endif  // VAKT_COMMON_RECORDLOG_FILE_SYSTEM_H_

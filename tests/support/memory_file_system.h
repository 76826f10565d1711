// SPDX-License-Identifier: Apache-2.0
// A disk in memory that fails on request and can be crashed: it keeps a journal of all changes, and
// CrashAfter(n) is the disk as a machine could find it that lost power after the n-th of them.
//
// It promises as little as POSIX does: bytes survive only what Sync() of their file covered, names
// (creation, rename, unlink) only what SyncDirectory() of their directory covered. Thread-safe.
#ifndef VAKT_TESTS_SUPPORT_MEMORY_FILE_SYSTEM_H_
#define VAKT_TESTS_SUPPORT_MEMORY_FILE_SYSTEM_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/recordlog/file_system.h"

namespace vakt {

enum class FileOperation {
  kCreate,
  kAppend,
  kSync,
  kOpen,
  kRead,
  kRename,
  kUnlink,
  kSyncDirectory,
  kTrim,
};

// What becomes of bytes that were written and not synced.
enum class UnsyncedBytes { kLost, kKept, kTorn, kZeroed };
// What becomes of names that were made or removed and whose directory was not synced.
enum class UnsyncedNames { kLost, kKept };

class MemoryFileSystem : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<AppendFile>> Create(const std::string& path,
                                                     uint64_t reserve_bytes) override;
  absl::StatusOr<std::unique_ptr<ReadableFile>> Open(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Unlink(const std::string& path) override;
  absl::Status MakeDirectory(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

  // The bytes of a file; empty if there is none.
  std::string Contents(const std::string& path) const;
  // Puts a durable file there.
  void SetContents(const std::string& path, std::string_view bytes);
  // Changes a bit of a file in place, as a failing disk does; not in the journal.
  void FlipBit(const std::string& path, size_t offset_bytes, int bit = 0);
  bool Exists(const std::string& path) const;
  // Of all files together.
  uint64_t UsedBytes() const;
  // Removes all files and the journal.
  void Clear();
  // A disk with the same contents, all of them durable.
  std::unique_ptr<MemoryFileSystem> Clone() const;

  // The next `times` operations of this kind return `status` and do nothing (a failing append
  // leaves half of its bytes behind).
  void FailNext(FileOperation operation, absl::Status status, int times = 1);
  // Appends fail as on a full disk when all files together would grow past this.
  void SetCapacity(uint64_t bytes);

  // Changes so far: the valid arguments of CrashAfter are 0 to this.
  size_t changes() const;
  // The same, with a fate of its own for each write that was not synced (kept, lost, torn, zeroed,
  // whatever became of the writes around it) and for each change of a name whose directory was not
  // (done or not, in any combination). `choose(n)` decides, with a number below n.
  using Choose = std::function<uint32_t(uint32_t)>;
  std::unique_ptr<MemoryFileSystem> CrashState(size_t changes, const Choose& choose) const;

  // `seed` chooses where bytes tear.
  std::unique_ptr<MemoryFileSystem> CrashAfter(size_t changes, UnsyncedBytes bytes,
                                               UnsyncedNames names, uint32_t seed) const;

 private:
  class AppendHandle;
  class ReadHandle;
  class LockHandle;

  using Inode = size_t;
  struct File {
    std::string bytes;        // what was written
    size_t synced_bytes = 0;  // of these
    size_t reserved_bytes = 0;

    size_t size() const { return std::max(bytes.size(), reserved_bytes); }
    // With the zeros behind it.
    std::string Visible() const { return bytes + std::string(size() - bytes.size(), '\0'); }
  };
  struct Change {
    FileOperation operation;
    Inode inode = 0;
    std::string path;
    std::string new_path;       // kRename
    std::string bytes;          // kAppend
    size_t reserved_bytes = 0;  // kCreate, kTrim
  };
  using Names = std::map<std::string, Inode>;

  absl::Status TakeFailure(FileOperation operation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Do(Change change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t Used() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Append(Inode inode, std::string_view bytes);
  absl::Status SyncFile(Inode inode);
  absl::Status Trim(Inode inode);

  mutable std::mutex mutex_;
  std::vector<File> files_ ABSL_GUARDED_BY(mutex_);  // by inode
  Names names_ ABSL_GUARDED_BY(mutex_);
  std::vector<File> first_files_ ABSL_GUARDED_BY(mutex_);  // before the journal begins
  Names first_names_ ABSL_GUARDED_BY(mutex_);
  std::vector<Change> journal_ ABSL_GUARDED_BY(mutex_);
  std::map<FileOperation, std::pair<absl::Status, int>> failures_ ABSL_GUARDED_BY(mutex_);
  uint64_t capacity_bytes_ ABSL_GUARDED_BY(mutex_) = UINT64_MAX;
  std::set<std::string> locks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vakt

#endif  // VAKT_TESTS_SUPPORT_MEMORY_FILE_SYSTEM_H_

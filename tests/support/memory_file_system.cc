// SPDX-License-Identifier: Apache-2.0
#include "tests/support/memory_file_system.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace vakt {
namespace {

absl::Status NoSuchFile(const std::string& path) {
  return absl::NotFoundError(absl::StrCat(path, ": no such file"));
}

// The names of `all` in `directory`, as the sync of that directory would make them durable.
template <typename Names>
void CopyDirectory(const Names& all, const std::string& directory, Names* durable) {
  const auto inside = [&directory](const auto& entry) {
    return DirectoryOf(entry.first) == directory;
  };
  std::erase_if(*durable, inside);
  for (const auto& entry : all) {
    if (inside(entry)) durable->insert(entry);
  }
}

}  // namespace

class MemoryFileSystem::AppendHandle : public AppendFile {
 public:
  AppendHandle(MemoryFileSystem* disk, Inode inode) : disk_(disk), inode_(inode) {}
  absl::Status Append(std::string_view bytes) override { return disk_->Append(inode_, bytes); }
  absl::Status Sync() override { return disk_->SyncFile(inode_); }
  absl::Status Trim() override { return disk_->Trim(inode_); }

 private:
  MemoryFileSystem* const disk_;
  const Inode inode_;
};

class MemoryFileSystem::ReadHandle : public ReadableFile {
 public:
  ReadHandle(MemoryFileSystem* disk, Inode inode) : disk_(disk), inode_(inode) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, size_t size, char* out) const override {
    std::lock_guard lock(disk_->mutex_);
    VAKT_RETURN_IF_ERROR(disk_->TakeFailure(FileOperation::kRead));
    const File& file = disk_->files_[inode_];
    if (offset >= file.size()) return 0;
    size = std::min<size_t>(size, file.size() - offset);
    const size_t written = offset < file.bytes.size() ? file.bytes.copy(out, size, offset) : 0;
    std::fill(out + written, out + size, '\0');
    return size;
  }

  absl::StatusOr<uint64_t> Size() const override {
    std::lock_guard lock(disk_->mutex_);
    return disk_->files_[inode_].size();
  }

 private:
  MemoryFileSystem* const disk_;
  const Inode inode_;
};

class MemoryFileSystem::LockHandle : public FileLock {
 public:
  LockHandle(MemoryFileSystem* disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  ~LockHandle() override {
    std::lock_guard lock(disk_->mutex_);
    disk_->locks_.erase(path_);
  }

 private:
  MemoryFileSystem* const disk_;
  const std::string path_;
};

absl::Status MemoryFileSystem::TakeFailure(FileOperation operation) {
  const auto failure = failures_.find(operation);
  if (failure == failures_.end()) return absl::OkStatus();
  const absl::Status status = failure->second.first;
  if (--failure->second.second == 0) failures_.erase(failure);
  return status;
}

uint64_t MemoryFileSystem::Used() const {
  uint64_t used = 0;
  for (const auto& [path, inode] : names_) used += files_[inode].size();
  return used;
}

// Journals a change that affects names; the callers change files_ themselves.
void MemoryFileSystem::Do(Change change) {
  switch (change.operation) {
    case FileOperation::kCreate:
      names_[change.path] = change.inode;
      break;
    case FileOperation::kRename:
      names_[change.new_path] = names_.at(change.path);
      names_.erase(change.path);
      break;
    case FileOperation::kUnlink:
      names_.erase(change.path);
      break;
    default:
      break;
  }
  journal_.push_back(std::move(change));
}

absl::StatusOr<std::unique_ptr<AppendFile>> MemoryFileSystem::Create(const std::string& path,
                                                                     uint64_t reserve_bytes) {
  std::lock_guard lock(mutex_);
  VAKT_RETURN_IF_ERROR(TakeFailure(FileOperation::kCreate));
  if (names_.contains(path)) return absl::AlreadyExistsError(absl::StrCat("create ", path));
  if (Used() + reserve_bytes > capacity_bytes_) {
    return absl::ResourceExhaustedError("reserve: no space left on device");
  }
  const Inode inode = files_.size();
  files_.emplace_back().reserved_bytes = reserve_bytes;
  Do({FileOperation::kCreate, inode, path, "", "", reserve_bytes});
  return std::make_unique<AppendHandle>(this, inode);
}

absl::StatusOr<std::unique_ptr<ReadableFile>> MemoryFileSystem::Open(const std::string& path) {
  std::lock_guard lock(mutex_);
  VAKT_RETURN_IF_ERROR(TakeFailure(FileOperation::kOpen));
  const auto name = names_.find(path);
  if (name == names_.end()) return NoSuchFile(path);
  return std::make_unique<ReadHandle>(this, name->second);
}

absl::Status MemoryFileSystem::Append(Inode inode, std::string_view bytes) {
  std::lock_guard lock(mutex_);
  absl::Status status = TakeFailure(FileOperation::kAppend);
  const File& file = files_[inode];
  const size_t grows = std::max(file.bytes.size() + bytes.size(), file.size()) - file.size();
  if (status.ok() && Used() + grows > capacity_bytes_) {
    status = absl::ResourceExhaustedError("write: no space left on device");
  }
  if (!status.ok()) bytes = bytes.substr(0, bytes.size() / 2);
  files_[inode].bytes.append(bytes);
  Do({FileOperation::kAppend, inode, "", "", std::string(bytes)});
  return status;
}

absl::Status MemoryFileSystem::SyncFile(Inode inode) {
  std::lock_guard lock(mutex_);
  VAKT_RETURN_IF_ERROR(TakeFailure(FileOperation::kSync));
  files_[inode].synced_bytes = files_[inode].bytes.size();
  Do({FileOperation::kSync, inode});
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Trim(Inode inode) {
  std::lock_guard lock(mutex_);
  VAKT_RETURN_IF_ERROR(TakeFailure(FileOperation::kTrim));
  files_[inode].reserved_bytes = 0;
  Do({FileOperation::kTrim, inode});
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Rename(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  VAKT_RETURN_IF_ERROR(TakeFailure(FileOperation::kRename));
  if (!names_.contains(from)) return NoSuchFile(from);
  Do({FileOperation::kRename, names_.at(from), from, to});
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Unlink(const std::string& path) {
  std::lock_guard lock(mutex_);
  VAKT_RETURN_IF_ERROR(TakeFailure(FileOperation::kUnlink));
  if (!names_.contains(path)) return NoSuchFile(path);
  Do({FileOperation::kUnlink, 0, path});
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::MakeDirectory(const std::string&) { return absl::OkStatus(); }

absl::StatusOr<std::vector<std::string>> MemoryFileSystem::List(const std::string& path) {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, inode] : names_) {
    if (DirectoryOf(name) == path) names.push_back(name.substr(path.size() + 1));
  }
  return names;
}

absl::Status MemoryFileSystem::SyncDirectory(const std::string& path) {
  std::lock_guard lock(mutex_);
  VAKT_RETURN_IF_ERROR(TakeFailure(FileOperation::kSyncDirectory));
  Do({FileOperation::kSyncDirectory, 0, path});
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<FileLock>> MemoryFileSystem::Lock(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (!locks_.insert(path).second) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is held by another process"));
  }
  return std::make_unique<LockHandle>(this, path);
}

std::string MemoryFileSystem::Contents(const std::string& path) const {
  std::lock_guard lock(mutex_);
  const auto name = names_.find(path);
  return name == names_.end() ? "" : files_[name->second].Visible();
}

void MemoryFileSystem::SetContents(const std::string& path, std::string_view bytes) {
  std::lock_guard lock(mutex_);
  const Inode inode = files_.size();
  files_.push_back({std::string(bytes), bytes.size()});
  Do({FileOperation::kCreate, inode, path});
  Do({FileOperation::kAppend, inode, "", "", std::string(bytes)});
  Do({FileOperation::kSync, inode});
  Do({FileOperation::kSyncDirectory, 0, DirectoryOf(path)});
}

void MemoryFileSystem::FlipBit(const std::string& path, size_t offset_bytes, int bit) {
  std::lock_guard lock(mutex_);
  char& byte = files_[names_.at(path)].bytes.at(offset_bytes);
  byte = static_cast<char>(byte ^ (1 << bit));
}

bool MemoryFileSystem::Exists(const std::string& path) const {
  std::lock_guard lock(mutex_);
  return names_.contains(path);
}

uint64_t MemoryFileSystem::UsedBytes() const {
  std::lock_guard lock(mutex_);
  return Used();
}

void MemoryFileSystem::Clear() {
  std::lock_guard lock(mutex_);
  names_.clear();
  first_files_.clear();
  first_names_.clear();
  journal_.clear();
  files_.clear();
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::Clone() const {
  return CrashAfter(changes(), UnsyncedBytes::kKept, UnsyncedNames::kKept, 0);
}

void MemoryFileSystem::FailNext(FileOperation operation, absl::Status status, int times) {
  std::lock_guard lock(mutex_);
  failures_[operation] = {std::move(status), times};
}

void MemoryFileSystem::SetCapacity(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  capacity_bytes_ = bytes;
}

size_t MemoryFileSystem::changes() const {
  std::lock_guard lock(mutex_);
  return journal_.size();
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::CrashAfter(size_t changes, UnsyncedBytes bytes,
                                                               UnsyncedNames names,
                                                               uint32_t seed) const {
  auto after = std::make_unique<MemoryFileSystem>();
  std::lock_guard lock(mutex_);
  std::lock_guard after_lock(after->mutex_);
  after->files_ = first_files_;
  after->names_ = first_names_;
  Names durable = first_names_;
  for (size_t i = 0; i < changes; ++i) {
    const Change& change = journal_[i];
    if (change.inode >= after->files_.size()) after->files_.resize(change.inode + 1);
    File& file = after->files_[change.inode];
    if (change.operation == FileOperation::kCreate) file.reserved_bytes = change.reserved_bytes;
    if (change.operation == FileOperation::kTrim) file.reserved_bytes = 0;
    if (change.operation == FileOperation::kAppend) file.bytes += change.bytes;
    if (change.operation == FileOperation::kSync) file.synced_bytes = file.bytes.size();
    if (change.operation == FileOperation::kSyncDirectory) {
      CopyDirectory(after->names_, change.path, &durable);
    }
    after->Do(change);
  }
  std::mt19937 random(seed);
  for (File& file : after->files_) {
    const size_t unsynced = file.bytes.size() - file.synced_bytes;
    if (bytes == UnsyncedBytes::kLost) file.bytes.resize(file.synced_bytes);
    if (bytes == UnsyncedBytes::kTorn && unsynced > 0) {
      file.bytes.resize(file.synced_bytes + random() % unsynced);
    }
    if (bytes == UnsyncedBytes::kZeroed) {
      const auto begin = file.bytes.begin() + static_cast<ptrdiff_t>(file.synced_bytes);
      std::fill(begin, begin + static_cast<ptrdiff_t>(unsynced > 0 ? random() % unsynced : 0),
                '\0');
    }
    file.synced_bytes = file.bytes.size();
  }
  if (names == UnsyncedNames::kLost) after->names_ = durable;
  after->journal_.clear();
  after->first_files_ = after->files_;
  after->first_names_ = after->names_;
  return after;
}

namespace {

enum class WriteFate : uint32_t { kKept, kLost, kTorn, kTornInHeader, kFirstHalfZeroed };
constexpr uint32_t kWriteFates = 5;
constexpr size_t kInHeaderBytes = 12;

// A write on its way to the disk.
struct PendingWrite {
  size_t offset;
  std::string bytes;
};

void Land(const PendingWrite& write, WriteFate fate, std::string* bytes) {
  std::string landed = write.bytes;
  if (fate == WriteFate::kLost) return;
  if (fate == WriteFate::kTorn) landed.resize(landed.size() / 2);
  if (fate == WriteFate::kTornInHeader) landed.resize(std::min(landed.size(), kInHeaderBytes));
  if (fate == WriteFate::kFirstHalfZeroed) {
    std::fill_n(landed.begin(), landed.size() / 2, '\0');
  }
  // A hole that an earlier write would have filled reads as zeros.
  if (bytes->size() < write.offset + landed.size()) bytes->resize(write.offset + landed.size());
  bytes->replace(write.offset, landed.size(), landed);
}

}  // namespace

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::CrashState(size_t changes,
                                                               const Choose& choose) const {
  auto after = std::make_unique<MemoryFileSystem>();
  std::lock_guard lock(mutex_);
  std::lock_guard after_lock(after->mutex_);
  after->files_ = first_files_;
  Names durable = first_names_;
  std::vector<Change> pending_names;
  std::vector<std::vector<PendingWrite>> pending_writes(after->files_.size());
  std::vector<size_t> written(after->files_.size());
  for (size_t i = 0; i < written.size(); ++i) written[i] = after->files_[i].bytes.size();
  const auto apply = [](const Change& change, Names* names) {
    if (change.operation == FileOperation::kUnlink) names->erase(change.path);
    if (change.operation == FileOperation::kCreate) (*names)[change.path] = change.inode;
    if (change.operation != FileOperation::kRename) return;
    names->erase(change.path);
    (*names)[change.new_path] = change.inode;
  };
  for (size_t i = 0; i < changes; ++i) {
    const Change& change = journal_[i];
    if (change.inode >= after->files_.size()) {
      after->files_.resize(change.inode + 1);
      pending_writes.resize(change.inode + 1);
      written.resize(change.inode + 1);
    }
    File& file = after->files_[change.inode];
    switch (change.operation) {
      case FileOperation::kAppend:
        pending_writes[change.inode].push_back({written[change.inode], change.bytes});
        written[change.inode] += change.bytes.size();
        break;
      case FileOperation::kSync:
        for (const PendingWrite& write : pending_writes[change.inode]) {
          Land(write, WriteFate::kKept, &file.bytes);
        }
        pending_writes[change.inode].clear();
        break;
      case FileOperation::kCreate:
        file.reserved_bytes = change.reserved_bytes;
        pending_names.push_back(change);
        break;
      case FileOperation::kRename:
      case FileOperation::kUnlink:
        pending_names.push_back(change);
        break;
      case FileOperation::kSyncDirectory:
        for (const Change& name : pending_names) {
          if (DirectoryOf(name.path) == change.path) apply(name, &durable);
        }
        std::erase_if(pending_names, [&change](const Change& name) {
          return DirectoryOf(name.path) == change.path;
        });
        break;
      default:  // whether a file was trimmed changes how many zeros follow
        break;
    }
  }
  for (const Change& name : pending_names) {
    if (choose(2) == 0) apply(name, &durable);
  }
  for (const auto& [path, inode] : durable) {
    for (const PendingWrite& write : pending_writes[inode]) {
      Land(write, static_cast<WriteFate>(choose(kWriteFates)), &after->files_[inode].bytes);
    }
  }
  for (File& file : after->files_) file.synced_bytes = file.bytes.size();
  after->names_ = std::move(durable);
  after->first_files_ = after->files_;
  after->first_names_ = after->names_;
  return after;
}

}  // namespace vakt

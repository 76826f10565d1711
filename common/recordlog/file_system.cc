// SPDX-License-Identifier: Apache-2.0
#include "common/recordlog/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"

namespace vakt {
namespace {

absl::Status LastError(const char* operation, const std::string& path) {
  return ErrnoStatus(errno, absl::StrCat(operation, " ", path));
}

class RealAppendFile : public AppendFile {
 public:
  RealAppendFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  absl::Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written =
          pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_bytes_));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return LastError("write", path_);
      bytes.remove_prefix(static_cast<size_t>(written));
      size_bytes_ += static_cast<uint64_t>(written);
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    // fdatasync also writes the size, which is all of the metadata that reading back needs.
    return fdatasync(fd_.get()) == 0 ? absl::OkStatus() : LastError("fdatasync", path_);
  }

  absl::Status Trim() override {
    return ftruncate(fd_.get(), static_cast<off_t>(size_bytes_)) == 0
               ? absl::OkStatus()
               : LastError("truncate", path_);
  }

 private:
  const UniqueFd fd_;
  const std::string path_;
  uint64_t size_bytes_ = 0;  // written
};

class RealReadableFile : public ReadableFile {
 public:
  RealReadableFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, size_t size, char* out) const override {
    size_t done = 0;
    while (done < size) {
      const ssize_t got =
          pread(fd_.get(), out + done, size - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return LastError("read", path_);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  absl::StatusOr<uint64_t> Size() const override {
    struct stat info;
    if (fstat(fd_.get(), &info) != 0) return LastError("stat", path_);
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  const UniqueFd fd_;
  const std::string path_;
};

class RealFileLock : public FileLock {
 public:
  explicit RealFileLock(UniqueFd fd) : fd_(std::move(fd)) {}

 private:
  const UniqueFd fd_;
};

class KernelFileSystem : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<AppendFile>> Create(const std::string& path,
                                                     uint64_t reserve_bytes) override {
    UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return LastError("create", path);
    if (reserve_bytes > 0 && fallocate(fd.get(), 0, 0, static_cast<off_t>(reserve_bytes)) != 0 &&
        errno != EOPNOTSUPP && errno != ENOSYS) {
      const absl::Status status = LastError("reserve", path);
      unlink(path.c_str());
      return status;
    }
    return std::make_unique<RealAppendFile>(std::move(fd), path);
  }

  absl::StatusOr<std::unique_ptr<ReadableFile>> Open(const std::string& path) override {
    UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return LastError("open", path);
    return std::make_unique<RealReadableFile>(std::move(fd), path);
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    return rename(from.c_str(), to.c_str()) == 0
               ? absl::OkStatus()
               : LastError("rename", absl::StrCat(from, " to ", to));
  }

  absl::Status Unlink(const std::string& path) override {
    return unlink(path.c_str()) == 0 ? absl::OkStatus() : LastError("unlink", path);
  }

  absl::Status MakeDirectory(const std::string& path) override {
    for (size_t slash = path.find('/', 1); slash != path.npos; slash = path.find('/', slash + 1)) {
      const std::string parent = path.substr(0, slash);
      if (mkdir(parent.c_str(), 0700) != 0 && errno != EEXIST) return LastError("mkdir", parent);
    }
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return LastError("mkdir", path);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
    if (directory == nullptr) return LastError("list", path);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = readdir(directory.get())) {
      struct stat info;
      if (fstatat(dirfd(directory.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISREG(info.st_mode)) {
        names.emplace_back(entry->d_name);
      }
      errno = 0;
    }
    if (errno != 0) return LastError("list", path);
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::Status SyncDirectory(const std::string& path) override {
    UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return LastError("open", path);
    return fsync(fd.get()) == 0 ? absl::OkStatus() : LastError("fsync", path);
  }

  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) return LastError("create", path);
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return LastError("lock", path);
      return absl::FailedPreconditionError(absl::StrCat(path, " is held by another process"));
    }
    return std::make_unique<RealFileLock>(std::move(fd));
  }
};

}  // namespace

FileSystem& RealFileSystem() {
  static KernelFileSystem& file_system = *new KernelFileSystem;
  return file_system;
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::StatusOr<std::string> ReadWholeFile(FileSystem& file_system, const std::string& path,
                                          size_t max_bytes) {
  VAKT_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, file_system.Open(path));
  VAKT_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(path, ": ", size, " bytes, over the limit of ", max_bytes));
  }
  std::string contents(size, '\0');
  VAKT_ASSIGN_OR_RETURN(const size_t got, file->ReadAt(0, contents.size(), contents.data()));
  contents.resize(got);
  return contents;
}

absl::Status ReplaceFile(FileSystem& file_system, const std::string& path,
                         std::string_view contents, bool durable) {
  const std::string temporary = path + ".tmp";
  if (absl::Status status = file_system.Unlink(temporary);
      !status.ok() && !absl::IsNotFound(status)) {
    return status;
  }
  {
    VAKT_ASSIGN_OR_RETURN(const std::unique_ptr<AppendFile> file, file_system.Create(temporary, 0));
    VAKT_RETURN_IF_ERROR(file->Append(contents));
    if (durable) VAKT_RETURN_IF_ERROR(file->Sync());
  }
  VAKT_RETURN_IF_ERROR(file_system.Rename(temporary, path));
  return durable ? file_system.SyncDirectory(DirectoryOf(path)) : absl::OkStatus();
}

}  // namespace vakt

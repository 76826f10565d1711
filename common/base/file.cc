// SPDX-License-Identifier: Apache-2.0
#include "common/base/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/unique_fd.h"

namespace vakt {
namespace {

constexpr size_t kReadChunkBytes = 64 << 10;

absl::Status WriteAll(int fd, std::string_view contents, std::string_view path) {
  while (!contents.empty()) {
    const ssize_t n = write(fd, contents.data(), contents.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(errno, StrCat("write ", path));
    }
    contents.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status SyncParentDirectory(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory =
      slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
  UniqueFd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return ErrnoStatus(errno, StrCat("open directory ", directory));
  if (fsync(fd.get()) != 0) return ErrnoStatus(errno, StrCat("sync directory ", directory));
  return absl::OkStatus();
}

absl::Status WriteAndSync(int fd, std::string_view contents, mode_t mode, const std::string& path) {
  VAKT_RETURN_IF_ERROR(WriteAll(fd, contents, path));
  if (fchmod(fd, mode) != 0) return ErrnoStatus(errno, StrCat("set mode of ", path));
  if (fsync(fd) != 0) return ErrnoStatus(errno, StrCat("sync ", path));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFile(std::string_view path, size_t max_bytes) {
  UniqueFd fd(open(std::string(path).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return ErrnoStatus(errno, StrCat("open ", path));
  std::string contents;
  size_t size = 0;
  while (true) {
    // One byte beyond the limit tells a file of exactly max_bytes from a longer one.
    const size_t want = std::min(kReadChunkBytes, max_bytes - size + 1);
    contents.resize(size + want);
    const ssize_t n = read(fd.get(), contents.data() + size, want);
    if (n < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(errno, StrCat("read ", path));
    }
    size += static_cast<size_t>(n);
    if (n == 0) break;
    if (size > max_bytes) {
      return absl::ResourceExhaustedError(
          StrCat("read ", path, ": larger than the limit of ", max_bytes, " bytes"));
    }
  }
  contents.resize(size);
  return contents;
}

absl::Status WriteFileAtomically(std::string_view path, std::string_view contents, mode_t mode) {
  const std::string target(path);
  std::string temporary = StrCat(path, ".tmp.XXXXXX");
  UniqueFd fd(mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return ErrnoStatus(errno, StrCat("create ", temporary));
  absl::Status status = WriteAndSync(fd.get(), contents, mode, temporary);
  if (status.ok() && rename(temporary.c_str(), target.c_str()) != 0) {
    status = ErrnoStatus(errno, StrCat("rename ", temporary, " to ", target));
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return SyncParentDirectory(target);
}

absl::Status MakeDirectories(std::string_view path, mode_t mode) {
  const std::string whole(path);
  for (size_t end = 0; end < whole.size();) {
    end = std::min(whole.find('/', end + 1), whole.size());
    const std::string part = whole.substr(0, end);
    if (mkdir(part.c_str(), mode) == 0 || errno == EEXIST) continue;
    return ErrnoStatus(errno, StrCat("make directory ", part));
  }
  struct stat st;
  if (stat(whole.c_str(), &st) != 0) return ErrnoStatus(errno, StrCat("stat ", whole));
  if (!S_ISDIR(st.st_mode)) return ErrnoStatus(ENOTDIR, StrCat("make directory ", whole));
  return absl::OkStatus();
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "collector/store/backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/unique_fd.h"

namespace vakt {
namespace {

absl::Status SyncPath(const std::string& path, int flags) {
  const UniqueFd file(open(path.c_str(), flags | O_CLOEXEC));
  if (file && fsync(file.get()) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, StrCat("sync ", path));
}

// VACUUM INTO reads one snapshot of the log: writers go on meanwhile.
absl::Status CopyInto(const std::string& from, const std::string& path) {
  VAKT_ASSIGN_OR_RETURN(const auto source, Database::Open(from, Database::Mode::kReadOnly));
  VAKT_ASSIGN_OR_RETURN(Statement vacuum, source->Prepare("VACUUM INTO ?1"));
  return vacuum.Run(path);
}

absl::StatusOr<BackupResult> Examine(const std::string& path) {
  VAKT_ASSIGN_OR_RETURN(const auto copy, Database::Open(path, Database::Mode::kReadOnly));
  VAKT_RETURN_IF_ERROR(CheckIntegrity(*copy, path));
  BackupResult result;
  VAKT_ASSIGN_OR_RETURN(Statement count, copy->Prepare("SELECT count(*) FROM record"));
  VAKT_RETURN_IF_ERROR(count.Step().status());
  result.records = static_cast<uint64_t>(count.Int(0));
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return ErrnoStatus(errno, StrCat("stat ", path));
  result.bytes = static_cast<uint64_t>(info.st_size);
  return result;
}

}  // namespace

absl::StatusOr<BackupResult> BackupDatabase(const std::string& from, const std::string& directory,
                                            const std::string& name) {
  VAKT_RETURN_IF_ERROR(MakeDirectories(directory, 0700));
  const std::string path = StrCat(directory, "/", name, ".db");
  if (access(path.c_str(), F_OK) == 0) {
    return absl::AlreadyExistsError(StrCat("there is a backup ", path, " already"));
  }
  const std::string unfinished = path + ".tmp";
  unlink(unfinished.c_str());  // of a backup that was cut short
  // Made here for its mode; an empty file is one that VACUUM INTO takes.
  if (const UniqueFd file(open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
      !file) {
    return ErrnoStatus(errno, StrCat("open ", unfinished));
  }
  absl::Status status = CopyInto(from, unfinished);
  if (status.ok()) status = SyncPath(unfinished, O_RDONLY);
  absl::StatusOr<BackupResult> result = status.ok() ? Examine(unfinished) : status;
  if (result.ok() && rename(unfinished.c_str(), path.c_str()) != 0) {
    result = ErrnoStatus(errno, StrCat("rename ", unfinished));
  }
  if (!result.ok()) {
    unlink(unfinished.c_str());
    return result;
  }
  VAKT_RETURN_IF_ERROR(SyncPath(directory, O_RDONLY | O_DIRECTORY));
  result->path = path;
  return result;
}

absl::Status CheckIntegrity(Database& database, const std::string& path) {
  absl::StatusOr<std::string> verdict = database.QueryText("PRAGMA quick_check(1)");
  if (verdict.ok() && *verdict == "ok") return absl::OkStatus();
  if (!verdict.ok() && !absl::IsDataLoss(verdict.status())) return verdict.status();
  return absl::DataLossError(
      StrCat("store ", path, " is damaged (", verdict.ok() ? *verdict : Message(verdict.status()),
             "): restore it from a backup, or move it away to start with an empty one"));
}

}  // namespace vakt

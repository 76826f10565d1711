// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/scope.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/unique_fd.h"

namespace vakt {

absl::StatusOr<std::string> CgroupRoot(const std::string& mounts_path) {
  VAKT_ASSIGN_OR_RETURN(const std::string mounts, ReadFile(mounts_path));
  for (absl::string_view line : absl::StrSplit(mounts, '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (words.size() >= 3 && words[2] == "cgroup2") return words[1];
  }
  return absl::NotFoundError("no cgroup v2 hierarchy is mounted: mount -t cgroup2 none DIR");
}

absl::StatusOr<Scope> ScopeOf(const std::string& directory) {
  UniqueFd at(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!at) return ErrnoStatus(errno, StrCat("scope directory ", directory));
  struct statfs fs;
  struct stat here;
  if (fstatfs(at.get(), &fs) != 0 || fs.f_type != CGROUP2_SUPER_MAGIC ||
      fstat(at.get(), &here) != 0) {
    return absl::InvalidArgumentError(StrCat(
        "scope ", directory, " is not a cgroup v2 directory (a hybrid system has them below ",
        CgroupRoot().value_or("/sys/fs/cgroup/unified"), ")"));
  }
  Scope scope{.cgroup_id = here.st_ino};
  for (;;) {  // up to the root of the mount
    UniqueFd up(openat(at.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct stat above;
    if (!up || fstat(up.get(), &above) != 0) return ErrnoStatus(errno, directory + "/..");
    if (above.st_dev != here.st_dev || above.st_ino == here.st_ino) return scope;
    ++scope.level;
    at = std::move(up);
    here = above;
  }
}

}  // namespace vakt

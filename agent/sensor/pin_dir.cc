// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/pin_dir.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

// Links first: what is taken away last is what they use.
constexpr std::pair<Pinned, std::string_view> kFolders[] = {{Pinned::kLink, "links"},
                                                            {Pinned::kProgram, "programs"},
                                                            {Pinned::kRing, "rings"},
                                                            {Pinned::kFlowTable, "flows"},
                                                            {Pinned::kMap, "maps"}};
constexpr std::string_view kUnfinished = "unfinished";

std::string FolderOf(const std::string& set, Pinned what) {
  for (const auto& [folder, name] : kFolders) {
    if (folder == what) return StrCat(set, "/", name);
  }
  return set;
}

std::vector<std::string> EntriesOf(const std::string& path) {
  std::vector<std::string> names;
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return names;
  while (const dirent* entry = readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  closedir(directory);
  std::sort(names.begin(), names.end());
  return names;
}

// Removes nothing that it does not know.
absl::Status RemoveSet(const std::string& path) {
  for (const auto& [what, folder] : kFolders) {
    const std::string at = FolderOf(path, what);
    for (const std::string& name : EntriesOf(at)) unlink(StrCat(at, "/", name).c_str());
    if (rmdir(at.c_str()) != 0 && errno != ENOENT) {
      return ErrnoStatus(errno, StrCat("removing ", at));
    }
  }
  if (rmdir(path.c_str()) != 0 && errno != ENOENT) {
    return ErrnoStatus(errno, StrCat("removing ", path));
  }
  return absl::OkStatus();
}

// "<16 hex digits>_<16 hex digits>"
bool IsSetName(std::string_view name) {
  constexpr size_t kHalf = 16;
  if (name.size() != 2 * kHalf + 1 || name[kHalf] != '_') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '_';
  });
}

}  // namespace

PinnedSet::PinnedSet(PinnedSet&& other) noexcept
    : path_(std::exchange(other.path_, "")), published_(other.published_) {}

PinnedSet::~PinnedSet() {
  if (!published_ && !path_.empty()) RemoveSet(path_).IgnoreError();
}

std::string PinnedSet::name() const { return path_.substr(path_.rfind('/') + 1); }

std::string PinnedSet::PathOf(Pinned what, std::string_view name) const {
  return StrCat(FolderOf(path_, what), "/", name);
}

absl::Status PinnedSet::Pin(Pinned what, std::string_view name, int fd) {
  const std::string path = PathOf(what, name);
  if (bpf_obj_pin(fd, path.c_str()) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, StrCat("pinning ", path));
}

absl::StatusOr<UniqueFd> PinnedSet::Open(Pinned what, std::string_view name) const {
  const std::string path = PathOf(what, name);
  UniqueFd fd(bpf_obj_get(path.c_str()));
  if (!fd) return ErrnoStatus(errno, StrCat("opening ", path));
  return fd;
}

std::vector<std::string> PinnedSet::NamesOf(Pinned what) const {
  return EntriesOf(FolderOf(path_, what));
}

void PinnedSet::Unpin(Pinned what, std::string_view name) { unlink(PathOf(what, name).c_str()); }

absl::Status PinnedSet::Publish(std::string_view name) {
  const std::string path = StrCat(path_.substr(0, path_.rfind('/') + 1), name);
  if (rename(path_.c_str(), path.c_str()) != 0) {
    return ErrnoStatus(errno, StrCat("renaming ", path_, " to ", path));
  }
  path_ = path;
  published_ = true;
  return absl::OkStatus();
}

absl::Status PinnedSet::Remove() { return RemoveSet(std::exchange(path_, "")); }

absl::StatusOr<std::unique_ptr<PinDir>> PinDir::Open(const std::string& path) {
  const bool made = mkdir(path.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) {
    return ErrnoStatus(errno, StrCat("making the pin directory ", path));
  }
  UniqueFd lock(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock) return ErrnoStatus(errno, StrCat("opening the pin directory ", path));
  struct statfs fs;
  if (fstatfs(lock.get(), &fs) != 0) return ErrnoStatus(errno, path);
  if (fs.f_type != BPF_FS_MAGIC) {
    if (made) rmdir(path.c_str());
    return absl::InvalidArgumentError(
        StrCat("the pin directory ", path,
               " is on no BPF file system: take one below /sys/fs/bpf, or mount -t bpf none DIR"));
  }
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        StrCat("another agent keeps its hooks in ", path, ": stop it first"));
  }
  return std::unique_ptr<PinDir>(new PinDir(path, std::move(lock)));
}

std::vector<std::string> PinDir::SetNames() const {
  std::vector<std::string> names = EntriesOf(path_);
  std::erase_if(names, [](const std::string& name) { return !IsSetName(name); });
  return names;
}

PinnedSet PinDir::Set(std::string_view name) const {
  return PinnedSet(StrCat(path_, "/", name), /*published=*/true);
}

absl::StatusOr<PinnedSet> PinDir::NewSet() const {
  PinnedSet set(StrCat(path_, "/", kUnfinished), /*published=*/false);
  VAKT_RETURN_IF_ERROR(RemoveSet(set.path_));
  if (mkdir(set.path_.c_str(), 0700) != 0) return ErrnoStatus(errno, set.path_);
  for (const auto& [what, folder] : kFolders) {
    const std::string at = FolderOf(set.path_, what);
    if (mkdir(at.c_str(), 0700) != 0) return ErrnoStatus(errno, at);
  }
  return set;
}

absl::Status PinDir::RemoveAll() {
  VAKT_RETURN_IF_ERROR(RemoveSet(StrCat(path_, "/", kUnfinished)));
  for (const std::string& name : SetNames())
    VAKT_RETURN_IF_ERROR(RemoveSet(StrCat(path_, "/", name)));
  // EBUSY: the root of a mount. ENOTEMPTY: somebody else uses it, too.
  if (rmdir(path_.c_str()) == 0 || errno == EBUSY || errno == ENOTEMPTY) return absl::OkStatus();
  return ErrnoStatus(errno, StrCat("removing ", path_));
}

}  // namespace vakt

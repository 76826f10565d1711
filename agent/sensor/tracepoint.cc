// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/tracepoint.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr const char* kMountPoints[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

// A tracefs that is attached nowhere: nothing on the machine sees it, and it goes with the fd.
absl::StatusOr<UniqueFd> MountDetached() {
  UniqueFd context(static_cast<int>(syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC)));
  if (!context) return ErrnoStatus(errno, "opening tracefs (is it built into this kernel?)");
  if (syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return ErrnoStatus(errno, "creating a private tracefs");
  }
  UniqueFd mount(static_cast<int>(syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0)));
  if (!mount) return ErrnoStatus(errno, "mounting a private tracefs");
  return mount;
}

absl::StatusOr<uint64_t> ReadId(int root, const std::string& path) {
  UniqueFd fd(openat(root, path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return ErrnoStatus(errno, StrCat("tracepoint file ", path));
  char text[32];
  const ssize_t size = read(fd.get(), text, sizeof(text));
  uint64_t id = 0;
  if (size <= 0 || !absl::SimpleAtoi(absl::StripAsciiWhitespace({text, size_t(size)}), &id)) {
    return absl::DataLossError(StrCat("tracepoint file ", path, " holds no number"));
  }
  return id;
}

}  // namespace

absl::StatusOr<Tracefs> Tracefs::Open() {
  for (const char* path : kMountPoints) {
    UniqueFd root(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (root && faccessat(root.get(), "events/syscalls", R_OK, 0) == 0) {
      return Tracefs(std::move(root));
    }
  }
  VAKT_ASSIGN_OR_RETURN(UniqueFd root, MountDetached());
  return Tracefs(std::move(root));
}

absl::StatusOr<UniqueFd> Tracefs::OpenTracepoint(std::string_view name) const {
  VAKT_ASSIGN_OR_RETURN(const uint64_t id, ReadId(root_.get(), StrCat("events/", name, "/id")));
  perf_event_attr attr = {};
  attr.type = PERF_TYPE_TRACEPOINT;
  attr.size = sizeof(attr);
  attr.config = id;
  // One event on one CPU: the program is attached to the tracepoint and runs on all of them.
  UniqueFd fd(
      static_cast<int>(syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!fd) return ErrnoStatus(errno, StrCat("perf event of tracepoint ", name));
  return fd;
}

}  // namespace vakt

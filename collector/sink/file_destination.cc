// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/file_destination.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "absl/time/clock.h"
#include "common/alert/falco_json.h"
#include "common/alert/text.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/wakeup.h"

namespace vakt {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr int kPollMs = 100;

}  // namespace

absl::StatusOr<std::unique_ptr<Destination>> FileDestination::Create(const SinkConfig& config) {
  // The first batch opens it: a file system that is not there yet is no reason not to start.
  return std::unique_ptr<Destination>(
      new FileDestination(config.Str("path"), config.Str("format") == "text"));
}

absl::Status FileDestination::Open() {
  // No waiting for a reader, should it be a pipe.
  file_ = UniqueFd(
      open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640));
  if (!file_) return ErrnoStatus(errno, StrCat("open ", path_));
  // A line that an earlier collector did not finish must not swallow the first of ours.
  struct stat info;
  char last = '\n';
  torn_ = fstat(file_.get(), &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
          pread(file_.get(), &last, 1, info.st_size - 1) == 1 && last != '\n';
  return absl::OkStatus();
}

absl::Status FileDestination::OpenIfMoved() {
  struct stat named;
  struct stat held;
  const bool same = file_ && !reopen_.exchange(false) && stat(path_.c_str(), &named) == 0 &&
                    fstat(file_.get(), &held) == 0 && named.st_ino == held.st_ino &&
                    named.st_dev == held.st_dev;
  return same ? absl::OkStatus() : Open();
}

// Only a pipe is ever full for a while. False: still is at the deadline, or it is time to stop.
bool FileDestination::AwaitRoom(absl::Time deadline) const {
  pollfd fd = {file_.get(), POLLOUT, 0};
  while (SteadyNow() < deadline && !cancelled_) {
    if (poll(&fd, 1, kPollMs) > 0) return true;
  }
  errno = EAGAIN;
  return false;
}

absl::Status FileDestination::Write(const std::string& lines) {
  const absl::Time deadline = SteadyNow() + kPatience;
  std::string_view rest = lines;
  while (!rest.empty()) {
    const ssize_t count = write(file_.get(), rest.data(), rest.size());
    if (count < 0 && (errno == EINTR || (errno == EAGAIN && AwaitRoom(deadline)))) continue;
    if (count < 0) {
      const absl::Status status = ErrnoStatus(errno, StrCat("write ", path_));
      torn_ = torn_ || rest.size() < lines.size();
      return status;
    }
    rest.remove_prefix(static_cast<size_t>(count));
  }
  torn_ = false;
  // Pipes and devices cannot be synced, and need not.
  if (fdatasync(file_.get()) == 0 || errno == EINVAL || errno == EROFS) return absl::OkStatus();
  const absl::Status status = ErrnoStatus(errno, StrCat("sync ", path_));
  file_.reset();  // the kernel tells of a lost page once: what was written counts for nothing
  return status;
}

std::vector<Delivery> FileDestination::Deliver(absl::Span<const v1::StoredRecord> records) {
  absl::Status status = OpenIfMoved();
  if (status.ok()) {
    std::string lines(torn_ ? "\n" : "");
    for (const v1::StoredRecord& record : records) {
      if (as_text_) {
        lines += AlertText(record.record().alert());
      } else {
        AppendFalcoJson(record.record().alert(), &lines);
      }
      lines += '\n';
    }
    status = Write(lines);
  }
  Delivery delivery = {Delivery::Result::kDelivered, ""};
  if (!status.ok()) delivery = {Delivery::Result::kRetry, std::string(Message(status))};
  return std::vector<Delivery>(records.size(), delivery);
}

}  // namespace vakt

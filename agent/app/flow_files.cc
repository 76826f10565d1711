// SPDX-License-Identifier: Apache-2.0
#include "agent/app/flow_files.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/rulelang/load.h"

namespace vakt {
namespace {

constexpr int kLookMs = 3000;
constexpr int kSettleMs = 100;  // a file that did not change for so long is whole

std::string StampOf(const std::string& path) { return RuleFilesStamp({&path, 1}); }

absl::Status LoadSegments(const std::string& path, FlowFileContents* contents) {
  VAKT_ASSIGN_OR_RETURN(const std::string yaml, ReadFile(path));
  VAKT_ASSIGN_OR_RETURN(Segments segments, Segments::Parse(path, yaml));
  contents->segments = std::make_shared<const Segments>(std::move(segments));
  return absl::OkStatus();
}

}  // namespace

FlowFiles::FlowFiles(const FlowFilePaths& paths, UniqueFd wake) : wake_(std::move(wake)) {
  const auto add = [this](const std::string& path, auto load) {
    if (path.empty()) return;
    files_.push_back(
        {path, [path, load](FlowFileContents* contents) { return load(path, contents); }, ""});
  };
  add(paths.segments, LoadSegments);
}

absl::StatusOr<std::unique_ptr<FlowFiles>> FlowFiles::Start(const FlowFilePaths& paths) {
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return ErrnoStatus(errno, "eventfd");
  std::unique_ptr<FlowFiles> files(new FlowFiles(paths, std::move(wake)));
  for (File& file : files->files_) {
    file.stamp = StampOf(file.path);  // before it is read: a later change shows
    VAKT_RETURN_IF_ERROR(file.load(&files->contents_));
  }
  files->offered_ = files->contents_;
  if (!files->files_.empty()) files->thread_ = std::thread([f = files.get()] { f->Run(); });
  return files;
}

FlowFiles::~FlowFiles() {
  end_.store(true);
  Request();
  if (thread_.joinable()) thread_.join();
}

void FlowFiles::Request() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
}

std::optional<FlowFileContents> FlowFiles::Take() {
  std::lock_guard lock(mutex_);
  return std::exchange(offered_, std::nullopt);
}

void FlowFiles::Run() {
  bool requested = false;
  while (WaitForReason(&requested)) Reload(requested);
}

bool FlowFiles::HasChanges() const {
  for (const File& file : files_) {
    if (StampOf(file.path) != file.stamp) return true;
  }
  return false;
}

bool FlowFiles::WaitForReason(bool* requested) {
  for (;;) {
    pollfd event = {wake_.get(), POLLIN, 0};
    poll(&event, 1, kLookMs);
    if (end_.load()) return false;
    *requested = (event.revents & POLLIN) != 0;
    if (*requested) {
      uint64_t value;
      [[maybe_unused]] const ssize_t got = read(wake_.get(), &value, sizeof(value));
      return true;
    }
    if (!HasChanges()) continue;
    std::vector<std::string> before, now;
    do {
      before = std::exchange(now, {});
      for (const File& file : files_) now.push_back(StampOf(file.path));
      event.revents = 0;
      poll(&event, 1, kSettleMs);
    } while (before != now && event.revents == 0);
    return !end_.load();
  }
}

void FlowFiles::Reload(bool all) {
  bool is_new = false;
  for (File& file : files_) {
    std::string stamp = StampOf(file.path);
    if (!all && stamp == file.stamp) continue;
    file.stamp = std::move(stamp);
    if (const absl::Status status = file.load(&contents_); !status.ok()) {
      ++refused_;
      LogError(StrCat("what ", file.path, " held before stays in force: ", Message(status)));
      continue;
    }
    ++loaded_;
    is_new = true;
    LogInfo(StrCat(file.path, " was read anew"));
  }
  if (!is_new) return;
  std::lock_guard lock(mutex_);
  offered_ = contents_;
}

}  // namespace vakt

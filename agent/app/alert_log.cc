// SPDX-License-Identifier: Apache-2.0
#include "agent/app/alert_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/memory/memory.h"
#include "common/alert/falco_json.h"
#include "common/alert/text.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr size_t kQueueBytes = 4u << 20;  // about 4,000 alerts: seconds of a stalled reader

}  // namespace

absl::StatusOr<std::unique_ptr<AlertLog>> AlertLog::Open(const std::string& path,
                                                         AlertFormat format) {
  UniqueFd fd(path == "-" ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                          : open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
  if (!fd) return ErrnoStatus(errno, StrCat("opening the alert file ", path, " (--alerts)"));
  return absl::WrapUnique(new AlertLog(path, std::move(fd), format));
}

AlertLog::AlertLog(std::string path, UniqueFd fd, AlertFormat format)
    : path_(std::move(path)),
      fd_(std::move(fd)),
      format_(format),
      writer_(&AlertLog::RunWriter, this) {}

AlertLog::~AlertLog() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  writer_.join();
}

bool AlertLog::Write(const v1::Alert& alert) {
  std::string line;
  if (format_ == AlertFormat::kJson) {
    AppendFalcoJson(alert, &line);
  } else {
    line = AlertText(alert);
  }
  line += '\n';
  {
    std::lock_guard lock(mutex_);
    if (queued_.size() + line.size() > kQueueBytes) return false;
    queued_ += line;
  }
  wake_.notify_one();
  return true;
}

uint64_t AlertLog::write_errors() const {
  std::lock_guard lock(mutex_);
  return write_errors_;
}

void AlertLog::RunWriter() {
  std::string lines;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock,
                 [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return closing_ || !queued_.empty(); });
      if (queued_.empty()) return;
      lines.clear();
      lines.swap(queued_);
    }
    WriteAll(lines);
  }
}

void AlertLog::WriteAll(const std::string& lines) {
  size_t done = 0;
  while (done < lines.size()) {
    const ssize_t written = write(fd_.get(), lines.data() + done, lines.size() - done);
    if (written > 0) {
      done += static_cast<size_t>(written);
      continue;
    }
    if (written < 0 && errno == EINTR) continue;
    const int error = errno;
    if (LogEvery("alert_log", absl::Minutes(1))) {
      LogError(Message(ErrnoStatus(error, StrCat("writing alerts to ", path_))));
    }
    std::lock_guard lock(mutex_);
    write_errors_ += static_cast<uint64_t>(std::count(lines.begin() + done, lines.end(), '\n'));
    return;
  }
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/app/state_writer.h"

#include <utility>

#include "absl/time/time.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {

StateWriter::StateWriter(std::string path) : path_(std::move(path)) {
  thread_ = std::thread([this] { Run(); });
}

StateWriter::~StateWriter() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void StateWriter::Write(std::string contents) {
  {
    std::lock_guard lock(mutex_);
    next_ = std::move(contents);
  }
  changed_.notify_all();
}

void StateWriter::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(
        lock, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopping_ || next_.has_value(); });
    if (!next_.has_value()) return;
    const std::string contents = *std::exchange(next_, std::nullopt);
    lock.unlock();
    const absl::Status status = WriteFileAtomically(path_, contents, 0600);
    if (!status.ok() && LogEvery("state_writer", absl::Minutes(1))) {
      LogWarning(StrCat("will be forgotten at the next start: ", Message(status)));
    }
    lock.lock();
  }
}

}  // namespace vakt

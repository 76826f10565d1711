// SPDX-License-Identifier: Apache-2.0
#include "agent/app/run_stamp.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/recordlog/crc32c.h"

namespace vakt {
namespace {

constexpr auto kPeriod = std::chrono::seconds(1);
constexpr size_t kStampBytes = 256;  // one sector: written whole or not at all

// "<boot id> <version> <wall ns> <stopped> <tier> <crc>", padded with blanks.
std::string Encode(const RunStamp::Run& run) {
  const std::string text = StrCat(run.boot_id, " ", run.version, " ", run.last_wall_ns, " ",
                                  run.stopped ? 1 : 0, " ", run.tier);
  std::string stamp = StrCat(text, " ", Crc32c(text));
  stamp.resize(kStampBytes - 1, ' ');
  return stamp + "\n";
}

}  // namespace

std::optional<RunStamp::Run> RunStamp::ReadPrevious(const std::string& path) {
  const auto text = ReadFile(path, kStampBytes);
  if (!text.ok()) return std::nullopt;
  const std::vector<std::string> words =
      absl::StrSplit(*text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  if (words.size() != 6) return std::nullopt;
  Run run;
  run.boot_id = words[0];
  run.version = words[1];
  run.stopped = words[3] == "1";
  run.tier = words[4];
  if (!absl::SimpleAtoi(words[2], &run.last_wall_ns) || Encode(run) != *text) return std::nullopt;
  return run;
}

absl::StatusOr<std::unique_ptr<RunStamp>> RunStamp::Begin(const std::string& path, Run now) {
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return ErrnoStatus(errno, StrCat("open ", path));
  return std::unique_ptr<RunStamp>(new RunStamp(path, std::move(fd), std::move(now)));
}

RunStamp::RunStamp(std::string path, UniqueFd fd, Run now)
    : path_(std::move(path)),
      fd_(std::move(fd)),
      run_(std::move(now)),
      last_wall_ns_(run_.last_wall_ns),
      writer_([this] { RunWriter(); }) {}

RunStamp::~RunStamp() { Join(); }

void RunStamp::Join() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  if (writer_.joinable()) writer_.join();
}

void RunStamp::Stop(int64_t wall_ns) {
  Join();
  Beat(wall_ns);
  Write(/*stopped=*/true);
}

void RunStamp::RunWriter() {
  pthread_setname_np(pthread_self(), "vakt-stamp");
  std::unique_lock lock(mutex_);
  do {
    lock.unlock();
    Write(/*stopped=*/false);
    lock.lock();
  } while (
      !wake_.wait_for(lock, kPeriod, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return closing_; }));
}

void RunStamp::Write(bool stopped) {
  Run run = run_;
  run.last_wall_ns = last_wall_ns_.load(std::memory_order_relaxed);
  run.stopped = stopped;
  const std::string stamp = Encode(run);
  if (pwrite(fd_.get(), stamp.data(), stamp.size(), 0) == static_cast<ssize_t>(stamp.size())) {
    return;
  }
  if (LogEvery("run_stamp", absl::Minutes(5))) {
    LogWarning(StrCat("the time of this run cannot be written: ",
                      Message(ErrnoStatus(errno, StrCat("write ", path_)))));
  }
}

}  // namespace vakt

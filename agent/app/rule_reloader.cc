// SPDX-License-Identifier: Apache-2.0
#include "agent/app/rule_reloader.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/rulelang/load.h"

namespace vakt {
namespace {

constexpr int kLookMs = 3000;   // between two looks at the files, each of which costs about 1 ms
constexpr int kSettleMs = 100;  // files that did not change for so long are whole

}  // namespace

RuleReloader::RuleReloader(RuleSource source, Hooks hooks, UniqueFd wake)
    : source_(std::move(source)), hooks_(std::move(hooks)), wake_(std::move(wake)) {}

absl::StatusOr<std::unique_ptr<RuleReloader>> RuleReloader::Start(
    RuleSource source, std::string rules_hash, std::vector<std::string> item_files, KindSet kinds,
    Hooks hooks) {
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return ErrnoStatus(errno, "eventfd");
  auto reloader = std::unique_ptr<RuleReloader>(
      new RuleReloader(std::move(source), std::move(hooks), std::move(wake)));
  reloader->item_files_ = std::move(item_files);
  reloader->loaded_stamp_ = reloader->Stamp();
  reloader->rules_hash_ = std::move(rules_hash);
  reloader->kinds_ = kinds;
  reloader->thread_ = std::thread([r = reloader.get()] { r->Run(); });
  return reloader;
}

RuleReloader::~RuleReloader() {
  end_.store(true);
  Request();
  { std::lock_guard lock(mutex_); }  // who waits has seen the flag or waits by now
  changed_.notify_all();
  thread_.join();
}

void RuleReloader::Request() {
  requests_.fetch_add(1);
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
}

absl::Status RuleReloader::RequestAndWait(absl::Duration timeout) {
  Request();
  const uint64_t request = requests_.load();
  std::unique_lock lock(mutex_);
  const bool answered =
      changed_.wait_for(lock, absl::ToChronoMilliseconds(timeout),
                        [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return answered_ >= request; });
  if (!answered) return absl::DeadlineExceededError("the rules are still being loaded");
  return last_status_;
}

std::string RuleReloader::Stamp() const {
  std::vector<std::string> paths = source_.paths;
  paths.insert(paths.end(), item_files_.begin(), item_files_.end());
  return RuleFilesStamp(paths);
}

void RuleReloader::Run() {
  while (WaitForReason()) Reload();
}

bool RuleReloader::WaitForReason() {
  for (;;) {
    pollfd event = {wake_.get(), POLLIN, 0};
    poll(&event, 1, kLookMs);
    if (end_.load()) return false;
    if ((event.revents & POLLIN) != 0) {
      uint64_t value;
      [[maybe_unused]] const ssize_t got = read(wake_.get(), &value, sizeof(value));
      return true;
    }
    std::string stamp = Stamp();
    if (stamp == loaded_stamp_) continue;
    do {  // a request need not wait for this
      event.revents = 0;
      poll(&event, 1, kSettleMs);
      std::swap(loaded_stamp_, stamp);
      stamp = Stamp();
    } while (stamp != loaded_stamp_ && event.revents == 0);
    return !end_.load();
  }
}

void RuleReloader::Reload() {
  const uint64_t request = requests_.load();
  loaded_stamp_ = Stamp();  // before they are read: a later change shows
  const std::vector<std::string> stamped = item_files_;
  absl::StatusOr<ActiveRules> active = CompileRuleFiles(source_, &item_files_);
  if (item_files_ != stamped) loaded_stamp_ = Stamp();
  Update update;
  if (!active.ok()) {
    update.status = active.status();
    LogError(StrCat("the rules stay as they are: ", Message(update.status)));
    if (!Offer(&update)) return;
  } else if (active->rules->hash == rules_hash_) {
    LogInfo("rules: nothing has changed");
    if (!Offer(&update)) return;
  } else {
    const KindSet kinds = active->matcher->kinds();
    rules_hash_ = active->rules->hash;
    update.active = *std::move(active);
    hooks_.watch_kinds(kinds_ | kinds);
    if (!Offer(&update)) return;
    kinds_ = kinds;
    hooks_.watch_kinds(kinds);
  }
  std::lock_guard lock(mutex_);
  answered_ = request;
  last_status_ = update.status;
  changed_.notify_all();
}

bool RuleReloader::Offer(Update* update) {
  std::unique_ptr<Matcher> old;
  {
    std::unique_lock lock(mutex_);
    taken_ = false;
    offered_.store(update);
    hooks_.wake_pipeline();
    changed_.wait(lock, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return taken_ || end_.load(); });
    if (!taken_) return false;
    old = std::move(old_);
  }
  return true;  // `old` is freed here
}

RuleReloader::Update* RuleReloader::Take() { return offered_.load(std::memory_order_acquire); }

void RuleReloader::Done(std::unique_ptr<Matcher> old) {
  offered_.store(nullptr);
  {
    std::lock_guard lock(mutex_);
    taken_ = true;
    old_ = std::move(old);
  }
  changed_.notify_all();
}

}  // namespace vakt

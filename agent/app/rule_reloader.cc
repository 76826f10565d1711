// SPDX-License-Identifier: Apache-2.0
#include "agent/app/rule_reloader.h"

#include <functional>
#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/rulelang/load.h"

namespace vakt {

RuleReloader::RuleReloader(RuleSource source, Hooks hooks, std::unique_ptr<FileWatch> watch)
    : source_(std::move(source)), hooks_(std::move(hooks)), watch_(std::move(watch)) {}

absl::StatusOr<std::unique_ptr<RuleReloader>> RuleReloader::Start(
    RuleSource source, std::string rules_hash, std::vector<std::string> item_files, KindSet kinds,
    Hooks hooks) {
  VAKT_ASSIGN_OR_RETURN(std::unique_ptr<FileWatch> watch, FileWatch::Create());
  auto reloader = std::unique_ptr<RuleReloader>(
      new RuleReloader(std::move(source), std::move(hooks), std::move(watch)));
  reloader->item_files_ = std::move(item_files);
  reloader->loaded_stamp_ = reloader->Stamp();
  reloader->rules_hash_ = std::move(rules_hash);
  reloader->kinds_ = kinds;
  reloader->thread_ = std::thread([r = reloader.get()] { r->Run(); });
  return reloader;
}

RuleReloader::~RuleReloader() {
  end_.store(true);
  watch_->End();
  { std::lock_guard lock(mutex_); }  // who waits has seen the flag or waits by now
  changed_.notify_all();
  thread_.join();
}

void RuleReloader::Request() {
  requests_.fetch_add(1);
  watch_->Request();
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
  const auto stamp = std::bind_front(&RuleReloader::Stamp, this);
  while (watch_->Wait(stamp, loaded_stamp_) != FileWatch::Reason::kEnd) Reload();
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

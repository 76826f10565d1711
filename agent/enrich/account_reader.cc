// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/account_reader.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "agent/enrich/account_file.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/unique_fd.h"

namespace vakt {
namespace {

constexpr std::chrono::seconds kEndPatience{1};

// Without looking at what it is: opening a device or a pipe may do something, or wait.
absl::StatusOr<UniqueFd> OpenPlainFile(int root, const char* path) {
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const UniqueFd place(static_cast<int>(syscall(SYS_openat2, root, path, &how, sizeof(how))));
  if (!place) return ErrnoStatus(errno, StrCat("open ", path));
  struct stat st = {};
  if (fstat(place.get(), &st) != 0) return ErrnoStatus(errno, StrCat("stat ", path));
  if (!S_ISREG(st.st_mode)) {
    return absl::FailedPreconditionError(StrCat(path, " is no plain file"));
  }
  UniqueFd file(open(StrCat("/proc/self/fd/", place.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return ErrnoStatus(errno, StrCat("open ", path));
  return file;
}

// Its whole lines, as far as they are within the bound.
absl::StatusOr<std::string> ReadLines(int root, const char* path) {
  absl::StatusOr<UniqueFd> file = OpenPlainFile(root, path);
  if (absl::IsNotFound(file.status())) return std::string();
  VAKT_RETURN_IF_ERROR(file.status());
  std::string text(AccountReader::kMaxFileBytes, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file->get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, StrCat("read ", path));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  const bool is_cut = size == text.size();
  text.resize(is_cut ? text.rfind('\n', size - 1) + 1 : size);
  return text;
}

}  // namespace

absl::StatusOr<v1::ContainerAccounts> ReadContainerAccounts(const std::string& root) {
  const UniqueFd directory(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return ErrnoStatus(errno, StrCat("open ", root));
  VAKT_ASSIGN_OR_RETURN(const std::string users, ReadLines(directory.get(), "etc/passwd"));
  VAKT_ASSIGN_OR_RETURN(const std::string groups, ReadLines(directory.get(), "etc/group"));
  v1::ContainerAccounts accounts;
  AccountsToProto(ParsePasswd(users), accounts.mutable_users(), AccountReader::kMaxAccounts);
  AccountsToProto(ParseGroups(groups), accounts.mutable_groups(), AccountReader::kMaxAccounts);
  return accounts;
}

struct AccountReader::State {
  std::function<void()> on_read;
  std::atomic<bool> has_read = false;
  std::atomic<uint64_t> failures = 0;
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  bool ended ABSL_GUARDED_BY(mutex) = false;
  bool busy ABSL_GUARDED_BY(mutex) = false;
  bool hangs ABSL_GUARDED_BY(mutex) = false;  // somebody has waited for it in vain
  std::deque<std::pair<std::string, std::string>> queue ABSL_GUARDED_BY(mutex);  // id, root
  std::vector<v1::ContainerAccounts> read ABSL_GUARDED_BY(mutex);
};

AccountReader::AccountReader(std::function<void()> on_read) : state_(std::make_shared<State>()) {
  state_->on_read = std::move(on_read);
  thread_ = std::thread([state = state_] { Run(state); });
}

AccountReader::~AccountReader() {
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  state_->changed.notify_all();
  const bool ended = state_->changed.wait_for(
      lock, kEndPatience, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return state_->ended; });
  lock.unlock();
  if (ended) {
    thread_.join();
  } else {
    thread_.detach();  // in the kernel, for as long as a file system likes
  }
}

void AccountReader::Read(const std::string& container_id, const std::string& root) {
  {
    std::lock_guard lock(state_->mutex);
    if (state_->queue.size() >= kMaxQueued) {
      state_->failures.fetch_add(1);
      return;
    }
    state_->queue.emplace_back(container_id, root);
  }
  state_->changed.notify_all();
}

void AccountReader::WaitIdle(absl::Duration patience) {
  std::unique_lock lock(state_->mutex);
  if (state_->hangs) return;
  state_->hangs = !state_->changed.wait_for(
      lock, absl::ToChronoMicroseconds(patience),
      [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return state_->queue.empty() && !state_->busy; });
}

void AccountReader::Take(std::vector<v1::ContainerAccounts>* read) {
  if (!state_->has_read.load(std::memory_order_acquire)) return;
  std::lock_guard lock(state_->mutex);
  state_->has_read.store(false, std::memory_order_relaxed);
  std::move(state_->read.begin(), state_->read.end(), std::back_inserter(*read));
  state_->read.clear();
}

uint64_t AccountReader::failures() const { return state_->failures.load(); }

void AccountReader::Run(const std::shared_ptr<State>& state) {
  pthread_setname_np(pthread_self(), "vakt-accounts");
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->changed.wait(lock, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return state->stopping || !state->queue.empty();
    });
    if (state->stopping) break;
    const auto [id, root] = std::move(state->queue.front());
    state->queue.pop_front();
    state->busy = true;
    lock.unlock();
    absl::StatusOr<v1::ContainerAccounts> accounts = ReadContainerAccounts(root);
    lock.lock();
    state->busy = false;
    if (accounts.ok()) {
      accounts->set_container_id(id);
      state->read.push_back(*std::move(accounts));
      state->has_read.store(true, std::memory_order_release);
      if (!state->stopping) state->on_read();  // under the lock: never after the destructor
    } else {
      state->failures.fetch_add(1);
    }
    if (!state->queue.empty()) continue;
    state->hangs = false;
    state->changed.notify_all();
  }
  state->ended = true;
  state->changed.notify_all();
}

}  // namespace vakt

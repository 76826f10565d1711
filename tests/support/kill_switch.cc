// SPDX-License-Identifier: Apache-2.0
// A library to preload (LD_PRELOAD) into a program under test: it kills the program, as kill -9
// does, at one chosen place of its work on disk and network. The program is the one that is
// shipped; nothing in it knows of this.
//
//   VAKT_KILL="during write *-wal 3": half way through the third write to such a file
//
//   when       before, during (writes: half of the bytes are written), after
//   what       create, write, sync, truncate, rename (by the new name), unlink, send
//   path       as fnmatch(3) takes it; of a send: the file that must have been synced before it,
//              so that "send *-wal" is the first message after a commit; * takes any
//   which      the first is 1
//
// Threads: any.
#include <dlfcn.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

struct Order {
  char when[16] = "";
  char what[16] = "";
  char path[256] = "";
  int which = 0;
};

const Order& TheOrder() {
  static const Order order = [] {
    Order read;
    const char* text = getenv("VAKT_KILL");
    if (text == nullptr ||
        sscanf(text, "%15s %15s %255s %d", read.when, read.what, read.path, &read.which) != 4) {
      return Order();
    }
    return read;
  }();
  return order;
}

std::atomic<int> seen = 0;
std::atomic<bool> synced = false;  // since the last send

std::string PathOf(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof(path));
  return size < 0 ? std::string() : std::string(path, static_cast<size_t>(size));
}

[[noreturn]] void Die() {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

bool Is(const char* what) { return strcmp(TheOrder().what, what) == 0; }
bool When(const char* when) { return strcmp(TheOrder().when, when) == 0; }
bool Matches(const std::string& path) { return fnmatch(TheOrder().path, path.c_str(), 0) == 0; }
// Whether this is the one; each call is one more that was seen.
bool IsTheOne() { return ++seen == TheOrder().which; }

// What every function below does: dies before, or does `call` and may die after. `half` does a
// part.
template <typename Call, typename Half>
auto Around(bool chosen, Call call, Half half) {
  const bool now = chosen && IsTheOne();
  if (now && When("before")) Die();
  if (now && When("during")) {
    half();
    Die();
  }
  const auto result = call();
  const int error = errno;
  if (now) Die();
  errno = error;
  return result;
}
template <typename Call>
auto Around(bool chosen, Call call) {
  return Around(chosen, call, [] {});
}

template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

template <typename Offset, typename Real>
ssize_t WriteAt(Real* real, int fd, const void* data, size_t size, Offset at) {
  const bool chosen = Is("write") && Matches(PathOf(fd));
  return Around(
      chosen, [&] { return real(fd, data, size, at); }, [&] { real(fd, data, size / 2, at); });
}

template <typename Real>
int Sync(Real* real, int fd) {
  const bool chosen = Is("sync") && Matches(PathOf(fd));
  const int result = Around(chosen, [&] { return real(fd); });
  if (Is("send") && Matches(PathOf(fd))) synced = true;
  return result;
}

template <typename Real>
int OpenWith(Real* real, const char* path, int flags, mode_t mode) {
  const bool chosen = (flags & O_CREAT) != 0 && Is("create") && Matches(path);
  return Around(chosen, [&] { return real(path, flags, mode); });
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  static auto* real = Next<int(const char*, int, ...)>("open");
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return OpenWith(real, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  static auto* real = Next<int(const char*, int, ...)>("open64");
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return OpenWith(real, path, flags, mode);
}

ssize_t write(int fd, const void* data, size_t size) {
  static auto* real = Next<ssize_t(int, const void*, size_t)>("write");
  const bool chosen = Is("write") && Matches(PathOf(fd));
  return Around(
      chosen, [&] { return real(fd, data, size); }, [&] { real(fd, data, size / 2); });
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  static auto* real = Next<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return WriteAt(real, fd, data, size, at);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  static auto* real = Next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return WriteAt(real, fd, data, size, at);
}

int fsync(int fd) {
  static auto* real = Next<int(int)>("fsync");
  return Sync(real, fd);
}

int fdatasync(int fd) {
  static auto* real = Next<int(int)>("fdatasync");
  return Sync(real, fd);
}

int ftruncate(int fd, off_t size) noexcept {
  static auto* real = Next<int(int, off_t)>("ftruncate");
  return Around(Is("truncate") && Matches(PathOf(fd)), [&] { return real(fd, size); });
}

int ftruncate64(int fd, off64_t size) noexcept {
  static auto* real = Next<int(int, off64_t)>("ftruncate64");
  return Around(Is("truncate") && Matches(PathOf(fd)), [&] { return real(fd, size); });
}

int rename(const char* from, const char* to) noexcept {
  static auto* real = Next<int(const char*, const char*)>("rename");
  return Around(Is("rename") && Matches(to), [&] { return real(from, to); });
}

int unlink(const char* path) noexcept {
  static auto* real = Next<int(const char*)>("unlink");
  return Around(Is("unlink") && Matches(path), [&] { return real(path); });
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static auto* real = Next<ssize_t(int, const msghdr*, int)>("sendmsg");
  const bool any = strcmp(TheOrder().path, "*") == 0;
  const bool chosen = Is("send") && (any || synced.exchange(false));
  return Around(chosen, [&] { return real(fd, message, flags); });
}

}  // extern "C"

// SPDX-License-Identifier: Apache-2.0
// A library to preload (LD_PRELOAD) into a program under test: its wall clock is that of the
// machine plus what a file says, from one reading to the next. The steady and the boot clock are
// left alone, as when somebody sets the wall clock of a machine.
//
//   VAKT_CLOCK_SHIFT=FILE   holds a 64-bit number of nanoseconds, little-endian; it may be written
//   at
//                           any time
//
// Threads: any.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

// The file, mapped: a reading of the clock costs no system call more.
int64_t ShiftNs() {
  static int64_t* const shift = [] {
    const char* path = getenv("VAKT_CLOCK_SHIFT");
    const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void* map = fd < 0 ? MAP_FAILED : mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
      fprintf(stderr, "clock_shift: VAKT_CLOCK_SHIFT names no file of 8 bytes\n");
      _exit(127);
    }
    close(fd);
    return static_cast<int64_t*>(map);
  }();
  return std::atomic_ref(*shift).load(std::memory_order_relaxed);
}

constexpr int64_t kSliceNs = 20'000'000;  // how soon a step is noticed by who waits

int64_t Ns(const timespec& time) { return time.tv_sec * kNsPerSecond + time.tv_nsec; }
timespec FromNs(int64_t ns) { return {ns / kNsPerSecond, ns % kNsPerSecond}; }

template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

int64_t MachineNs(clockid_t clock) {
  static auto* real = Next<int(clockid_t, timespec*)>("clock_gettime");
  timespec now = {};
  real(clock, &now);
  return Ns(now);
}

using SystemCall = long(long, ...);
SystemCall* RealSystemCall() {
  static SystemCall* const real = Next<SystemCall>("syscall");
  return real;
}

// FUTEX_WAIT_BITSET with a deadline on the wall clock, in slices on the steady one.
long WaitUntil(const timespec& deadline, long word, long operation, long value, long bitset) {
  for (;;) {
    const int64_t left_ns = Ns(deadline) - MachineNs(CLOCK_REALTIME) - ShiftNs();
    if (left_ns <= 0) {
      errno = ETIMEDOUT;
      return -1;
    }
    const timespec slice = FromNs(MachineNs(CLOCK_MONOTONIC) + std::min(left_ns, kSliceNs));
    const long result = RealSystemCall()(SYS_futex, word, operation & ~FUTEX_CLOCK_REALTIME, value,
                                         &slice, nullptr, bitset);
    if (result == 0 || errno != ETIMEDOUT) return result;
  }
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* out) noexcept {
  static auto* real = Next<int(clockid_t, timespec*)>("clock_gettime");
  const int result = real(clock, out);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    *out = FromNs(Ns(*out) + ShiftNs());
  }
  return result;
}

int gettimeofday(timeval* out, void*) noexcept {
  timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  *out = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* out) noexcept {
  timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

long syscall(long number, ...) noexcept {
  va_list arguments;
  va_start(arguments, number);
  long a[6];
  for (long& argument : a) argument = va_arg(arguments, long);
  va_end(arguments);
  constexpr long kWait = FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME;
  if (number == SYS_futex && (a[1] & ~FUTEX_PRIVATE_FLAG) == kWait && a[3] != 0) {
    return WaitUntil(*reinterpret_cast<const timespec*>(a[3]), a[0], a[1], a[2], a[5]);
  }
  return RealSystemCall()(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

}  // extern "C"

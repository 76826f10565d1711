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
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
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

timespec Shifted(const timespec& time) {
  const int64_t ns = time.tv_sec * kNsPerSecond + time.tv_nsec + ShiftNs();
  return {ns / kNsPerSecond, ns % kNsPerSecond};
}

template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

int RealTime(clockid_t clock, timespec* out) {
  static auto* real = Next<int(clockid_t, timespec*)>("clock_gettime");
  return real(clock, out);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* out) noexcept {
  const int result = RealTime(clock, out);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    *out = Shifted(*out);
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

}  // extern "C"

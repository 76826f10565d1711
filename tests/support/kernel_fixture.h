// SPDX-License-Identifier: Apache-2.0
// For tests against the real kernel: acts are performed by child processes inside a cgroup that the
// test made, and the sensor is confined to that cgroup, so nothing else on the machine matters.
#ifndef VAKT_TESTS_SUPPORT_KERNEL_FIXTURE_H_
#define VAKT_TESTS_SUPPORT_KERNEL_FIXTURE_H_

#include <sys/types.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/sensor/kernel_sensor.h"
#include "bpf/wire/wire.h"

namespace vakt {

// A cgroup v2 directory that is removed at the end (its processes must have ended).
class TestCgroup {
 public:
  static std::unique_ptr<TestCgroup> Make();
  ~TestCgroup();
  const std::string& path() const { return path_; }
  uint64_t id() const;
  // Forks a child into the cgroup, runs `act` there, ends it with its result; returns the child's
  // pid and, in *exit_status, what waitpid says.
  pid_t Run(const std::function<int()>& act, int* exit_status = nullptr) const;
  // The same without waiting for the child: the caller does.
  pid_t Start(const std::function<int()>& act) const;

 private:
  explicit TestCgroup(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// A record with typed access. Bytes are copied: it outlives the batch.
class CapturedRecord {
 public:
  explicit CapturedRecord(RawRecord raw)
      : bytes_(reinterpret_cast<const char*>(raw.data()), raw.size()) {}
  template <typename T>
  T As() const {
    T out{};
    std::memcpy(&out, bytes_.data(), std::min(sizeof(out), bytes_.size()));
    return out;
  }
  vakt_header header() const { return As<vakt_header>(); }
  std::string Text(vakt_span span) const {
    if (span.offset + span.size > bytes_.size()) return "<span outside the record>";
    return bytes_.substr(span.offset, span.size);
  }
  size_t size() const { return bytes_.size(); }
  RawRecord raw() const {
    return RawRecord(reinterpret_cast<const std::byte*>(bytes_.data()), bytes_.size());
  }

 private:
  std::string bytes_;
};

// Why tests against the kernel cannot run here, or nothing.
std::optional<std::string> WhyNoKernelTests();

// The tier that VAKT_TEST_TIER names (auto, inline, tracepoint), of those that the kernel allows.
Tier TestTier();

// Drains until nothing came for `quiet` milliseconds.
std::vector<CapturedRecord> DrainAll(EventSource& source, int quiet_ms = 50);

}  // namespace vakt

#endif  // VAKT_TESTS_SUPPORT_KERNEL_FIXTURE_H_

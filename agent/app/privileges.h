// SPDX-License-Identifier: Apache-2.0
// What the agent may do, and which of its threads. Capabilities belong to threads: one thread keeps
// those that loading and attaching take and does nothing but that, when it is asked; all others,
// which see events, rules, files and the network, have none. What no part ever needs is given up
// before anything else happens, and a filter refuses the system calls that would win it back.
//
//   ConfineProcess();                                    // in main's thread, while it is alone
//   PrivilegedThread hooks("vakt-hooks", capabilities);  // a thread that has them
//   KeepCapabilities(CapabilitiesOfAllThreads(...));     // the others: they are made after this
//   hooks.Do([&] { sensor = KernelSensor::Start(options); });
//
// This divides one process: who executes code of their own in it can reach the privileged thread's
// memory (docs/decisions says why it is no process of its own).
//
// Threads: each function says so; PrivilegedThread::Do may be called from any thread.
#ifndef VAKT_AGENT_APP_PRIVILEGES_H_
#define VAKT_AGENT_APP_PRIVILEGES_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/types/span.h"

namespace vakt {

using CapabilitySet = uint64_t;  // bit n: capability n (linux/capability.h)

// A capability that some part of the agent makes use of.
struct CapabilityRow {
  int number;
  std::string_view name;
  enum class Holder : uint8_t {
    kStart,    // given up once the agent has started
    kHooks,    // kept by the thread for hooks
    kEveryone  // kept by all threads
  } holder;
  enum class Need : uint8_t {
    kRequired,  // the agent does not start without it
    kWanted,    // something is lost
    kAtTimes    // only where files or tracefs are not as they should be, or for what few ask for
  } need;
  std::string_view without;  // what is lost
};

absl::Span<const CapabilityRow> AllCapabilities();
// Those of the table with these holders.
CapabilitySet CapabilitiesOf(CapabilityRow::Holder holder);

// ---- Of the calling thread.
CapabilitySet EffectiveCapabilities();
// Gives up all others, for good. Threads that it makes later have no more.
absl::Status KeepCapabilities(CapabilitySet capabilities);
// Of `capabilities`, those that threads without hooks have to keep here: kEveryone's, CAP_BPF on a
// kernel that refuses maps to who has it not (before 5.19), and CAP_DAC_OVERRIDE where one of
// `paths` is closed to the agent's user without it.
CapabilitySet CapabilitiesToKeep(CapabilitySet capabilities, const std::vector<std::string>& paths);

// ---- Of the process, while it has one thread.
// No new privileges by executing a program; and system calls that no part of the agent makes, and
// an attacker would, fail with EPERM: executing, tracing, mounting, changing namespaces, users,
// kernel modules, keys, clocks.
absl::Status ConfineProcess();

// A thread that has the capabilities `kept` of its maker, and runs what it is given, one at a time.
class PrivilegedThread {
 public:
  PrivilegedThread(const char* name, CapabilitySet kept);
  ~PrivilegedThread();

  // Runs `work` there and waits for its end.
  void Do(const std::function<void()>& work);

 private:
  void Run(CapabilitySet kept);

  std::mutex turn_;  // one caller at a time
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool end_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_PRIVILEGES_H_

// SPDX-License-Identifier: Apache-2.0
// The other end of each kind of sink, which misbehaves when it is told to. Alerts are known by
// their rule's name, r-<number>.
//
// Threads: thread-safe; each peer has threads of its own.
#ifndef VAKT_TESTS_INTEGRATION_SINK_PEER_H_
#define VAKT_TESTS_INTEGRATION_SINK_PEER_H_

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/sinks/sink_table.h"
#include "tests/support/dev_certificates.h"

namespace vakt {

enum class Mood {
  kGood,
  kSlow,     // takes its time
  kStalled,  // takes nothing and says nothing
  kFailing,  // breaks off, or answers with an error
  kFull,     // says that it has no room
};

class SinkPeer {
 public:
  virtual ~SinkPeer() = default;

  // The keys of a sink that leads here, as YAML in one line: "kind: http, url: ...".
  virtual std::string Keys() const = 0;
  virtual void SetMood(Mood mood) { mood_ = mood; }
  // Goes away in the middle of whatever it does; comes back where it was.
  virtual void Stop() = 0;
  virtual void Start() = 0;
  // Whether it says of single alerts (those with "unacceptable" in them) that it will never take
  // them.
  virtual bool can_refuse() const { return false; }
  // Whether it fails on single alerts (those with "indigestible" in them), each time, as if it had
  // a fault: with an error of its own, or by breaking off.
  virtual bool can_choke() const { return false; }

  // How often each alert came.
  virtual std::map<int, int> Received();

 protected:
  Mood mood() const { return mood_; }
  static void Count(std::string_view text, std::string_view marker, bool only_first,
                    std::map<int, int>* received);
  // Takes note of every alert named in `text` after `marker`.
  void Take(std::string_view text, std::string_view marker, bool only_first)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  std::atomic<Mood> mood_{Mood::kGood};
  absl::Mutex mutex_;
  std::map<int, int> received_ ABSL_GUARDED_BY(mutex_);
};

// Null for a kind that has none: the contract test fails then. `directory` is the peer's own.
std::unique_ptr<SinkPeer> MakeSinkPeer(SinkKind kind, const std::string& directory,
                                       TestAuthority& authority);

}  // namespace vakt

#endif  // VAKT_TESTS_INTEGRATION_SINK_PEER_H_

// SPDX-License-Identifier: Apache-2.0
// The collector's door: accepts connections before gRPC sees them, because gRPC begins a handshake
// for everybody, all at once. A connection waits here, at the price of one file, until it has sent
// a whole ClientHello and it is its turn (lobby.h); then its socket is handed over. The door keeps
// a second descriptor of it until it has made a call. Of those inside it knows the number of gRPC's
// descriptor alone, and looks whether that is still the same connection: enough to close the
// connection of one who makes too many calls (callers.h), or who sends much more than its calls and
// messages account for (tally.h); its source and its identity pay for that. Who is refused gets a
// reset, so that nothing is kept of him.
//
// The door's thread runs at a lower priority than the rest: under a flood of connections, those who
// are inside go first. gRPC does the first, dearer half of the handshake on the thread that hands
// the socket over, which is the door's.
//
// Ownership: `let_in` must work until Stop. Threads: thread-safe; one thread of its own.
#ifndef VAKT_COLLECTOR_DOOR_DOOR_H_
#define VAKT_COLLECTOR_DOOR_DOOR_H_

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collector/door/callers.h"
#include "collector/door/door_limits.h"
#include "collector/door/lobby.h"
#include "collector/door/tally.h"
#include "common/base/unique_fd.h"

namespace vakt {

class Door {
 public:
  // Binds to host:port; port 0 takes any free one. Nobody is accepted before Start.
  static absl::StatusOr<std::unique_ptr<Door>> Open(const std::string& address, DoorLimits limits);
  ~Door();

  // `let_in` takes a connected, non-blocking socket; called by the door's thread.
  void Start(std::function<void(UniqueFd)> let_in);
  // Accepts nobody from here on, and sends away who waits. Idempotent.
  void Stop();

  // A call has begun. `peer`: as gRPC writes it. Returns where its messages are to be counted; null
  // when the connection is gone, or is closed now.
  std::shared_ptr<Tally> OnCall(std::string_view peer, CallerName caller)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // It was refused.
  void OnRefused(std::string_view peer) ABSL_LOCKS_EXCLUDED(mutex_);

  int port() const { return port_; }
  const DoorStats& stats() const { return stats_; }

 private:
  struct Guest {
    UniqueFd socket;  // ours alone, or the second of a stranger
    int inside = -1;  // gRPC's descriptor; may be somebody else's by now
    std::string peer, source;
    std::string identity;  // once it made a call
    bool let_in = false, known = false;
    bool closing = false;  // told gRPC so, by an end of the connection
    absl::Time known_since;
    std::shared_ptr<Tally> tally;  // from its first call on
  };

  explicit Door(DoorLimits limits);
  absl::Status Listen(const std::string& address);
  absl::Status Watch(int fd, uint64_t id, uint32_t events);
  void Run();
  void Accept(int listener);
  // The socket has bytes, or its peer has gone.
  void OnEvent(Lobby::Id id, uint32_t events) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // False: nobody else may go in now.
  bool LetIn() ABSL_LOCKS_EXCLUDED(mutex_);
  // Puts whom gRPC has let go of out of the books, and closes who sends too much beside messages.
  // All, or those alone who are new.
  void LookInside(absl::Time now, bool all) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LookAtStrangers(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Closes the connection of one who is not to come back soon.
  void Misused(Lobby::Id id, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the connection, at both sides.
  void Close(const Guest& guest) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Its first call.
  bool Welcome(Lobby::Id id, const CallerName& caller, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SendAwayLate(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(Lobby::Id id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Publish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const DoorLimits limits_;
  DoorStats stats_;
  int port_ = 0;
  std::vector<UniqueFd> listeners_;  // ids 1, 2, ...
  UniqueFd epoll_;
  UniqueFd wake_;  // an eventfd, id 0: there may be room, or it is over
  std::function<void(UniqueFd)> let_in_;

  absl::Mutex mutex_;
  Lobby lobby_ ABSL_GUARDED_BY(mutex_);
  Callers callers_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Lobby::Id, Guest> guests_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Lobby::Id> by_peer_ ABSL_GUARDED_BY(mutex_);  // let in
  Lobby::Id next_id_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_set<Lobby::Id> strangers_ ABSL_GUARDED_BY(mutex_);
  absl::Time looked_inside_ ABSL_GUARDED_BY(mutex_);  // at all
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time accept_again_;  // the door's thread only: after files ran out
  std::thread thread_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_DOOR_DOOR_H_

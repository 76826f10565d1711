// SPDX-License-Identifier: Apache-2.0
#include "collector/door/door.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "collector/door/connection.h"
#include "collector/door/peer.h"
#include "common/base/log.h"
#include "common/base/strings.h"
#include "common/base/wakeup.h"

namespace vakt {
namespace {

constexpr int kBacklog = 4096;    // the kernel cuts it to net.core.somaxconn
constexpr int kNice = 5;          // a third of the weight of those inside
constexpr int kTickMs = 100;      // for times that are over
constexpr int kShortTickMs = 10;  // for sources whose allowance grows, and for strangers
constexpr int kAcceptAtOnce = 64;
constexpr int kEventsAtOnce = 256;
constexpr int kLetInAtOnce = 8;  // half a handshake each, while others come
// Once for each change.
constexpr uint32_t kBytes = EPOLLIN | EPOLLET, kGone = EPOLLRDHUP | EPOLLET;
constexpr absl::Duration kNoFilesPause = absl::Milliseconds(200);
constexpr absl::Duration kLookInside = absl::Seconds(1), kLookAgain = absl::Milliseconds(100);
constexpr absl::Duration kNew = absl::Seconds(10);  // looked at more often so long
constexpr uint64_t kWakeId = 0;
constexpr uint64_t kFirstGuest = 1024;  // below: listeners

UniqueFd ListenOn(const addrinfo& at) {
  UniqueFd fd(socket(at.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1, off = 0;
  if (!fd) return fd;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // those accepted inherit it
  // [::] takes IPv4, too.
  if (at.ai_family == AF_INET6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (bind(fd.get(), at.ai_addr, at.ai_addrlen) != 0 || listen(fd.get(), kBacklog) != 0) fd.reset();
  return fd;
}

}  // namespace

Door::Door(DoorLimits limits) : limits_(limits), lobby_(limits), callers_(limits) {}

absl::StatusOr<std::unique_ptr<Door>> Door::Open(const std::string& address, DoorLimits limits) {
  std::unique_ptr<Door> door(new Door(limits));
  if (absl::Status status = door->Listen(address); !status.ok()) return status;
  return door;
}

absl::Status Door::Listen(const std::string& address) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (port.empty() ||
      getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &found) != 0) {
    found = nullptr;
  }
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    // A name may have an address in each family; with port 0 one must do.
    if (port == "0" && !listeners_.empty()) break;
    UniqueFd fd = ListenOn(*at);
    if (fd) listeners_.push_back(std::move(fd));
  }
  if (found != nullptr) freeaddrinfo(found);
  epoll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  wake_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (listeners_.empty() || !epoll_ || !wake_) {
    return absl::UnavailableError(
        StrCat("cannot listen on ", address,
               ": the port is in use, or the address is not one of this host's: choose another "
               "with --listen"));
  }
  sockaddr_storage bound = {};
  socklen_t size = sizeof(bound);
  getsockname(listeners_[0].get(), reinterpret_cast<sockaddr*>(&bound), &size);
  const std::string peer = PeerOf(bound);
  port_ = std::atoi(peer.c_str() + peer.rfind(':') + 1);
  return absl::OkStatus();
}

absl::Status Door::Watch(int fd, uint64_t id, uint32_t events) {
  epoll_event event = {.events = events, .data = {.u64 = id}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "epoll_ctl");
}

void Door::Start(std::function<void(UniqueFd)> let_in) {
  let_in_ = std::move(let_in);
  {
    absl::MutexLock lock(&mutex_);
    next_id_ = kFirstGuest;
  }
  Watch(wake_.get(), kWakeId, EPOLLIN).IgnoreError();
  for (size_t i = 0; i < listeners_.size(); ++i) {
    Watch(listeners_[i].get(), i + 1, EPOLLIN).IgnoreError();
  }
  thread_ = std::thread([this] { Run(); });
}

Door::~Door() { Stop(); }

void Door::Stop() {
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  eventfd_write(wake_.get(), 1);
  thread_.join();
  listeners_.clear();
  absl::MutexLock lock(&mutex_);
  absl::erase_if(guests_, [](const auto& entry) { return !entry.second.let_in; });
}

void Door::Run() {
  pthread_setname_np(pthread_self(), "door");
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
  absl::Time looked = SteadyNow(), looked_at_strangers = looked;
  std::array<epoll_event, kEventsAtOnce> events;
  bool may_more = false;
  while (true) {
    int wait_ms = 0;
    if (!may_more) {
      absl::MutexLock lock(&mutex_);
      wait_ms = lobby_.has_line() || !strangers_.empty() ? kShortTickMs : kTickMs;
    }
    const int count =
        epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms);
    for (int i = 0; i < count; ++i) {
      const uint64_t id = events[static_cast<size_t>(i)].data.u64;
      if (id == kWakeId) {
        eventfd_t ignored;
        eventfd_read(wake_.get(), &ignored);
        absl::MutexLock lock(&mutex_);
        if (stopping_) return;
      } else if (id < kFirstGuest) {
        Accept(listeners_[id - 1].get());
      } else {
        absl::MutexLock lock(&mutex_);
        OnEvent(id, events[static_cast<size_t>(i)].events);
      }
    }
    may_more = LetIn();
    const absl::Time now = SteadyNow();
    absl::MutexLock lock(&mutex_);
    if (now - looked_at_strangers >= absl::Milliseconds(kShortTickMs)) {
      LookAtStrangers(now);
      looked_at_strangers = now;
    }
    if (now - looked >= absl::Milliseconds(kTickMs)) {
      SendAwayLate(now);
      LookInside(now, now - looked_inside_ >= kLookInside);
      Publish();
      looked = now;
    }
  }
}

void Door::Accept(int listener) {
  const absl::Time now = SteadyNow();
  if (now < accept_again_) {
    absl::SleepFor(absl::Milliseconds(1));  // level-triggered: it would not wait
    return;
  }
  for (int i = 0; i < kAcceptAtOnce; ++i) {
    sockaddr_storage from = {};
    socklen_t size = sizeof(from);
    UniqueFd socket(
        accept4(listener, reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        accept_again_ = now + kNoFilesPause;
        if (LogEvery("door.files", absl::Seconds(10))) {
          LogError(StrCat("cannot accept connections: ", strerror(errno)));
        }
      }
      return;
    }
    Guest guest = {.peer = PeerOf(from), .source = SourceOf(from)};
    absl::MutexLock lock(&mutex_);
    const Lobby::Id id = next_id_++;
    if (!lobby_.Enter(id, guest.source, now)) {
      ++stats_.crowd;
      Reset(std::move(socket));
      continue;
    }
    // Most say hello before they are looked at: saves the way through epoll.
    const Hello hello = LookForHello(socket.get());
    if (hello == Hello::kNone ||
        !Watch(socket.get(), id, hello == Hello::kWhole ? kGone : kBytes | kGone).ok()) {
      ++stats_.no_hello;
      lobby_.Leave(id);
      Reset(std::move(socket));
      continue;
    }
    if (hello == Hello::kWhole) lobby_.SaidHello(id, now);
    guest.socket = std::move(socket);
    guests_.emplace(id, std::move(guest));
  }
}

void Door::OnEvent(Lobby::Id id, uint32_t events) {
  const auto found = guests_.find(id);
  if (found == guests_.end()) return;
  Guest& guest = found->second;
  if (guest.let_in) {  // closed by gRPC, by the peer, or by us
    if (!guest.known) ++stats_.no_call;
    Forget(id);
    return;
  }
  const Hello hello = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0
                          ? Hello::kNone
                          : LookForHello(guest.socket.get());
  if (hello == Hello::kPartial) return;
  if (hello == Hello::kWhole) {
    lobby_.SaidHello(id, SteadyNow());
    epoll_event event = {.events = kGone, .data = {.u64 = id}};
    epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, guest.socket.get(), &event);
    return;
  }
  ++stats_.no_hello;
  Reset(std::move(guest.socket));
  Forget(id);
}

bool Door::LetIn() {
  for (int i = 0; i < kLetInAtOnce; ++i) {
    UniqueFd socket;
    {
      absl::MutexLock lock(&mutex_);
      const std::optional<Lobby::Id> id = lobby_.Next(SteadyNow());
      if (!id.has_value()) return false;
      Guest& guest = guests_.at(*id);
      // The other descriptor of the socket would hold its place in epoll.
      epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, guest.socket.get(), nullptr);
      UniqueFd second(fcntl(guest.socket.get(), F_DUPFD_CLOEXEC, 0));
      if (!second || !Watch(second.get(), *id, 0).ok()) {
        Forget(*id);
        continue;
      }
      socket = std::exchange(guest.socket, std::move(second));
      guest.inside = socket.get();
      guest.let_in = true;
      // One who was inside from the same port is gone, or this one could not be there.
      if (const auto old = by_peer_.find(guest.peer); old != by_peer_.end()) Forget(old->second);
      by_peer_[guest.peer] = *id;
      strangers_.insert(*id);
      ++stats_.let_in;
    }
    let_in_(std::move(socket));
  }
  return true;
}

void Door::SendAwayLate(absl::Time now) {
  for (const auto& [id, state] : lobby_.TakeLate(now)) {
    const auto guest = guests_.find(id);
    if (guest == guests_.end()) continue;
    if (state == Lobby::State::kStranger) {
      Close(guest->second);  // gRPC closes its side, and Forget comes with that
      continue;
    }
    ++(state == Lobby::State::kSilent ? stats_.no_hello : stats_.waited);
    Reset(std::move(guest->second.socket));
    Forget(id);
  }
}

std::shared_ptr<Tally> Door::OnCall(std::string_view peer, CallerName caller) {
  const absl::Time now = SteadyNow();
  absl::MutexLock lock(&mutex_);
  const auto entry = by_peer_.find(PeerOfGrpc(peer));
  if (entry == by_peer_.end()) return nullptr;
  const Lobby::Id id = entry->second;
  const Guest& guest = guests_.at(id);
  if (guest.closing) return nullptr;
  if (caller.identity.empty()) caller = {.identity = guest.source, .is_anonymous = true};
  const bool welcome = guest.known || Welcome(id, caller, now);
  if (welcome && callers_.MayCall(caller, now)) {
    guest.tally->AddCall();
    return guest.tally;
  }
  ++stats_.calls;
  Misused(id, now);
  return nullptr;
}

void Door::OnRefused(std::string_view peer) {
  absl::MutexLock lock(&mutex_);
  const auto entry = by_peer_.find(PeerOfGrpc(peer));
  if (entry == by_peer_.end()) return;
  const Guest& guest = guests_.at(entry->second);
  if (guest.known) callers_.Refused(guest.identity, SteadyNow());
}

void Door::Misused(Lobby::Id id, absl::Time now) {
  lobby_.Charge(id, limits_.strangers_for_misuse, now);
  // It may have gone meanwhile, and been forgotten.
  const auto guest = guests_.find(id);
  if (guest == guests_.end()) return;
  Close(guest->second);
  guest->second.closing = true;
}

bool Door::Welcome(Lobby::Id id, const CallerName& caller, absl::Time now) {
  Guest& guest = guests_.at(id);
  guest.known = true;
  guest.known_since = now;
  guest.identity = caller.identity;
  guest.tally = std::make_shared<Tally>();
  strangers_.erase(id);
  // Else epoll would keep it: gRPC's descriptor is of the same socket.
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, guest.socket.get(), nullptr);
  guest.socket.reset();
  bool trusted = false;
  bool may = callers_.Connected(caller, now, &trusted);
  if (!may && now - looked_inside_ > kLookAgain) {
    LookInside(now, true);
    may = callers_.HasRoom(caller);
  }
  lobby_.MadeCall(id, trusted);
  if (lobby_.has_line()) eventfd_write(wake_.get(), 1);
  return may;
}

void Door::Close(const Guest& guest) {
  if (!guest.known) {
    Break(guest.socket.get());
  } else if (const UniqueFd socket = SameConnection(guest.inside, guest.peer); socket) {
    Break(socket.get());
  }
}

void Door::LookInside(absl::Time now, bool all) {
  if (all) looked_inside_ = now;
  std::vector<Lobby::Id> gone, loud;
  for (const auto& [id, guest] : guests_) {
    if (!guest.known || (!all && now - guest.known_since > kNew)) continue;
    const absl::Duration age = now - guest.known_since;
    if (PeerOfSocket(guest.inside) != guest.peer) {
      gone.push_back(id);
    } else if (const uint64_t received = BytesReceived(guest.inside);
               !guest.closing && guest.tally->IsExceeded(received, age) &&
               guest.tally->IsExceeded(received - BytesUnread(guest.inside), age)) {
      loud.push_back(id);
    }
  }
  for (const Lobby::Id id : gone) Forget(id);
  for (const Lobby::Id id : loud) {
    ++stats_.chatter;
    callers_.Misused(guests_.at(id).identity, now);
    Misused(id, now);
  }
}

void Door::LookAtStrangers(absl::Time now) {
  std::vector<Lobby::Id> loud;
  for (const Lobby::Id id : strangers_) {
    if (BytesReceived(guests_.at(id).socket.get()) > limits_.stranger_bytes) loud.push_back(id);
  }
  for (const Lobby::Id id : loud) {
    ++stats_.chatter;
    strangers_.erase(id);  // once is enough
    Misused(id, now);
  }
}

void Door::Forget(Lobby::Id id) {
  const auto guest = guests_.find(id);
  if (guest->second.known) callers_.Disconnected(guest->second.identity);
  if (const auto entry = by_peer_.find(guest->second.peer);
      entry != by_peer_.end() && entry->second == id) {
    by_peer_.erase(entry);
  }
  lobby_.Leave(id);
  strangers_.erase(id);
  guests_.erase(guest);
}

void Door::Publish() {
  stats_.waiting = lobby_.waiting();
  stats_.inside = lobby_.inside();
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/app/canary_acts.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "common/base/strings.h"
#include "common/base/unique_fd.h"

namespace vakt {
namespace {

constexpr timeval kPatience = {.tv_sec = 0, .tv_usec = 200'000};

bool StartProcess(const std::string&) {
  const pid_t child = vfork();
  if (child == 0) _exit(0);
  return child > 0 && waitpid(child, nullptr, 0) == child;
}

// The name stays as it is: the hook does not compare.
bool SetName(const std::string&) {
  char name[16] = {};
  return prctl(PR_GET_NAME, name) == 0 && prctl(PR_SET_NAME, name) == 0;
}

bool OpenFile(const std::string&) {
  const UniqueFd file(open("/proc/self/stat", O_RDONLY | O_CLOEXEC));
  return static_cast<bool>(file);
}

bool MakeMemoryFile(const std::string&) {
  const UniqueFd file(memfd_create("vakt-canary", MFD_CLOEXEC));
  return static_cast<bool>(file);
}

sockaddr_in Loopback() {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A socket on a port of the loopback device that is free; its address goes to `address`.
UniqueFd BoundSocket(int type, sockaddr_in* address) {
  *address = Loopback();
  UniqueFd bound(socket(AF_INET, type | SOCK_CLOEXEC, 0));
  socklen_t size = sizeof(*address);
  if (!bound ||
      setsockopt(bound.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience)) != 0 ||
      bind(bound.get(), reinterpret_cast<sockaddr*>(address), size) != 0 ||
      getsockname(bound.get(), reinterpret_cast<sockaddr*>(address), &size) != 0) {
    return UniqueFd();
  }
  return bound;
}

bool ConnectToItself(const std::string&) {
  sockaddr_in address;
  const UniqueFd listener = BoundSocket(SOCK_STREAM, &address);
  if (!listener || listen(listener.get(), 1) != 0) return false;
  const UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!client ||
      setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience)) != 0 ||
      connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return false;
  }
  sockaddr_in peer = {};
  socklen_t size = sizeof(peer);
  const UniqueFd server(
      accept4(listener.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC));
  return static_cast<bool>(server);
}

// The first datagram between two sockets: the send alone is told, for it comes first.
bool SendToItself(const std::string&) {
  sockaddr_in address;
  const UniqueFd receiver = BoundSocket(SOCK_DGRAM, &address);
  const UniqueFd sender(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return receiver && sender &&
         sendto(sender.get(), "", 1, 0, reinterpret_cast<sockaddr*>(&address), sizeof(address)) ==
             1;
}

bool ChangeFiles(const std::string& directory) {
  const std::string file = StrCat(directory, "/canary");
  const std::string other = StrCat(directory, "/canary-2");
  const std::string link_name = StrCat(directory, "/canary-link");
  const std::string below = StrCat(directory, "/canary-directory");
  for (const std::string& left : {file, other, link_name}) unlink(left.c_str());
  rmdir(below.c_str());
  const UniqueFd made(open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  const bool done = made && fchmod(made.get(), 0640) == 0 && fchown(made.get(), -1, -1) == 0 &&
                    ftruncate(made.get(), 0) == 0 && link(file.c_str(), other.c_str()) == 0 &&
                    rename(other.c_str(), link_name.c_str()) == 0 &&
                    symlink("canary", other.c_str()) == 0 && mkdir(below.c_str(), 0700) == 0;
  rmdir(below.c_str());
  for (const std::string& left : {file, other, link_name}) unlink(left.c_str());
  return done;
}

constexpr KindSet Kinds(std::initializer_list<Kind> kinds) {
  KindSet set = 0;
  for (const Kind kind : kinds) set |= KindBit(kind);
  return set;
}

constexpr CanaryAct kActs[] = {
    {Kinds({Kind::process_fork, Kind::process_exit}), StartProcess},
    {Kinds({Kind::process_rename, Kind::process_prctl}), SetName},
    {Kinds({Kind::file_open}), OpenFile},
    {Kinds({Kind::memory_file}), MakeMemoryFile},
    {Kinds({Kind::network_socket, Kind::network_bind, Kind::network_listen, Kind::network_connect,
            Kind::network_accept}),
     ConnectToItself},
    {Kinds({Kind::network_send}), SendToItself},
    {Kinds({Kind::file_unlink, Kind::file_rename, Kind::file_link, Kind::file_symlink,
            Kind::file_mkdir, Kind::file_chmod, Kind::file_chown, Kind::file_truncate}),
     ChangeFiles},
};

}  // namespace

absl::Span<const CanaryAct> CanaryActs() { return kActs; }

}  // namespace vakt

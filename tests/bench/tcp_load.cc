// SPDX-License-Identifier: Apache-2.0
// Connections and bytes over loopback, as fast as they go, for flow_bench.py.
//
//   tcp_load connect N   N times connect, accept and close
//   tcp_load bulk N      N bytes through one connection, from a thread on the first CPU to one on
//   the
//                        last: on the same one they would be half as fast, by the scheduler's whim
//
// Prints one line: nanoseconds of wall time, and of CPU time of all threads.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>
#include <thread>
#include <vector>

#include "common/base/unique_fd.h"

namespace vakt {
namespace {

constexpr size_t kPieceBytes = size_t{64} << 10;

void Require(bool is_done, const char* what) {
  if (is_done) return;
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

uint64_t Now(clockid_t clock) {
  timespec now = {};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

UniqueFd Listen(sockaddr_in* address) {
  UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  *address = {};
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* any = reinterpret_cast<sockaddr*>(address);
  socklen_t size = sizeof(*address);
  Require(bind(listener.get(), any, size) == 0 && listen(listener.get(), 128) == 0 &&
              getsockname(listener.get(), any, &size) == 0,
          "listen");
  return listener;
}

UniqueFd Connect(const sockaddr_in& address) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Require(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0,
          "connect");
  return fd;
}

// Reset at the close, so that no port waits for its time to end.
void ConnectAndClose(uint64_t count) {
  sockaddr_in address;
  const UniqueFd listener = Listen(&address);
  for (uint64_t i = 0; i < count; ++i) {
    UniqueFd client = Connect(address);
    const UniqueFd server(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    Require(static_cast<bool>(server), "accept");
    const linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    client = UniqueFd();
  }
}

void StayOn(int cpu) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  sched_setaffinity(0, sizeof(cpus), &cpus);
}

void SendAll(int fd, uint64_t left) {
  const std::vector<char> piece(kPieceBytes, 'x');
  while (left > 0) {
    const ssize_t sent = send(fd, piece.data(), std::min<uint64_t>(left, piece.size()), 0);
    Require(sent > 0, "send");
    left -= static_cast<uint64_t>(sent);
  }
}

void Transfer(uint64_t bytes) {
  sockaddr_in address;
  const UniqueFd listener = Listen(&address);
  UniqueFd client = Connect(address);
  const UniqueFd server(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  std::thread sender([&] {
    StayOn(0);
    SendAll(client.get(), bytes);
    client = UniqueFd();
  });
  StayOn(static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)) - 1);
  std::vector<char> piece(kPieceBytes);
  uint64_t received = 0;
  for (ssize_t got; (got = recv(server.get(), piece.data(), piece.size(), 0)) > 0;) {
    received += static_cast<uint64_t>(got);
  }
  sender.join();
  Require(received == bytes, "receive");
}

int Run(std::string_view what, uint64_t count) {
  const uint64_t wall = Now(CLOCK_MONOTONIC), cpu = Now(CLOCK_PROCESS_CPUTIME_ID);
  if (what == "connect") {
    ConnectAndClose(count);
  } else if (what == "bulk") {
    Transfer(count);
  } else {
    return 2;
  }
  printf("%llu %llu\n", static_cast<unsigned long long>(Now(CLOCK_MONOTONIC) - wall),
         static_cast<unsigned long long>(Now(CLOCK_PROCESS_CPUTIME_ID) - cpu));
  return 0;
}

}  // namespace
}  // namespace vakt

int main(int argc, char** argv) {
  const int result = argc == 3 ? vakt::Run(argv[1], strtoull(argv[2], nullptr, 10)) : 2;
  if (result == 2) fprintf(stderr, "usage: tcp_load connect|bulk N\n");
  return result;
}

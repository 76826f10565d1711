// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>

#include "tests/bpf/bpf_test_base.h"

namespace vakt {
namespace {

sockaddr_in V4(uint16_t port) {
  sockaddr_in a = {};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

sockaddr_in6 V6(uint16_t port, const char* text) {
  sockaddr_in6 a = {};
  a.sin6_family = AF_INET6;
  a.sin6_port = htons(port);
  inet_pton(AF_INET6, text, &a.sin6_addr);
  return a;
}

std::string Address(const vakt_network& n, const __u8* bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(n.family, bytes, text, sizeof(text));
  return text;
}

class NetworkBpfTest : public BpfTest {
 protected:
  void SetUp() override {
    BpfTest::SetUp();
    if (IsSkipped()) return;
    StartSensor(KindBit(Kind::network_connect) | KindBit(Kind::network_accept));
  }

  // A listening loopback socket; returns its port.
  uint16_t Listen(int family) {
    listener_ = socket(family, SOCK_STREAM, 0);
    sockaddr_storage at = {};
    socklen_t size = 0;
    if (family == AF_INET) {
      const sockaddr_in a = V4(0);
      std::memcpy(&at, &a, size = sizeof(a));
    } else {
      const sockaddr_in6 a = V6(0, "::");
      std::memcpy(&at, &a, size = sizeof(a));
    }
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    size = sizeof(at);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    return ntohs(reinterpret_cast<sockaddr_in*>(&at)->sin_port);  // same place in both families
  }
  void TearDown() override {
    if (listener_ >= 0) close(listener_);
  }

  template <typename Addr>
  static int Connect(const Addr& to, int type = SOCK_STREAM, int flags = 0) {
    const int fd = socket(reinterpret_cast<const sockaddr*>(&to)->sa_family, type | flags, 0);
    return connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0 ? 0 : errno;
  }

  std::vector<vakt_network> Events(Kind kind, const std::function<int()>& act, int quiet_ms = 50) {
    pid_ = cgroup_->Run(act, &status_);
    std::vector<vakt_network> events;
    for (const auto& [event, record] : Of<vakt_network>(DrainAll(*sensor_, quiet_ms), kind, pid_)) {
      events.push_back(event);
    }
    return events;
  }

  int listener_ = -1;
  pid_t pid_ = 0;
  int status_ = 0;
};

TEST_F(NetworkBpfTest, network_connect_v4) {
  const uint16_t port = Listen(AF_INET);
  const auto events = Events(Kind::network_connect, [&] { return Connect(V4(port)); });
  ASSERT_EQ(events.size(), 1u);
  const vakt_network& e = events[0];
  ExpectTask(e.header, e.task, pid_, Lane::BULK);
  ExpectNamespaces(e.task);
  EXPECT_EQ(e.family, AF_INET);
  EXPECT_EQ(Address(e, e.remote_addr), "127.0.0.1");
  EXPECT_EQ(Address(e, e.local_addr), "127.0.0.1");
  EXPECT_EQ(e.remote_port, port);
  EXPECT_GT(e.local_port, 0);
  EXPECT_EQ(e.protocol, IPPROTO_TCP);
  EXPECT_EQ(e.flags, 0);
  EXPECT_EQ(e.result, 0);
}

TEST_F(NetworkBpfTest, network_connect_v6) {
  const uint16_t port = Listen(AF_INET6);
  const auto events = Events(Kind::network_connect, [&] { return Connect(V6(port, "::1")); });
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].family, AF_INET6);
  EXPECT_EQ(Address(events[0], events[0].remote_addr), "::1");
  EXPECT_EQ(Address(events[0], events[0].local_addr), "::1");
  EXPECT_EQ(events[0].remote_port, port);
  EXPECT_EQ(events[0].flags, 0);
  EXPECT_EQ(events[0].result, 0);
}

TEST_F(NetworkBpfTest, network_connect_v4_mapped_is_given_as_v4) {
  const uint16_t port = Listen(AF_INET);
  const auto events =
      Events(Kind::network_connect, [&] { return Connect(V6(port, "::ffff:127.0.0.1")); });
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].family, AF_INET);
  EXPECT_EQ(events[0].flags, VAKT_NET_V4_MAPPED);
  EXPECT_EQ(Address(events[0], events[0].remote_addr), "127.0.0.1");
  EXPECT_EQ(events[0].remote_port, port);
}

TEST_F(NetworkBpfTest, network_connect_refused) {
  const uint16_t port = Listen(AF_INET);
  close(listener_);
  listener_ = -1;
  const auto events = Events(Kind::network_connect, [&] { return Connect(V4(port)); });
  EXPECT_EQ(WEXITSTATUS(status_), ECONNREFUSED);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].result, -ECONNREFUSED);
  EXPECT_EQ(events[0].remote_port, port);
}

TEST_F(NetworkBpfTest, network_connect_without_an_answer_is_in_progress_after_a_second) {
  // A loopback namespace in which SYNs to one address vanish: a full accept queue answers nothing.
  const uint16_t port = Listen(AF_INET);
  listen(listener_, 0);
  const int first = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in to = V4(port);
  ASSERT_EQ(connect(first, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  const auto events = Events(Kind::network_connect, [&] {
    const int error = Connect(V4(port), SOCK_STREAM, SOCK_NONBLOCK);
    usleep(1500000);
    return error;
  });
  close(first);
  EXPECT_EQ(WEXITSTATUS(status_), EINPROGRESS);
  ASSERT_EQ(events.size(), 1u);  // and its end is not told again
  EXPECT_EQ(events[0].result, -EINPROGRESS);
  EXPECT_EQ(events[0].remote_port, port);
}

TEST_F(NetworkBpfTest, network_connect_udp) {
  const auto v4 = Events(Kind::network_connect, [&] { return Connect(V4(5353), SOCK_DGRAM); });
  ASSERT_EQ(v4.size(), 1u);
  EXPECT_EQ(v4[0].protocol, IPPROTO_UDP);
  EXPECT_EQ(v4[0].family, AF_INET);
  EXPECT_EQ(Address(v4[0], v4[0].remote_addr), "127.0.0.1");
  EXPECT_EQ(v4[0].remote_port, 5353);
  EXPECT_EQ(v4[0].result, 0);
  const auto v6 =
      Events(Kind::network_connect, [&] { return Connect(V6(5353, "::1"), SOCK_DGRAM); });
  ASSERT_EQ(v6.size(), 1u);
  EXPECT_EQ(v6[0].family, AF_INET6);
  EXPECT_EQ(Address(v6[0], v6[0].remote_addr), "::1");
  const auto mapped = Events(Kind::network_connect,
                             [&] { return Connect(V6(5353, "::ffff:127.0.0.1"), SOCK_DGRAM); });
  ASSERT_EQ(mapped.size(), 1u);
  EXPECT_EQ(mapped[0].family, AF_INET);
  EXPECT_EQ(mapped[0].flags, VAKT_NET_V4_MAPPED);
}

// Whether flows are added up must make no difference: they share the table of sockets.
class NetworkAcceptTest : public NetworkBpfTest, public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    flows_ = GetParam();
    NetworkBpfTest::SetUp();
  }

  // A client outside the cgroup connects; `serve` runs inside it on the listening socket.
  std::vector<vakt_network> Accepted(int family, const std::function<int(int)>& serve,
                                     const std::function<void(int)>& client = {}) {
    const uint16_t port = Listen(family == AF_INET ? AF_INET : AF_INET6);
    port_ = port;
    const pid_t peer = fork();
    if (peer == 0) {
      const int fd = socket(family == 0 ? AF_INET : family, SOCK_STREAM, 0);
      const sockaddr_in v4 = V4(port);
      const sockaddr_in6 v6 = V6(port, "::1");
      const int failed = family == AF_INET6
                             ? connect(fd, reinterpret_cast<const sockaddr*>(&v6), sizeof(v6))
                             : connect(fd, reinterpret_cast<const sockaddr*>(&v4), sizeof(v4));
      if (failed == 0 && client) client(fd);
      usleep(200000);
      _exit(0);
    }
    const auto events = Events(
        Kind::network_accept, [&] { return serve(listener_); }, 300);
    waitpid(peer, nullptr, 0);
    return events;
  }
  uint16_t port_ = 0;
};

int AcceptWithAddress(int listener) {
  sockaddr_storage peer;
  socklen_t size = sizeof(peer);
  return accept(listener, reinterpret_cast<sockaddr*>(&peer), &size) >= 0 ? 0 : 1;
}

TEST_P(NetworkAcceptTest, network_accept_v4) {
  const auto events = Accepted(AF_INET, AcceptWithAddress);
  ASSERT_EQ(events.size(), 1u);
  const vakt_network& e = events[0];
  ExpectTask(e.header, e.task, pid_, Lane::BULK);
  EXPECT_EQ(e.family, AF_INET);
  EXPECT_EQ(e.local_port, port_);
  EXPECT_GT(e.remote_port, 0);
  EXPECT_EQ(Address(e, e.remote_addr), "127.0.0.1");
  EXPECT_EQ(Address(e, e.local_addr), "127.0.0.1");
  EXPECT_EQ(e.protocol, IPPROTO_TCP);
  EXPECT_EQ(e.result, 0);
}

TEST_P(NetworkAcceptTest, network_accept_v6) {
  const auto events = Accepted(AF_INET6, AcceptWithAddress);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].family, AF_INET6);
  EXPECT_EQ(events[0].local_port, port_);
  EXPECT_EQ(Address(events[0], events[0].remote_addr), "::1");
}

TEST_P(NetworkAcceptTest, network_accept_v4_on_a_v6_socket_is_given_as_v4) {
  const auto events = Accepted(0, AcceptWithAddress);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].family, AF_INET);
  EXPECT_EQ(events[0].flags, VAKT_NET_V4_MAPPED);
  EXPECT_EQ(Address(events[0], events[0].remote_addr), "127.0.0.1");
}

TEST_P(NetworkAcceptTest, network_accept_without_an_address_is_told_at_the_first_receive) {
  const auto events = Accepted(
      AF_INET,
      [](int listener) {
        const int fd = accept(listener, nullptr, nullptr);
        char byte;
        return read(fd, &byte, 1) == 1 ? 0 : 1;
      },
      [](int fd) { std::ignore = write(fd, "x", 1); });
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].local_port, port_);
}

TEST_P(NetworkAcceptTest, network_accept_without_an_address_and_data_is_told_at_the_close) {
  const auto events = Accepted(AF_INET, [](int listener) {
    const int fd = accept(listener, nullptr, nullptr);
    return fd >= 0 ? close(fd) : 1;
  });
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].local_port, port_);
}

TEST_P(NetworkAcceptTest, network_accept_of_a_connection_that_the_peer_reset) {
  const auto events = Accepted(
      AF_INET,
      [](int listener) {
        const int fd = accept(listener, nullptr, nullptr);
        usleep(300000);
        return fd >= 0 ? close(fd) : 1;
      },
      [](int fd) {
        const linger now = {1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        close(fd);
      });
  ASSERT_EQ(events.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Flows, NetworkAcceptTest, ::testing::Bool());

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>

#include "tests/bpf/bpf_test_base.h"

namespace vakt {
namespace {

constexpr uint32_t kLoopback = INADDR_LOOPBACK;

sockaddr_in V4(uint16_t port, uint32_t address = kLoopback) {
  sockaddr_in a = {};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(address);
  return a;
}

sockaddr_in6 V6Loopback(uint16_t port) {
  sockaddr_in6 a = {};
  a.sin6_family = AF_INET6;
  a.sin6_port = htons(port);
  a.sin6_addr = in6addr_loopback;
  return a;
}

// `name` may begin with a NUL: an abstract one.
socklen_t Unix(const std::string& name, sockaddr_un* out) {
  *out = {};
  out->sun_family = AF_UNIX;
  std::memcpy(out->sun_path, name.data(), name.size());
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
}

template <typename Addr>
const sockaddr* Any(const Addr& a) {
  return reinterpret_cast<const sockaddr*>(&a);
}

std::string Address(const vakt_network& n, const __u8* bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(n.family, bytes, text, sizeof(text));
  return text;
}

class SocketTest : public BpfTest {
 protected:
  struct Seen {
    vakt_network event;
    std::string path;
  };

  void SetUp() override {
    BpfTest::SetUp();
    if (IsSkipped()) return;
    dir_ = "/tmp/vakt-socket-XXXXXX";
    ASSERT_NE(mkdtemp(dir_.data()), nullptr);
  }
  void TearDown() override {
    if (!dir_.empty()) std::ignore = std::system(("rm -rf " + dir_).c_str());
  }

  // With file rules the exits of the calls are watched; without, the hooks that cost nothing do it.
  std::vector<Seen> Events(Kind kind, bool exits, const std::function<int()>& act) {
    StartRiding(KindBit(kind) | (exits ? KindBit(Kind::file_umount) : 0));
    int status = 0;
    pid_ = cgroup_->Run(act, &status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    std::vector<Seen> seen;
    for (const auto& [event, record] : Of<vakt_network>(DrainAll(*sensor_), kind, pid_)) {
      seen.push_back({event, record.Text(event.path)});
      ExpectTask(event.header, event.task, pid_, FindKind(static_cast<uint16_t>(kind))->lane);
      ExpectNamespaces(event.task);
    }
    return seen;
  }

  void StartRiding(KindSet kinds) {
    sensor_.reset();
    StartSensor(kinds);
  }

  // Whether `program` tells connects: exits are always watched in the inline tier, and connects of
  // unix sockets have a hook of their own since 6.7.
  bool TellsConnects(std::string_view program) const {
    for (const ProbeReport& report : sensor_->Report()) {
      if (report.probe->program != program || report.probe->kind != Kind::network_connect) continue;
      return report.state == ProbeReport::State::kAttached;
    }
    return false;
  }

  std::string dir_;
  pid_t pid_ = 0;
};

TEST_F(SocketTest, network_socket_of_every_family) {
  const auto seen = Events(Kind::network_socket, true, []() -> int {
    if (socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP) < 0) return 1;
    if (socket(AF_PACKET, SOCK_RAW, htons(3)) < 0) return 2;
    if (socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0) return 3;
    if (socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) < 0) return 4;
    if (socket(AF_UNIX, SOCK_DGRAM, 0) < 0) return 5;
    socket(AF_ALG, SOCK_SEQPACKET, 0);  // where the kernel has them
    socket(AF_VSOCK, SOCK_STREAM, 0);
    socket(AF_INET, SOCK_STREAM, 262);  // IPPROTO_MPTCP
    return socket(AF_INET, 7, 0) < 0 ? 0 : 6;
  });
  ASSERT_EQ(seen.size(), 9u);
  const vakt_network& tcp = seen[0].event;
  EXPECT_EQ(tcp.family, AF_INET);
  EXPECT_EQ(tcp.type, SOCK_STREAM);
  EXPECT_EQ(tcp.protocol, IPPROTO_TCP);
  EXPECT_EQ(tcp.argument, SOCK_CLOEXEC);
  EXPECT_EQ(tcp.syscall_nr, static_cast<uint32_t>(SYS_socket));
  EXPECT_GE(tcp.result, 3);
  EXPECT_EQ(tcp.fd, tcp.result);
  EXPECT_EQ(seen[1].event.family, AF_PACKET);
  EXPECT_EQ(seen[1].event.type, SOCK_RAW);
  EXPECT_EQ(seen[1].event.protocol, htons(3));
  EXPECT_EQ(seen[2].event.protocol, IPPROTO_ICMP);
  EXPECT_EQ(seen[3].event.family, AF_NETLINK);
  EXPECT_EQ(seen[4].event.family, AF_UNIX);
  EXPECT_EQ(seen[5].event.family, AF_ALG);
  EXPECT_EQ(seen[6].event.family, AF_VSOCK);
  EXPECT_EQ(seen[7].event.protocol, 262);
  EXPECT_EQ(seen[8].event.result, -ESOCKTNOSUPPORT);
  EXPECT_EQ(seen[8].event.fd, -1);
}

TEST_F(SocketTest, network_bind) {
  for (const bool exits : {true, false}) {
    SCOPED_TRACE(exits);
    const auto seen = Events(Kind::network_bind, exits, []() -> int {
      const sockaddr_in v4 = V4(0);
      const sockaddr_in6 v6 = V6Loopback(0);
      const int a = socket(AF_INET, SOCK_STREAM, 0);
      const int b = socket(AF_INET6, SOCK_DGRAM, 0);
      return bind(a, Any(v4), sizeof(v4)) != 0 || bind(b, Any(v6), sizeof(v6)) != 0;
    });
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].event.family, AF_INET);
    EXPECT_EQ(Address(seen[0].event, seen[0].event.local_addr), "127.0.0.1");
    EXPECT_GT(seen[0].event.local_port, 0);
    EXPECT_EQ(seen[0].event.type, SOCK_STREAM);
    EXPECT_EQ(seen[0].event.protocol, IPPROTO_TCP);
    EXPECT_GE(seen[0].event.fd, 3);
    EXPECT_EQ(seen[0].event.result, 0);
    EXPECT_EQ(seen[0].event.syscall_nr, static_cast<uint32_t>(SYS_bind));
    EXPECT_EQ(seen[1].event.family, AF_INET6);
    EXPECT_EQ(Address(seen[1].event, seen[1].event.local_addr), "::1");
    EXPECT_EQ(seen[1].event.protocol, IPPROTO_UDP);
  }
}

TEST_F(SocketTest, network_bind_of_unix_sockets_and_failures) {
  const auto seen = Events(Kind::network_bind, true, [&]() -> int {
    if (chdir(dir_.c_str()) != 0) return 1;
    sockaddr_un path, abstract;
    const socklen_t path_size = Unix("sock", &path);
    const socklen_t abstract_size = Unix(std::string("\0vakt-test", 10), &abstract);
    const sockaddr_in elsewhere = V4(80, 0x01020304);
    const int a = socket(AF_UNIX, SOCK_STREAM, 0);
    const int b = socket(AF_UNIX, SOCK_DGRAM, 0);
    const int c = socket(AF_INET, SOCK_STREAM, 0);
    return bind(a, Any(path), path_size) != 0 || bind(b, Any(abstract), abstract_size) != 0 ||
           bind(c, Any(elsewhere), sizeof(elsewhere)) == 0;
  });
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].event.family, AF_UNIX);
  EXPECT_EQ(seen[0].path, dir_ + "/sock");  // what the kernel made of the relative name
  EXPECT_EQ(seen[0].event.path_status, static_cast<uint32_t>(VAKT_PATH_OK));
  EXPECT_EQ(seen[1].path, std::string("\0vakt-test", 10));
  EXPECT_EQ(seen[1].event.type, SOCK_DGRAM);
  EXPECT_EQ(seen[2].event.result, -EADDRNOTAVAIL);
  EXPECT_EQ(Address(seen[2].event, seen[2].event.local_addr), "1.2.3.4");
  EXPECT_EQ(seen[2].event.local_port, 80);
}

TEST_F(SocketTest, network_listen) {
  for (const bool exits : {true, false}) {
    SCOPED_TRACE(exits);
    const auto seen = Events(Kind::network_listen, exits, []() -> int {
      const sockaddr_in v4 = V4(0);
      const int fd = socket(AF_INET, SOCK_STREAM, 0);
      return bind(fd, Any(v4), sizeof(v4)) != 0 || listen(fd, 7) != 0;
    });
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_EQ(seen[0].event.family, AF_INET);
    EXPECT_EQ(Address(seen[0].event, seen[0].event.local_addr), "127.0.0.1");
    EXPECT_GT(seen[0].event.local_port, 0);
    EXPECT_EQ(seen[0].event.argument, 7);
    EXPECT_GE(seen[0].event.fd, 3);
    EXPECT_EQ(seen[0].event.protocol, IPPROTO_TCP);
    EXPECT_EQ(seen[0].event.syscall_nr, static_cast<uint32_t>(SYS_listen));
  }
  const auto failed = Events(Kind::network_listen, true, []() -> int {
    return listen(socket(AF_INET, SOCK_DGRAM, 0), 1) == 0;
  });
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].event.result, -EOPNOTSUPP);
}

TEST_F(SocketTest, network_connect_of_unix_sockets) {
  for (const bool exits : {true, false}) {
    SCOPED_TRACE(exits);
    const std::string name = dir_ + (exits ? "/a" : "/b");
    const std::string hidden = std::string("\0vakt-hidden-", 13) + (exits ? "a" : "b");
    const auto seen = Events(Kind::network_connect, exits, [&]() -> int {
      sockaddr_un path, abstract;
      const socklen_t path_size = Unix(name, &path);
      const socklen_t abstract_size = Unix(hidden, &abstract);
      const int a = socket(AF_UNIX, SOCK_STREAM, 0), b = socket(AF_UNIX, SOCK_STREAM, 0);
      if (bind(a, Any(path), path_size) != 0 || listen(a, 1) != 0) return 1;
      if (bind(b, Any(abstract), abstract_size) != 0 || listen(b, 1) != 0) return 2;
      if (connect(socket(AF_UNIX, SOCK_STREAM, 0), Any(path), path_size) != 0) return 3;
      return connect(socket(AF_UNIX, SOCK_STREAM, 0), Any(abstract), abstract_size) != 0;
    });
    const bool told_at_exit = TellsConnects("network_call");
    EXPECT_TRUE(told_at_exit || !exits);
    if (!told_at_exit && !TellsConnects("network_connect_unix")) {
      EXPECT_TRUE(seen.empty());  // as the probe table says
      continue;
    }
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].event.family, AF_UNIX);
    EXPECT_EQ(seen[0].event.type, SOCK_STREAM);
    EXPECT_EQ(seen[0].event.result, 0);
    EXPECT_GE(seen[0].event.fd, 3);
    EXPECT_EQ(seen[0].path.substr(0, name.size()), name);
    EXPECT_EQ(seen[0].event.facts & VAKT_NAME_CLAIMED, told_at_exit ? 0u : VAKT_NAME_CLAIMED);
    EXPECT_EQ(seen[1].path, hidden);
  }
  const auto failed = Events(Kind::network_connect, true, [&]() -> int {
    sockaddr_un none;
    const socklen_t size = Unix(dir_ + "/none", &none);
    return connect(socket(AF_UNIX, SOCK_STREAM, 0), Any(none), size) == 0;
  });
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].event.result, -ENOENT);
  EXPECT_EQ(failed[0].path, dir_ + "/none");
  EXPECT_TRUE(failed[0].event.facts & VAKT_NAME_CLAIMED);
}

TEST_F(SocketTest, network_connect_that_fails_before_its_first_packet) {
  const auto seen = Events(Kind::network_connect, true, []() -> int {
    const sockaddr_in broadcast = V4(9, INADDR_BROADCAST);
    const sockaddr_in refused = V4(1);
    if (connect(socket(AF_INET, SOCK_STREAM, 0), Any(refused), sizeof(refused)) == 0) return 1;
    return connect(socket(AF_INET, SOCK_STREAM, 0), Any(broadcast), sizeof(broadcast)) == 0;
  });
  ASSERT_EQ(seen.size(), 2u);  // each once: the refused one is told by its states
  EXPECT_EQ(seen[0].event.result, -ECONNREFUSED);
  EXPECT_GE(seen[0].event.fd, 3);
  EXPECT_LT(seen[1].event.result, 0);
  EXPECT_NE(seen[1].event.result, -ECONNREFUSED);
  EXPECT_EQ(Address(seen[1].event, seen[1].event.remote_addr), "255.255.255.255");
  EXPECT_EQ(seen[1].event.remote_port, 9);
  EXPECT_EQ(seen[1].event.protocol, IPPROTO_TCP);
}

TEST_F(SocketTest, network_connect_udp_knows_its_own_end_where_exits_are_watched) {
  const auto seen = Events(Kind::network_connect, true, []() -> int {
    const sockaddr_in to = V4(5353);
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (connect(fd, Any(to), sizeof(to)) != 0) return 1;
    const sockaddr nobody = {};  // AF_UNSPEC: connected to nobody again
    return connect(fd, &nobody, sizeof(nobody));
  });
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(Address(seen[0].event, seen[0].event.local_addr), "127.0.0.1");
  EXPECT_EQ(Address(seen[0].event, seen[0].event.remote_addr), "127.0.0.1");
  EXPECT_EQ(seen[0].event.remote_port, 5353);
  EXPECT_EQ(seen[0].event.protocol, IPPROTO_UDP);
}

TEST_F(SocketTest, network_connect_by_fast_open_and_multipath) {
  const auto seen = Events(Kind::network_connect, false, []() -> int {
    const sockaddr_in any = V4(0);
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server, Any(any), sizeof(any)) != 0 || listen(server, 8) != 0) return 1;
    sockaddr_in to = {};
    socklen_t size = sizeof(to);
    getsockname(server, reinterpret_cast<sockaddr*>(&to), &size);
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    if (sendto(client, "x", 1, MSG_FASTOPEN, Any(to), sizeof(to)) != 1) return 2;
    const int multipath = socket(AF_INET, SOCK_STREAM, 262);
    return multipath >= 0 ? connect(multipath, Any(to), sizeof(to)) : 0;
  });
  ASSERT_GE(seen.size(), 1u);
  for (const Seen& s : seen) {
    EXPECT_EQ(s.event.result, 0);
    EXPECT_EQ(Address(s.event, s.event.remote_addr), "127.0.0.1");
    EXPECT_EQ(s.event.protocol, IPPROTO_TCP);
  }
}

TEST_F(SocketTest, network_send_and_network_receive_tell_each_peer_once) {
  StartSensor(KindBit(Kind::network_send) | KindBit(Kind::network_receive));
  int status = 0;
  const pid_t pid = cgroup_->Run(
      [&] {
        const sockaddr_in any = V4(0);
        const int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
        if (bind(a, Any(any), sizeof(any)) != 0 || bind(b, Any(any), sizeof(any)) != 0) return 1;
        sockaddr_in to = {};
        socklen_t size = sizeof(to);
        getsockname(b, reinterpret_cast<sockaddr*>(&to), &size);
        for (int i = 0; i < 50; ++i) {
          if (sendto(a, "x", 1, 0, Any(to), sizeof(to)) != 1) return 2;
        }
        char byte;
        sockaddr_in from = {};
        size = sizeof(from);
        for (int i = 0; i < 50; ++i) {
          recvfrom(b, &byte, 1, 0, reinterpret_cast<sockaddr*>(&from), &size);
        }
        // The answer belongs to a flow that is known. Two more peers in one call do not.
        if (sendto(b, "y", 1, 0, Any(from), sizeof(from)) != 1) return 3;
        sockaddr_in other[2] = {V4(5001), V4(5002)};
        iovec data = {&byte, 1};
        mmsghdr messages[2] = {};
        for (int i = 0; i < 2; ++i) {
          messages[i].msg_hdr.msg_name = &other[i];
          messages[i].msg_hdr.msg_namelen = sizeof(other[i]);
          messages[i].msg_hdr.msg_iov = &data;
          messages[i].msg_hdr.msg_iovlen = 1;
        }
        return sendmmsg(a, messages, 2, 0) == 2 ? 0 : 4;
      },
      &status);
  ASSERT_EQ(WEXITSTATUS(status), 0);
  const auto all = DrainAll(*sensor_);
  const auto sent = Of<vakt_network>(all, Kind::network_send, pid);
  const auto received = Of<vakt_network>(all, Kind::network_receive, pid);
  ASSERT_EQ(sent.size(), 3u);
  ASSERT_EQ(received.size(), 1u);
  const vakt_network& first = sent[0].first;
  ExpectTask(first.header, first.task, pid, Lane::BULK);
  ExpectNamespaces(first.task);
  EXPECT_EQ(first.syscall_nr, static_cast<uint32_t>(SYS_sendto));
  EXPECT_EQ(first.protocol, IPPROTO_UDP);
  EXPECT_EQ(first.type, SOCK_DGRAM);
  EXPECT_EQ(Address(first, first.remote_addr), "127.0.0.1");
  EXPECT_GT(first.local_port, 0);
  EXPECT_GE(first.fd, 3);
  EXPECT_EQ(first.result, 0);
  EXPECT_EQ(sent[1].first.syscall_nr, static_cast<uint32_t>(SYS_sendmmsg));
  EXPECT_EQ(sent[1].first.remote_port, 5001);
  EXPECT_EQ(sent[2].first.remote_port, 5002);
  ExpectTask(received[0].first.header, received[0].first.task, pid, Lane::BULK);
  EXPECT_EQ(received[0].first.syscall_nr, static_cast<uint32_t>(SYS_recvfrom));
  EXPECT_EQ(received[0].first.remote_port, first.local_port);
  EXPECT_EQ(received[0].first.local_port, first.remote_port);
}

TEST_F(SocketTest, network_dup_of_a_connection_onto_standard_streams_alone) {
  const auto seen = Events(Kind::network_dup, true, [&]() -> int {
    const sockaddr_in any = V4(0);
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server, Any(any), sizeof(any)) != 0 || listen(server, 8) != 0) return 1;
    sockaddr_in to = {};
    socklen_t size = sizeof(to);
    getsockname(server, reinterpret_cast<sockaddr*>(&to), &size);
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client, Any(to), sizeof(to)) != 0) return 2;
    const int file = open("/dev/null", O_RDWR);
    if (dup2(file, 0) != 0) return 3;  // not a socket
    if (dup(client) < 3) return 4;     // not a standard stream
    if (dup2(client, 0) != 0 || dup3(client, 1, O_CLOEXEC) != 1) return 5;
    close(2);
    return fcntl(client, F_DUPFD, 0) == 2 ? 0 : 6;
  });
  ASSERT_EQ(seen.size(), 3u);
  const long calls[] = {SYS_dup2, SYS_dup3, SYS_fcntl};
  for (int i = 0; i < 3; ++i) {
    const vakt_network& e = seen[i].event;
    EXPECT_EQ(e.syscall_nr, static_cast<uint32_t>(calls[i]));
    EXPECT_EQ(e.result, i);
    EXPECT_EQ(e.fd, i);
    EXPECT_GE(e.argument, 3);
    EXPECT_EQ(e.family, AF_INET);
    EXPECT_EQ(e.protocol, IPPROTO_TCP);
    EXPECT_EQ(Address(e, e.remote_addr), "127.0.0.1");
    EXPECT_GT(e.remote_port, 0);
    EXPECT_GT(e.local_port, 0);
  }
}

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
// What is copied of streams and datagrams so that the remote side gets a name, and that nothing
// else is.
#include <netinet/tcp.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <cstring>

#include "tests/bpf/flow_test_base.h"

namespace vakt {
namespace {

class FlowPayloadTest : public DatagramFlowTest {
 protected:
  struct Piece {
    vakt_payload about;
    std::string bytes;
  };
  // Of streams.
  std::vector<Piece> Pieces() {
    std::vector<Piece> pieces;
    for (const CapturedRecord& record : DrainAll(*sensor_)) {
      if (record.header().kind != VAKT_FLOWS_KIND) continue;
      const auto piece = record.As<vakt_stream_piece>();
      pieces.push_back(
          {piece.about, std::string(reinterpret_cast<const char*>(piece.bytes), piece.about.size)});
    }
    return pieces;
  }
  // A child connects, and its peer is this process; `act` gets both ends.
  template <typename Act>
  pid_t Talk(const Act& act, const char* address = "127.0.0.1", uint16_t port = 0,
             int protocol = 0) {
    Peer server;
    const int listener = Serve(address, SOCK_STREAM, &server, port);
    int status = 1;
    const pid_t pid = cgroup_->Run(
        [&] {
          const int fd = socket(server.address.ss_family, SOCK_STREAM, protocol);
          if (connect(fd, server.get(), server.size) != 0) return 100;
          const int peer = accept(listener, nullptr, nullptr);
          const int one = 1;
          setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
          return act(fd, peer) ? 0 : 1;
        },
        &status);
    close(listener);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    return pid;
  }
};

// What a ClientHello begins with; the rest does not matter here.
std::string Hello(size_t size) {
  std::string bytes("\x16\x03\x01\x02\x00\x01\x00", 7);
  for (size_t i = bytes.size(); i < size; ++i) bytes += static_cast<char>('a' + i % 26);
  return bytes.substr(0, size);
}

bool Send(int fd, const std::string& bytes) {
  return send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

TEST_F(FlowPayloadTest, AnswersOfNameServersAreCopiedWhicheverCallReceivesThem) {
  Peer server;
  const int answers = Serve("127.53.53.53", SOCK_DGRAM, &server, 53);
  const pid_t asks = cgroup_->Run([&] {
    const int fd = Open(server, SOCK_DGRAM);
    if (connect(fd, server.get(), server.size) != 0) return 1;
    for (int i = 0; i < 5; ++i) {
      char buffer[2000] = {};
      Peer from{.size = sizeof(sockaddr_storage)};
      auto* address = reinterpret_cast<sockaddr*>(&from.address);
      if (!SendAll(fd, 12)) return 2;
      if (recvfrom(answers, buffer, sizeof(buffer), 0, address, &from.size) != 12) return 3;
      const std::string text(i == 4 ? 1500 : 100, static_cast<char>('a' + i));
      sendto(answers, text.data(), text.size(), 0, address, from.size);
      iovec parts[2] = {{buffer, 60}, {buffer + 60, sizeof(buffer) - 60}};
      msghdr message = {};
      message.msg_iov = parts;
      message.msg_iovlen = 2;
      const ssize_t got = i == 1   ? read(fd, buffer, sizeof(buffer))
                          : i == 2 ? recvmsg(fd, &message, 0)
                          : i == 3 ? readv(fd, parts, 2)
                                   : recv(fd, buffer, sizeof(buffer), 0);
      if (got != static_cast<ssize_t>(text.size())) return 4;
    }
    return 0;
  });
  close(answers);
  std::vector<vakt_dns_answer> seen;
  for (const CapturedRecord& record : DrainAll(*sensor_)) {
    if (record.header().kind == VAKT_FLOWS_KIND) seen.push_back(record.As<vakt_dns_answer>());
  }
  ASSERT_EQ(seen.size(), 5u) << asks;
  const size_t sizes[] = {100, 100, 60, 60, VAKT_DNS_ANSWER_MAX};  // what lies together
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(seen[i].about.size, sizes[i]) << i;
    EXPECT_EQ(seen[i].about.truncated, i >= 2 ? 1 : 0) << i;
    EXPECT_EQ(seen[i].about.net_ns, Namespace("net"));
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(seen[i].bytes), sizes[i]),
              std::string(sizes[i], static_cast<char>('a' + i)));
  }
}

TEST_F(FlowPayloadTest, AHelloIsCopiedWhicheverCallSendsIt) {
  const std::string hello = Hello(500);
  const pid_t asks = Talk([&](int fd, int) { return Send(fd, hello); });
  Talk([&](int fd, int) { return write(fd, hello.data(), 500) == 500; }, "::1");
  Talk([&](int fd, int) {
    iovec parts[2] = {{const_cast<char*>(hello.data()), 400},
                      {const_cast<char*>(&hello[400]), 100}};
    return writev(fd, parts, 2) == 500;
  });
  Talk([&](int fd, int) {
    iovec part = {const_cast<char*>(hello.data()), 500};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return sendmsg(fd, &message, 0) == 500;
  });
  const std::vector<Piece> pieces = Pieces();
  ASSERT_EQ(pieces.size(), 4u);
  for (size_t i = 0; i < pieces.size(); ++i) {
    const vakt_payload& about = pieces[i].about;
    EXPECT_EQ(about.what, VAKT_PAYLOAD_TLS_STREAM);
    EXPECT_EQ(pieces[i].bytes, i == 2 ? hello.substr(0, 400) : hello) << i;
    EXPECT_EQ(about.truncated, i == 2 ? 1 : 0) << i;
    EXPECT_EQ(about.begins, 1);
    EXPECT_EQ(about.number, 1);
    EXPECT_EQ(about.family, i == 1 ? AF_INET6 : AF_INET);
    EXPECT_EQ(about.net_ns, Namespace("net"));
    EXPECT_NE(about.remote_port, 0);
  }
  EXPECT_EQ(pieces[0].about.cookie & 0x3fffff, static_cast<uint32_t>(asks));
  EXPECT_EQ(std::memcmp(pieces[0].about.remote_addr, "\x7f\0\0\1", 4), 0);
}

TEST_F(FlowPayloadTest, ALongHelloComesInPieces) {
  const std::string hello = Hello(5000), longer = Hello(7000);
  Talk([&](int fd, int) { return Send(fd, hello); });
  Talk([&](int fd, int) { return Send(fd, longer); });
  const std::vector<Piece> pieces = Pieces();
  ASSERT_EQ(pieces.size(), 6u);
  EXPECT_EQ(pieces[0].bytes + pieces[1].bytes + pieces[2].bytes, hello);
  EXPECT_EQ(pieces[2].about.truncated, 0);
  EXPECT_EQ(pieces[3].bytes + pieces[4].bytes + pieces[5].bytes,
            longer.substr(0, VAKT_STREAM_COPY_MAX));
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(pieces[i].about.number, i % 3 + 1);
    EXPECT_EQ(pieces[i].about.begins, i % 3 == 0 ? 1 : 0);
    EXPECT_EQ(pieces[i].about.truncated, i == 5 ? 1 : 0);
  }
}

TEST_F(FlowPayloadTest, AHelloInSeveralSendsIsFollowed) {
  const std::string hello = Hello(300);
  Talk([&](int fd, int) {
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return Send(fd, hello.substr(0, 1)) && Send(fd, hello.substr(1, 99)) &&
           Send(fd, hello.substr(100));
  });
  const std::vector<Piece> pieces = Pieces();
  ASSERT_EQ(pieces.size(), 3u);
  EXPECT_EQ(pieces[0].bytes + pieces[1].bytes + pieces[2].bytes, hello);
}

TEST_F(FlowPayloadTest, ProtocolsThatBeginInTheClearMayStartTlsLater) {
  Talk([&](int fd, int) {
    return Send(fd, "EHLO client\r\n") && Send(fd, "STARTTLS\r\n") && Send(fd, Hello(200));
  });
  const std::vector<Piece> pieces = Pieces();
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].bytes, Hello(200));
  EXPECT_EQ(pieces[0].about.begins, 1);
}

// Neither what is not TLS, nor what follows the first sends, nor what a server says.
TEST_F(FlowPayloadTest, NothingElseIsCopied) {
  Talk([&](int fd, int peer) {
    return Send(fd, "GET / HTTP/1.1\r\n") && Send(fd, std::string("\x17\x03\x03\0\4data", 9)) &&
           Send(fd, std::string("\x16\x03\x01\0\4\2\0\0", 8)) && Send(peer, Hello(200));
  });
  Talk([&](int fd, int) {
    for (int i = 0; i < VAKT_HELLO_SENDS; ++i) {
      if (!Send(fd, "secret")) return false;
    }
    return Send(fd, Hello(200));
  });
  EXPECT_TRUE(Pieces().empty());
  Talk([&](int fd, int) {  // and of one that goes on, no more than the first sends
    bool sent = Send(fd, Hello(200));
    for (int i = 0; i < 10; ++i) sent = sent && Send(fd, "data");
    return sent;
  });
  EXPECT_EQ(Pieces().size(), 1u * VAKT_HELLO_SENDS);
}

TEST_F(FlowPayloadTest, MptcpCarriesAHelloToo) {
  const int probe = socket(AF_INET, SOCK_STREAM, 262);
  if (probe < 0) GTEST_SKIP() << "this kernel has no MPTCP";
  close(probe);
  const pid_t asks = Talk([&](int fd, int) { return Send(fd, Hello(200)); }, "127.0.0.1", 0, 262);
  const std::vector<Piece> pieces = Pieces();
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].bytes, Hello(200));
  EXPECT_EQ(pieces[0].about.cookie & 0x3fffff, static_cast<uint32_t>(asks));
}

// As resolvers do: some read the length first.
TEST_F(FlowPayloadTest, WhatAConnectionToANameServerBringsIsCopied) {
  const std::string answer = std::string("\x01\x2c", 2) + std::string(300, 'd');
  Talk(
      [&](int fd, int peer) {
        char buffer[1000];
        if (!Send(fd, "question") || !Send(peer, answer)) return false;
        if (recv(fd, buffer, 1000, MSG_PEEK) <= 0) return false;
        if (recv(fd, buffer, 2, MSG_WAITALL) != 2) return false;
        return recv(fd, buffer, 300, MSG_WAITALL) == 300;
      },
      "127.53.53.54", 53);
  const std::vector<Piece> pieces = Pieces();
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].bytes + pieces[1].bytes, answer);
  EXPECT_EQ(pieces[0].about.what, VAKT_PAYLOAD_DNS_STREAM);
  EXPECT_EQ(pieces[0].about.begins, 1);
  EXPECT_EQ(pieces[1].about.begins, 0);
  EXPECT_EQ(pieces[1].about.number, 2);
}

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
// What peers say to each other, and what the kernel's sums say of it: the programs' own counts are
// the oracle.
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include "tests/bpf/flow_test_base.h"

namespace vakt {
namespace {

class FlowTcpTest : public FlowBpfTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(FlowTcpTest, BothEndsCountThePayloadExactly) {
  constexpr size_t kThere = 3'000'001, kBack = 1'234'567;
  Peer server;
  const int listener = Serve(GetParam(), SOCK_STREAM, &server);
  const pid_t serves = cgroup_->Start([&] {
    const int fd = accept(listener, nullptr, nullptr);
    const size_t got = ReceiveToEnd(fd);
    const bool sent = SendAll(fd, kBack);
    close(fd);
    return got == kThere && sent ? 0 : 1;
  });
  int status = 1, served = 1;
  const pid_t asks = cgroup_->Run(
      [&] {
        const int fd = Open(server, SOCK_STREAM);
        if (connect(fd, server.get(), server.size) != 0 || !SendAll(fd, kThere)) return 1;
        shutdown(fd, SHUT_WR);
        return ReceiveToEnd(fd) == kBack ? 0 : 2;
      },
      &status);
  waitpid(serves, &served, 0);
  ASSERT_EQ(WEXITSTATUS(status), 0);
  ASSERT_EQ(WEXITSTATUS(served), 0);
  close(listener);
  const std::vector<FlowSum> all = Take();
  const auto out = Of(all, asks, VAKT_FLOW_OUT);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(Text(out[0], out[0].key.remote_addr), GetParam());
  EXPECT_EQ(out[0].key.remote_port, server.port());
  EXPECT_EQ(out[0].key.local_port, 0);
  EXPECT_EQ(out[0].key.protocol, IPPROTO_TCP);
  EXPECT_EQ(out[0].key.net_ns, Namespace("net"));
  EXPECT_EQ(out[0].counts.connections, 1u);
  EXPECT_EQ(out[0].counts.established, 1u);
  EXPECT_EQ(out[0].counts.bytes_out, kThere);
  EXPECT_EQ(out[0].counts.bytes_in, kBack);
  EXPECT_GT(out[0].counts.packets_out, 40u);
  EXPECT_GT(out[0].counts.packets_in, 20u);
  EXPECT_EQ(out[0].counts.open, 0u);
  EXPECT_LT(out[0].counts.first_boot_ns, out[0].counts.last_boot_ns);
  const auto in = Of(all, serves, VAKT_FLOW_IN);
  ASSERT_EQ(in.size(), 1u);
  EXPECT_EQ(in[0].key.local_port, server.port());
  EXPECT_EQ(in[0].key.remote_port, 0);
  EXPECT_EQ(in[0].counts.connections, 1u);
  EXPECT_EQ(in[0].counts.established, 1u);
  EXPECT_EQ(in[0].counts.bytes_in, kThere);
  EXPECT_EQ(in[0].counts.bytes_out, kBack);
  EXPECT_EQ(in[0].counts.reset, 0u);
  EXPECT_TRUE(Of(Take(), asks, VAKT_FLOW_OUT).empty()) << "told twice";
}

INSTANTIATE_TEST_SUITE_P(Families, FlowTcpTest, ::testing::Values("127.0.0.1", "::1"));

TEST_F(FlowBpfTest, RepeatedConnectionsAreOneFlow) {
  Peer server;
  const int listener = Serve("127.0.0.1", SOCK_STREAM, &server);
  const pid_t asks = cgroup_->Run([&] {
    for (int i = 0; i < 100; ++i) {
      const int fd = Open(server, SOCK_STREAM);
      if (connect(fd, server.get(), server.size) != 0 || !SendAll(fd, 10)) return 1;
      pollfd accepted = {accept(listener, nullptr, nullptr), POLLIN, 0};
      poll(&accepted, 1, -1);  // what was sent has come, and is not read
      close(accepted.fd);
      close(fd);
    }
    return 0;
  });
  close(listener);
  const std::vector<FlowSum> all = Take();
  const auto out = Of(all, asks, VAKT_FLOW_OUT), in = Of(all, asks, VAKT_FLOW_IN);
  ASSERT_EQ(out.size(), 1u);
  ASSERT_EQ(in.size(), 1u);
  EXPECT_EQ(out[0].counts.connections, 100u);
  EXPECT_EQ(out[0].counts.bytes_out, 1000u);
  EXPECT_EQ(out[0].counts.reset, 100u);  // closed with unread data
  EXPECT_EQ(in[0].counts.connections, 100u);
  EXPECT_EQ(in[0].counts.bytes_in, 1000u);
}

TEST_F(FlowBpfTest, RefusedAndTimedOut) {
  Peer server;
  close(Serve("127.0.0.1", SOCK_STREAM, &server));
  Peer full;
  const int busy = Serve("127.0.0.1", SOCK_STREAM, &full);
  listen(busy, 0);  // its queue takes one; what comes after gets no answer
  const int first = Open(full, SOCK_STREAM);
  ASSERT_EQ(connect(first, full.get(), full.size), 0);
  const pid_t asks = cgroup_->Run([&] {
    const int refused = Open(server, SOCK_STREAM);
    if (connect(refused, server.get(), server.size) == 0 || errno != ECONNREFUSED) return 1;
    const int silent = Open(full, SOCK_STREAM);
    const int once = 1;
    setsockopt(silent, IPPROTO_TCP, TCP_SYNCNT, &once, sizeof(once));
    if (connect(silent, full.get(), full.size) == 0 || errno != ETIMEDOUT) return 2;
    return 0;
  });
  close(first);
  close(busy);
  const auto out = Of(Take(), asks, VAKT_FLOW_OUT);
  ASSERT_EQ(out.size(), 2u);
  for (const FlowSum& sum : out) {
    const bool refused = sum.key.remote_port == server.port();
    EXPECT_EQ(sum.counts.connections, 1u);
    EXPECT_EQ(sum.counts.established, 0u);
    EXPECT_EQ(sum.counts.refused, refused ? 1u : 0u);
    EXPECT_EQ(sum.counts.timed_out, refused ? 0u : 1u);
    EXPECT_EQ(sum.counts.retransmits > 0, !refused);
    EXPECT_EQ(sum.counts.bytes_out, 0u);
  }
}

TEST_F(FlowBpfTest, AnOpenConnectionIsToldAsItGrows) {
  Peer server;
  const int listener = Serve("127.0.0.1", SOCK_STREAM, &server);
  int tell[2];
  ASSERT_EQ(pipe(tell), 0);
  const pid_t asks = cgroup_->Start([&] {
    close(tell[1]);
    const int fd = Open(server, SOCK_STREAM);
    if (connect(fd, server.get(), server.size) != 0) return 1;
    for (char c; read(tell[0], &c, 1) == 1;) SendAll(fd, 1000);
    return 0;
  });
  const int fd = accept(listener, nullptr, nullptr);
  const auto look = [&] {
    const auto out = Of(Take(), asks, VAKT_FLOW_OUT);
    return out.size() == 1 ? out[0].counts : vakt_flow_counts{};
  };
  const auto more = [&] {
    char buffer[1000];
    EXPECT_EQ(write(tell[1], "x", 1), 1);
    EXPECT_EQ(recv(fd, buffer, sizeof(buffer), MSG_WAITALL), 1000);
  };
  more();
  vakt_flow_counts counts = look();
  EXPECT_EQ(counts.connections, 1u);
  EXPECT_EQ(counts.established, 1u);
  EXPECT_EQ(counts.bytes_out, 1000u);
  EXPECT_EQ(counts.open, 1u);
  more();
  more();
  counts = look();
  EXPECT_EQ(counts.connections, 0u) << "it was told";
  EXPECT_EQ(counts.bytes_out, 2000u);
  EXPECT_EQ(counts.open, 1u);
  counts = look();  // silent
  EXPECT_EQ(counts.open, 1u);
  EXPECT_EQ(counts.bytes_out + counts.last_boot_ns, 0u);
  more();
  close(tell[1]);
  waitpid(asks, nullptr, 0);
  close(fd);
  close(listener);
  counts = look();
  EXPECT_EQ(counts.connections, 0u);
  EXPECT_EQ(counts.bytes_out, 1000u);
  EXPECT_EQ(counts.open, 0u);
}

TEST_F(FlowBpfTest, AListenerHasItsOwner) {
  int tell[2];
  ASSERT_EQ(pipe(tell), 0);
  Peer at;
  const pid_t owner = cgroup_->Start([&] {
    close(tell[1]);
    const int fd = Serve("127.0.0.1", SOCK_STREAM, &at, 40123);
    char c;
    while (read(tell[0], &c, 1) == 1) continue;
    close(fd);
    return 0;
  });
  std::vector<FlowSum> found;
  for (int i = 0; i < 100 && found.empty(); ++i) {
    usleep(10000);
    found = Of(Take(), owner, VAKT_FLOW_LISTEN);
  }
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].key.local_port, 40123);
  EXPECT_EQ(found[0].counts.open, 1u);
  EXPECT_EQ(found[0].counts.connections, 0u);
  close(tell[1]);
  waitpid(owner, nullptr, 0);
  for (const FlowSum& sum : Of(Take(), owner, VAKT_FLOW_LISTEN)) EXPECT_EQ(sum.counts.open, 0u);
  EXPECT_TRUE(Of(Take(), owner, VAKT_FLOW_LISTEN).empty());
}

TEST_F(DatagramFlowTest, DatagramsOfConnectedSockets) {
  Peer server;
  const int receiver = Serve("127.0.0.1", SOCK_DGRAM, &server);
  const pid_t sends = cgroup_->Run([&] {
    const int fd = Open(server, SOCK_DGRAM);
    if (connect(fd, server.get(), server.size) != 0) return 1;
    for (int i = 0; i < 50; ++i) {
      if (!SendAll(fd, static_cast<size_t>(100 + i))) return 2;
    }
    return 0;
  });
  close(receiver);
  const auto sums = Of(Take(), sends, VAKT_FLOW_EITHER);
  ASSERT_EQ(sums.size(), 1u);
  EXPECT_EQ(Text(sums[0], sums[0].key.remote_addr), "127.0.0.1");
  EXPECT_EQ(sums[0].key.remote_port, server.port());
  EXPECT_EQ(sums[0].key.local_port, 0);
  EXPECT_EQ(sums[0].key.protocol, IPPROTO_UDP);
  EXPECT_EQ(sums[0].counts.first_sent, 1u);
  EXPECT_EQ(sums[0].counts.packets_out, 50u);
  EXPECT_EQ(sums[0].counts.bytes_out, 50u * 100 + 49 * 50 / 2);
  EXPECT_EQ(sums[0].counts.packets_in, 0u);
}

class FlowDatagramTest : public DatagramFlowTest,
                         public ::testing::WithParamInterface<const char*> {};

TEST_P(FlowDatagramTest, UnconnectedSocketsCountTheirPeers) {
  constexpr int kQuestions = 40;
  Peer server;
  const int socket = Serve(GetParam(), SOCK_DGRAM, &server, 5399);
  const pid_t serves = cgroup_->Start([&] {
    char buffer[2000];
    for (int i = 0; i < kQuestions; ++i) {
      Peer from{.size = sizeof(sockaddr_storage)};
      auto* address = reinterpret_cast<sockaddr*>(&from.address);
      if (recvfrom(socket, buffer, 1, MSG_PEEK, nullptr, nullptr) != 1) return 1;  // no receive
      const ssize_t got = recvfrom(socket, buffer, sizeof(buffer), 0, address, &from.size);
      if (got != 100) return 2;
      if (sendto(socket, buffer, 300, 0, address, from.size) != 300) return 3;
    }
    return 0;
  });
  int status = 1, served = 1;
  const pid_t asks = cgroup_->Run(
      [&] {
        const int fd = Open(server, SOCK_DGRAM);
        char buffer[2000] = {};
        for (int i = 0; i < kQuestions; ++i) {
          Peer from{.size = sizeof(sockaddr_storage)};
          if (sendto(fd, buffer, 100, 0, server.get(), server.size) != 100) return 1;
          if (recvfrom(fd, buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&from.address),
                       &from.size) != 300) {
            return 2;
          }
        }
        return 0;
      },
      &status);
  waitpid(serves, &served, 0);
  close(socket);
  ASSERT_EQ(WEXITSTATUS(status), 0);
  ASSERT_EQ(WEXITSTATUS(served), 0);
  const std::vector<FlowSum> all = Take();
  const auto asked = Of(all, asks, VAKT_FLOW_EITHER), answered = Of(all, serves, VAKT_FLOW_EITHER);
  ASSERT_EQ(asked.size(), 1u);
  ASSERT_EQ(answered.size(), 1u);
  EXPECT_EQ(Text(asked[0], asked[0].key.remote_addr), GetParam());
  EXPECT_EQ(asked[0].key.remote_port, 5399);
  EXPECT_EQ(asked[0].counts.first_sent, 1u);
  EXPECT_EQ(asked[0].counts.packets_out, 1u * kQuestions);
  EXPECT_EQ(asked[0].counts.bytes_out, 100u * kQuestions);
  EXPECT_EQ(asked[0].counts.packets_in, 1u * kQuestions);
  EXPECT_EQ(asked[0].counts.bytes_in, 300u * kQuestions);
  EXPECT_EQ(answered[0].key.local_port, 5399);
  EXPECT_EQ(answered[0].key.remote_port, 0) << "the client's port says nothing";
  EXPECT_EQ(answered[0].counts.first_sent, 0u);
  EXPECT_EQ(answered[0].counts.packets_in, 1u * kQuestions);
  EXPECT_EQ(answered[0].counts.bytes_in, 100u * kQuestions);
  EXPECT_EQ(answered[0].counts.bytes_out, 300u * kQuestions);
}

INSTANTIATE_TEST_SUITE_P(Families, FlowDatagramTest, ::testing::Values("127.0.0.1", "::1"));

TEST_F(DatagramFlowTest, MoreDestinationsThanRoomAreStillCounted) {
  constexpr uint32_t kPeers = VAKT_FLOW_TABLE + 5000;
  const pid_t sends = cgroup_->Run([&] {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    for (uint32_t i = 0; i < kPeers; ++i) {
      Peer peer = At("127.0.0.1", 9);
      reinterpret_cast<sockaddr_in*>(&peer.address)->sin_addr.s_addr = htonl(0x7f010000 + i);
      if (sendto(fd, "1234567", 7, 0, peer.get(), peer.size) != 7) --i;  // refused: an answer
    }
    return 0;
  });
  uint64_t packets = 0, bytes = 0, folded = 0, flows = 0;
  for (const FlowSum& sum : Of(Take(), sends, VAKT_FLOW_EITHER)) {
    packets += sum.counts.packets_out;
    bytes += sum.counts.bytes_out;
    folded += sum.counts.folded;
    flows += sum.folded ? 0 : 1;
  }
  EXPECT_EQ(packets, kPeers);
  EXPECT_EQ(bytes, 7u * kPeers);
  EXPECT_GE(folded, 5000u);
  EXPECT_LE(flows, 1u * VAKT_FLOW_TABLE);
  EXPECT_EQ(flows + folded, kPeers);
}

class LateFlowTest : public FlowBpfTest {
 protected:
  LateFlowTest() { starts_late_ = true; }
};

TEST_F(LateFlowTest, ConnectionsThatAreOlderThanTheAgentAreFound) {
  int tell[2], ready[2];
  ASSERT_EQ(pipe(tell), 0);
  ASSERT_EQ(pipe(ready), 0);
  Peer server;
  const int probe = Serve("127.0.0.1", SOCK_STREAM, &server);
  close(probe);
  const pid_t serves = cgroup_->Start([&] {
    close(tell[1]);
    Peer at;
    const int listener = Serve("127.0.0.1", SOCK_STREAM, &at, server.port());
    const int fd = Open(server, SOCK_STREAM);
    if (connect(fd, server.get(), server.size) != 0) return 1;
    const int other = accept(listener, nullptr, nullptr);
    SendAll(fd, 500);  // before
    char buffer[1000];
    recv(other, buffer, 500, MSG_WAITALL);
    if (write(ready[1], "x", 1) != 1) return 2;
    char c;
    if (read(tell[0], &c, 1) != 1) return 3;
    SendAll(fd, 700);  // after
    recv(other, buffer, 700, MSG_WAITALL);
    if (write(ready[1], "x", 1) != 1) return 4;
    while (read(tell[0], &c, 1) == 1) continue;
    return 0;
  });
  char c;
  ASSERT_EQ(read(ready[0], &c, 1), 1);
  StartSensor(0);
  ASSERT_EQ(sensor_->SeedFlows(), absl::OkStatus());
  ASSERT_EQ(write(tell[1], "x", 1), 1);
  ASSERT_EQ(read(ready[0], &c, 1), 1);
  const std::vector<FlowSum> all = Take();
  const auto out = Of(all, serves, VAKT_FLOW_OUT), in = Of(all, serves, VAKT_FLOW_IN);
  ASSERT_EQ(out.size(), 1u);
  ASSERT_EQ(in.size(), 1u);
  EXPECT_EQ(Of(all, serves, VAKT_FLOW_LISTEN).size(), 1u);
  EXPECT_EQ(out[0].key.remote_port, server.port());
  EXPECT_EQ(out[0].counts.bytes_out, 700u);
  EXPECT_EQ(out[0].counts.open, 1u);
  EXPECT_EQ(out[0].counts.connections, 0u);
  EXPECT_EQ(in[0].key.local_port, server.port());
  EXPECT_EQ(in[0].counts.bytes_in, 700u);
  close(tell[1]);
  waitpid(serves, nullptr, 0);
}

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
// Sockets of tests of flows, and the fixtures that have the kernel's sums.
#ifndef VAKT_TESTS_BPF_FLOW_TEST_BASE_H_
#define VAKT_TESTS_BPF_FLOW_TEST_BASE_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/sensor/flow_tables.h"
#include "tests/bpf/bpf_test_base.h"

namespace vakt {

struct Peer {
  sockaddr_storage address = {};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
  uint16_t port() const {  // the same place in both families
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  }
};

inline Peer At(const char* text, uint16_t port) {
  Peer peer;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&peer.address);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&peer.address);
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    peer.size = sizeof(*v4);
  } else {
    inet_pton(AF_INET6, text, &v6->sin6_addr);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    peer.size = sizeof(*v6);
  }
  return peer;
}

inline int Open(const Peer& peer, int type) { return socket(peer.address.ss_family, type, 0); }

// A socket at a free port of `address`, listening if it is a stream.
inline int Serve(const char* address, int type, Peer* at, uint16_t port = 0) {
  const Peer any = At(address, port);
  const int fd = Open(any, type);
  EXPECT_EQ(bind(fd, any.get(), any.size), 0);
  EXPECT_TRUE(type != SOCK_STREAM || listen(fd, 128) == 0);
  at->size = sizeof(at->address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&at->address), &at->size);
  return fd;
}

inline bool SendAll(int fd, size_t bytes) {
  const std::string data(std::min<size_t>(bytes, 100000), 'x');
  while (bytes > 0) {
    const ssize_t sent = send(fd, data.data(), std::min(bytes, data.size()), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes -= static_cast<size_t>(sent);
  }
  return true;
}

inline size_t ReceiveToEnd(int fd) {
  char buffer[65536];
  size_t total = 0;
  for (ssize_t got; (got = recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
    total += static_cast<size_t>(got);
  }
  return total;
}

class FlowBpfTest : public BpfTest {
 protected:
  void SetUp() override {
    BpfTest::SetUp();
    flows_ = true;
    if (!IsSkipped() && !starts_late_) StartSensor(0);
  }

  std::vector<FlowSum> Take() {
    std::vector<FlowSum> sums;
    EXPECT_EQ(sensor_->TakeFlows(&sums), absl::OkStatus());
    return sums;
  }
  // What the processes' own cookies name; of one direction.
  static std::vector<FlowSum> Of(const std::vector<FlowSum>& all, pid_t pid, int direction) {
    std::vector<FlowSum> found;
    for (const FlowSum& sum : all) {
      if ((sum.key.cookie & 0x3fffff) != static_cast<uint32_t>(pid)) continue;
      if (sum.key.direction == direction) found.push_back(sum);
    }
    return found;
  }
  static std::string Text(const FlowSum& sum, const __u8* address) {
    char text[INET6_ADDRSTRLEN] = {};
    inet_ntop(sum.key.family, address, text, sizeof(text));
    return text;
  }

  // Skips where the kernel cannot count datagrams at all (before 6.3), with its word for it.
  void NeedsDatagrams() {
    for (const ProbeReport& report : sensor_->Report()) {
      if (report.probe->program != "network_sent") continue;
      if (report.state == ProbeReport::State::kFailed) GTEST_SKIP() << report.detail;
    }
  }

  bool starts_late_ = false;
};

class DatagramFlowTest : public FlowBpfTest {
 protected:
  void SetUp() override {
    FlowBpfTest::SetUp();
    if (sensor_) NeedsDatagrams();
  }
};

}  // namespace vakt

#endif  // VAKT_TESTS_BPF_FLOW_TEST_BASE_H_

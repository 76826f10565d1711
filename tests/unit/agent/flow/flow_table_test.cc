// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/flow_table.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "common/event/container.h"

namespace vakt {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

FlowSum Sum(uint64_t cookie, uint16_t direction, uint32_t remote, uint16_t port) {
  FlowSum sum;
  sum.key.cookie = cookie;
  sum.key.direction = direction;
  sum.key.family = AF_INET;
  sum.key.protocol = IPPROTO_TCP;
  const uint32_t bytes = htonl(remote);
  std::memcpy(sum.key.remote_addr, &bytes, sizeof(bytes));
  (direction == VAKT_FLOW_OUT ? sum.key.remote_port : sum.key.local_port) = port;
  return sum;
}

FlowSum News(FlowSum sum, uint64_t at_s, uint64_t connections, uint64_t open = 0) {
  sum.counts.first_boot_ns = sum.counts.last_boot_ns = at_s * kSecond;
  sum.counts.connections = sum.counts.established = connections;
  sum.counts.bytes_out = 100 * connections;
  sum.counts.open = open;
  return sum;
}

class FlowTableTest : public ::testing::Test {
 protected:
  FlowTableTest() {
    for (uint64_t cookie = 1; cookie <= 200; ++cookie) {
      Process& process = processes_[cookie];
      process.cookie = cookie;
      process.pid = static_cast<uint32_t>(1000 + cookie);
      process.exe_path = SharedString("/usr/bin/curl");
      process.comm = SharedString("curl");
    }
    processes_[200].exe_path = SharedString("/usr/sbin/sshd");
  }

  std::unique_ptr<FlowTable> Table(FlowOptions options = {}) {
    return std::make_unique<FlowTable>(options, [this](uint64_t cookie) -> const Process* {
      const auto found = processes_.find(cookie);
      return found == processes_.end() ? nullptr : &found->second;
    });
  }

  struct Told {
    vakt_flow_key where;
    vakt_flow_counts sums;
    FlowProcess process;
    uint64_t first_seen_ns;
  };
  static std::vector<Told> Due(FlowTable& table, uint64_t at_s) {
    std::vector<Told> told;
    table.TakeDue(at_s * kSecond, [&](const FlowRecord& record) {
      told.push_back({record.where, record.sums, *record.process, record.first_seen_ns});
    });
    return told;
  }

  std::map<uint64_t, Process> processes_;
};

TEST_F(FlowTableTest, ManyProcessesOfAProgramAreOneRecordAfterTheAfterglow) {
  const auto table = Table();
  for (uint64_t cookie = 1; cookie <= 100; ++cookie) {
    table->Add({News(Sum(cookie, VAKT_FLOW_OUT, 0x08080808, 443), 100 + cookie / 50, 1)},
               102 * kSecond);
  }
  EXPECT_TRUE(Due(*table, 105).empty());
  const auto told = Due(*table, 112);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].sums.connections, 100u);
  EXPECT_EQ(told[0].sums.bytes_out, 10000u);
  EXPECT_EQ(told[0].sums.first_boot_ns, 100 * kSecond);
  EXPECT_EQ(told[0].sums.last_boot_ns, 102 * kSecond);
  EXPECT_EQ(told[0].first_seen_ns, 100 * kSecond);
  EXPECT_EQ(told[0].where.remote_port, 443);
  EXPECT_EQ(told[0].where.cookie, 100u) << "the newest process";
  EXPECT_EQ(told[0].process.pid, 1100u);
  EXPECT_EQ(told[0].process.exe_path.view(), "/usr/bin/curl");
  EXPECT_EQ(table->size(), 0u);
  EXPECT_TRUE(Due(*table, 200).empty());
}

TEST_F(FlowTableTest, TheNewestProcessIsToldInWhateverOrderTheSumsCome) {
  const auto table = Table();
  table->Add(
      {News(Sum(2, VAKT_FLOW_OUT, 1, 443), 12, 1), News(Sum(1, VAKT_FLOW_OUT, 1, 443), 11, 1)},
      13 * kSecond);
  const auto told = Due(*table, 30);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].where.cookie, 2u);
  EXPECT_EQ(told[0].sums.connections, 2u);
}

TEST_F(FlowTableTest, ProgramsContainersAndUsersAreToldApart) {
  const auto table = Table();
  auto container = std::make_shared<Container>();
  container->id = "abc";
  processes_[2].container = container;
  processes_[3].uid = 33;
  std::vector<FlowSum> sums;
  for (const uint64_t cookie : {1, 2, 3, 200, 999}) {
    sums.push_back(News(Sum(cookie, VAKT_FLOW_OUT, 1, 80), 10, 1));
  }
  table->Add(sums, 10 * kSecond);
  EXPECT_EQ(table->counters().unknown_processes, 1u);
  EXPECT_EQ(Due(*table, 30).size(), 5u);
}

TEST_F(FlowTableTest, AnOpenFlowIsToldPerIntervalAndAtItsEnd) {
  const auto table = Table();
  const FlowSum flow = Sum(1, VAKT_FLOW_OUT, 1, 443);
  table->Add({News(flow, 10, 1, 1)}, 11 * kSecond);
  EXPECT_TRUE(Due(*table, 40).empty());
  auto told = Due(*table, 71);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].sums.open, 1u);
  EXPECT_EQ(told[0].sums.connections, 1u);
  FlowSum silent = flow;
  silent.counts.open = 1;
  table->Add({silent}, 100 * kSecond);
  EXPECT_TRUE(Due(*table, 200).empty()) << "nothing happened";
  table->Add({}, 201 * kSecond);  // closed without another byte
  told = Due(*table, 202);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].sums.open, 0u);
  EXPECT_EQ(told[0].sums.connections, 0u);
  EXPECT_EQ(told[0].sums.last_boot_ns, 10 * kSecond);
  EXPECT_EQ(told[0].first_seen_ns, 10 * kSecond);
  EXPECT_EQ(table->size(), 0u);
}

TEST_F(FlowTableTest, NewsAfterARecordIsInTheNextOne) {
  const auto table = Table();
  const FlowSum flow = Sum(1, VAKT_FLOW_OUT, 1, 443);
  uint64_t told_connections = 0;
  for (uint64_t second = 1; second <= 600; ++second) {
    table->Add({News(flow, second, 3)}, second * kSecond);
    for (const Told& told : Due(*table, second)) told_connections += told.sums.connections;
  }
  table->TakeAll([&](const FlowRecord& record) { told_connections += record.sums.connections; });
  EXPECT_EQ(told_connections, 1800u);
  EXPECT_EQ(table->counters().records, 10u) << "nine intervals and the rest";
}

TEST_F(FlowTableTest, AListenerIsToldWhenItBeginsAndWhenItEnds) {
  const auto table = Table();
  FlowSum listener = Sum(200, VAKT_FLOW_LISTEN, 0, 22);
  listener.counts.first_boot_ns = listener.counts.last_boot_ns = 5 * kSecond;
  listener.counts.open = 1;
  table->Add({listener}, 6 * kSecond);
  auto told = Due(*table, 6);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].where.local_port, 22);
  EXPECT_EQ(told[0].process.exe_path.view(), "/usr/sbin/sshd");
  listener.counts.first_boot_ns = listener.counts.last_boot_ns = 0;
  table->Add({listener}, 100 * kSecond);
  EXPECT_TRUE(Due(*table, 500).empty());
  // What nobody has accepted yet is the listener's.
  table->Add({listener, News(Sum(0, VAKT_FLOW_IN, 7, 22), 501, 1)}, 502 * kSecond);
  told = Due(*table, 520);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].process.exe_path.view(), "/usr/sbin/sshd");
  table->Add({}, 521 * kSecond);
  told = Due(*table, 522);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].sums.open, 0u);
  Due(*table, 600);
  EXPECT_EQ(table->size(), 0u);
}

TEST_F(FlowTableTest, AListenerThatHasEndedHadTheConnectionsUpToThen) {
  const auto table = Table();
  FlowSum listener = Sum(200, VAKT_FLOW_LISTEN, 0, 22);
  listener.counts.first_boot_ns = listener.counts.last_boot_ns = 5 * kSecond;
  const FlowSum untouched = News(Sum(0, VAKT_FLOW_IN, 7, 22), 5, 1);
  table->Add({untouched, listener}, 6 * kSecond);  // both have ended already
  auto told = Due(*table, 520);
  const auto is_of_it = [](const Told& flow) { return flow.where.direction == VAKT_FLOW_IN; };
  auto mine = std::find_if(told.begin(), told.end(), is_of_it);
  ASSERT_NE(mine, told.end());
  EXPECT_EQ(mine->process.exe_path.view(), "/usr/sbin/sshd");
  table->Add({News(Sum(0, VAKT_FLOW_IN, 7, 22), 600, 1)}, 601 * kSecond);
  told = Due(*table, 700);
  mine = std::find_if(told.begin(), told.end(), is_of_it);
  ASSERT_NE(mine, told.end());
  EXPECT_EQ(mine->process.cookie, 0u) << "nobody's: it had ended before";
}

TEST_F(FlowTableTest, DatagramsGoWhereTheFirstOneWent) {
  const auto table = Table();
  FlowSum asked = Sum(1, VAKT_FLOW_EITHER, 1, 0);
  asked.key.protocol = IPPROTO_UDP;
  asked.key.remote_port = 53;
  asked.counts.first_sent = 1;
  FlowSum answered = asked;  // seen in the next batch: the answer came first
  answered.counts.first_sent = 0;
  table->Add({News(asked, 10, 0)}, 10 * kSecond);
  table->Add({News(answered, 11, 0)}, 11 * kSecond);
  FlowSum served = Sum(200, VAKT_FLOW_EITHER, 2, 0);
  served.key.local_port = 53;
  served.key.protocol = IPPROTO_UDP;
  table->Add({News(served, 11, 0)}, 11 * kSecond);
  const auto told = Due(*table, 40);
  ASSERT_EQ(told.size(), 2u);
  for (const Told& one : told) {
    const bool is_client = one.process.cookie == 1;
    EXPECT_EQ(one.where.direction, is_client ? VAKT_FLOW_OUT : VAKT_FLOW_IN);
    EXPECT_EQ(one.where.remote_port, is_client ? 53 : 0);
    EXPECT_EQ(one.where.local_port, is_client ? 0 : 53);
    EXPECT_EQ(one.sums.bytes_out, 0u);
  }
}

TEST_F(FlowTableTest, AScanIsFoldedPerProgramAndNothingIsLost) {
  const auto table = Table({.max_flows = 4000, .max_flows_of_program = 500});
  constexpr uint32_t kTargets = 100'000;
  std::vector<FlowSum> sums;
  for (uint32_t i = 0; i < kTargets; ++i) {
    sums.push_back(News(Sum(1, VAKT_FLOW_OUT, 0x0a000000 + i, 22), 10, 1));
  }
  sums.push_back(News(Sum(200, VAKT_FLOW_OUT, 9, 443), 10, 1));
  FlowSum in_kernel = News(Sum(1, VAKT_FLOW_OUT, 0, 0), 10, 70);
  in_kernel.key.family = 0;
  in_kernel.counts.folded = 70;
  in_kernel.folded = true;
  sums.push_back(in_kernel);
  table->Add(sums, 10 * kSecond);
  EXPECT_EQ(table->size(), 502u);
  uint64_t connections = 0, folded = 0, with_address = 0;
  for (const Told& told : Due(*table, 30)) {
    connections += told.sums.connections;
    folded += told.sums.folded;
    with_address += told.where.family != 0;
    EXPECT_TRUE(told.sums.folded == 0 || told.process.exe_path.view() == "/usr/bin/curl");
  }
  EXPECT_EQ(connections, kTargets + 1 + 70);
  EXPECT_EQ(folded, kTargets - 500 + 70);
  EXPECT_EQ(with_address, 501u);
  EXPECT_EQ(table->counters().folded, folded);
}

TEST_F(FlowTableTest, TheNodesBoundHoldsWhateverProgramsDo) {
  const auto table = Table({.max_flows = 1000, .max_flows_of_program = 100});
  uint64_t told = 0;
  for (uint32_t round = 0; round < 5; ++round) {
    std::vector<FlowSum> sums;
    for (uint32_t i = 0; i < 20'000; ++i) {  // each by a program of its own
      sums.push_back(News(Sum(1000 + round * 20'000 + i, VAKT_FLOW_OUT, i, 22), 10, 1));
    }
    table->Add(sums, 10 * kSecond);
    EXPECT_LE(table->size(), 1000u + 1024 + 1);
  }
  for (const Told& one : Due(*table, 30)) told += one.sums.connections;
  EXPECT_EQ(told, 100'000u);
  EXPECT_EQ(table->size(), 0u);
}

}  // namespace
}  // namespace vakt

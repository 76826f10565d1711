// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/flow_report.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>
#include <vector>

#include "common/event/container.h"
#include "common/event_codec/flow_codec.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

class FlowReportTest : public ::testing::Test {
 protected:
  FlowReportTest() {
    process_.cookie = 77;
    process_.pid = 42;
    process_.uid = 1000;
    process_.comm = SharedString("curl");
    process_.exe_path = SharedString("/usr/bin/curl");
    process_.cmdline = SharedString("curl https://example.com");
    auto container = std::make_shared<Container>();
    container->id = "0123abcd";
    container->pod.emplace().name = "web-1";
    process_.container = container;
    record_.process = &process_;
    record_.where.direction = VAKT_FLOW_OUT;
    record_.where.family = AF_INET;
    record_.where.protocol = IPPROTO_TCP;
    record_.where.remote_port = 443;
    record_.where.net_ns = 99;
    std::memcpy(record_.where.remote_addr, "\x08\x08\x04\x04", 4);
    std::memcpy(record_.where.local_addr, "\x0a\x00\x00\x05", 4);
    record_.sums = {.first_boot_ns = 10,
                    .last_boot_ns = 20,
                    .connections = 1,
                    .established = 2,
                    .refused = 3,
                    .timed_out = 4,
                    .reset = 5,
                    .bytes_out = 6,
                    .bytes_in = 7,
                    .packets_out = 8,
                    .packets_in = 9,
                    .retransmits = 10,
                    .open = 11};
    record_.first_seen_ns = 5;
  }
  v1::Flow Message() const {
    v1::Flow out;
    out.set_country("XX");  // is overwritten
    const Process snapshot = ProcessOf(process_);
    Event event;
    MakeFlowEvent(record_, AddressClasses::Create({}).value(), names_, 30, 1000, &snapshot, &event);
    FlowToProto(event, &out);
    return out;
  }
  FlowProcess process_;
  FlowRecord record_;
  RemoteNames names_;
};

TEST_F(FlowReportTest, EverythingIsInItsField) {
  const v1::Flow flow = Message();
  EXPECT_EQ(ToWallNs(flow.begin()), 1010);
  EXPECT_EQ(ToWallNs(flow.end()), 1020);
  EXPECT_EQ(ToWallNs(flow.first_seen()), 1005);
  EXPECT_EQ(flow.task().cookie(), 77u);
  EXPECT_EQ(flow.task().pid(), 42u);
  EXPECT_EQ(flow.task().uid(), 1000u);
  EXPECT_EQ(flow.task().process_comm(), "curl");
  EXPECT_EQ(flow.task().net_ns(), 99u);
  EXPECT_EQ(flow.executable(), "/usr/bin/curl");
  EXPECT_EQ(flow.command_line(), "curl https://example.com");
  EXPECT_EQ(flow.container().id(), "0123abcd");
  EXPECT_EQ(flow.container().pod().name(), "web-1");
  EXPECT_EQ(flow.direction(), v1::Flow::DIRECTION_OUT);
  EXPECT_EQ(flow.class_(), v1::Flow::CLASS_EXTERNAL);
  EXPECT_EQ(flow.transport(), v1::TRANSPORT_TCP);
  EXPECT_EQ(flow.protocol(), IPPROTO_TCP);
  EXPECT_EQ(flow.local().address(), std::string("\x0a\x00\x00\x05", 4));
  EXPECT_EQ(flow.local().port(), 0u);
  EXPECT_EQ(flow.remote().address(), "\x08\x08\x04\x04");
  EXPECT_EQ(flow.remote().port(), 443u);
  EXPECT_EQ(flow.connections(), 1u);
  EXPECT_EQ(flow.established(), 2u);
  EXPECT_EQ(flow.refused(), 3u);
  EXPECT_EQ(flow.timed_out(), 4u);
  EXPECT_EQ(flow.reset(), 5u);
  EXPECT_EQ(flow.bytes_out(), 6u);
  EXPECT_EQ(flow.bytes_in(), 7u);
  EXPECT_EQ(flow.packets_out(), 8u);
  EXPECT_EQ(flow.packets_in(), 9u);
  EXPECT_EQ(flow.retransmits(), 10u);
  EXPECT_EQ(flow.open_connections(), 11u);
  EXPECT_EQ(flow.folded_flows(), 0u);
  EXPECT_TRUE(flow.country().empty());
}

TEST_F(FlowReportTest, NamesSayHowTheyAreKnown) {
  names_ = {.dns = {SharedString("api.example.com")},
            .sni = {SharedString("cdn.example.net")},
            .clients = {SharedString("t13d1516h2_8daaf6152771_e5627efa2ab1")}};
  const v1::Flow flow = Message();
  ASSERT_EQ(flow.names_size(), 2);
  EXPECT_EQ(flow.names(0).name(), "api.example.com");
  EXPECT_EQ(flow.names(0).source(), v1::RemoteName::SOURCE_DNS);
  EXPECT_EQ(flow.names(1).name(), "cdn.example.net");
  EXPECT_EQ(flow.names(1).source(), v1::RemoteName::SOURCE_SNI);
  ASSERT_EQ(flow.tls_clients_size(), 1);
  EXPECT_EQ(flow.tls_clients(0), "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

TEST_F(FlowReportTest, TheLiveProcessAddsWhatItKnows) {
  Process live;
  live.cookie = 77;
  live.ppid = 41;
  live.parent_cookie = 76;
  live.cap_effective = 0x3f;
  record_.live = &live;
  const v1::Flow flow = Message();
  EXPECT_EQ(flow.task().ppid(), 41u);
  EXPECT_EQ(flow.task().parent_cookie(), 76u);
  EXPECT_EQ(flow.task().cap_effective(), 0x3fu);
}

TEST_F(FlowReportTest, TheEventIsOfTheProcessAsItWas) {
  record_.state = FlowState::kBegin;
  record_.total_connections = 3;
  record_.total_bytes_out = 60;
  record_.total_bytes_in = 70;
  const Process snapshot = ProcessOf(process_);
  Event event;
  MakeFlowEvent(record_, AddressClasses::Create({}).value(), names_, 30, 1000, &snapshot, &event);
  EXPECT_EQ(event.kind, Kind::network_flow);
  EXPECT_EQ(AllEventTypes()[event.type].name, "flow");
  EXPECT_EQ(event.boot_ns, 30u);
  EXPECT_EQ(event.wall_ns, 1030);
  EXPECT_EQ(event.task.cookie, 77u);
  EXPECT_EQ(event.process->exe_path.view(), "/usr/bin/curl");
  EXPECT_EQ(event.process->container_full_id.view(), "0123abcd");
  EXPECT_EQ(event.flow.state, FlowState::kBegin);
  EXPECT_EQ(event.flow.total_connections, 3u);
  EXPECT_EQ(event.flow.total_bytes_out, 60u);
  EXPECT_EQ(event.flow.total_bytes_in, 70u);
}

TEST_F(FlowReportTest, FoldedFlowsHaveNoRemoteSide) {
  record_.where = {.protocol = IPPROTO_UDP, .direction = VAKT_FLOW_OUT};
  record_.sums.folded = 12;
  const v1::Flow flow = Message();
  EXPECT_FALSE(flow.has_remote());
  EXPECT_FALSE(flow.has_local());
  EXPECT_EQ(flow.class_(), v1::Flow::CLASS_UNSPECIFIED);
  EXPECT_EQ(flow.transport(), v1::TRANSPORT_UDP);
  EXPECT_EQ(flow.folded_flows(), 12u);
}

TEST_F(FlowReportTest, SixteenBytesOfIpv6) {
  record_.where.family = AF_INET6;
  record_.where.direction = VAKT_FLOW_LISTEN;
  record_.where.local_port = 22;
  const v1::Flow flow = Message();
  EXPECT_EQ(flow.local().address().size(), 16u);
  EXPECT_EQ(flow.local().port(), 22u);
  EXPECT_EQ(flow.class_(), v1::Flow::CLASS_UNSPECIFIED) << "nobody is at the other side";
}

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "collector/filter/flow_condition.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/support/sample_records.h"

namespace vakt {
namespace {

bool Matches(const std::function<void(v1::FlowFilter&)>& ask,
             const v1::Flow& flow = MakeFlowRecord({}).flow()) {
  v1::FlowFilter filter;
  ask(filter);
  const auto condition = FlowCondition::Create(filter);
  EXPECT_TRUE(condition.ok()) << condition.status();
  return condition.ok() && condition->Matches(flow);
}

bool HasRemote(const std::string& remote, const v1::Flow& flow = MakeFlowRecord({}).flow()) {
  return Matches([&](v1::FlowFilter& f) { f.add_remotes(remote); }, flow);
}

TEST(FlowCondition, WithoutFieldsAllMatch) {
  EXPECT_TRUE(Matches([](v1::FlowFilter&) {}));
  EXPECT_TRUE(Matches([](v1::FlowFilter&) {}, v1::Flow()));
}

TEST(FlowCondition, EachField) {
  using F = v1::FlowFilter;
  EXPECT_TRUE(Matches([](F& f) { f.add_namespaces("shop"); }));
  EXPECT_FALSE(Matches([](F& f) { f.add_namespaces("sho"); }));
  EXPECT_TRUE(Matches([](F& f) { f.add_pods("web"); }));
  EXPECT_FALSE(Matches([](F& f) { f.add_pods("shop"); }));
  EXPECT_TRUE(Matches([](F& f) { f.add_containers("0123"); }));
  EXPECT_FALSE(Matches([](F& f) { f.add_containers("1234"); }));
  EXPECT_TRUE(Matches([](F& f) { f.add_executables("curl"); }));
  EXPECT_TRUE(Matches([](F& f) { f.add_executables("/usr/bin/curl"); }));
  EXPECT_FALSE(Matches([](F& f) { f.add_executables("/curl"); }));
  EXPECT_FALSE(Matches([](F& f) { f.add_executables("url"); }));
  EXPECT_TRUE(Matches([](F& f) { f.add_classes(v1::Flow::CLASS_EXTERNAL); }));
  EXPECT_FALSE(Matches([](F& f) { f.add_classes(v1::Flow::CLASS_PRIVATE); }));
  EXPECT_TRUE(Matches([](F& f) { f.add_directions(v1::Flow::DIRECTION_OUT); }));
  EXPECT_FALSE(Matches([](F& f) { f.add_directions(v1::Flow::DIRECTION_IN); }));
  EXPECT_TRUE(Matches([](F& f) { f.add_ports(443); }));
  EXPECT_FALSE(Matches([](F& f) { f.add_ports(80); }));
}

TEST(FlowCondition, AnyOfAFieldAndAllOfTheFields) {
  EXPECT_TRUE(Matches([](v1::FlowFilter& f) {
    f.add_pods("other");
    f.add_pods("web");
    f.add_ports(443);
  }));
  EXPECT_FALSE(Matches([](v1::FlowFilter& f) {
    f.add_pods("web");
    f.add_ports(80);
  }));
}

TEST(FlowCondition, ThePortIsTheServices) {
  v1::Flow in;
  in.set_direction(v1::Flow::DIRECTION_IN);
  in.mutable_local()->set_port(22);
  in.mutable_remote()->set_port(40000);
  EXPECT_TRUE(Matches([](v1::FlowFilter& f) { f.add_ports(22); }, in));
  EXPECT_FALSE(Matches([](v1::FlowFilter& f) { f.add_ports(40000); }, in));
}

TEST(FlowCondition, RemoteSidesByAddressBlockAndName) {
  EXPECT_TRUE(HasRemote("198.51.100.7"));
  EXPECT_FALSE(HasRemote("198.51.100.8"));
  EXPECT_TRUE(HasRemote("198.51.100.0/29"));
  EXPECT_FALSE(HasRemote("198.51.100.8/29"));
  EXPECT_TRUE(HasRemote("0.0.0.0/0"));
  EXPECT_FALSE(HasRemote("::/0"));
  EXPECT_TRUE(HasRemote("api.example.com"));
  EXPECT_TRUE(HasRemote("Example.COM"));
  EXPECT_FALSE(HasRemote("ample.com"));
  v1::Flow v6;
  v6.mutable_remote()->set_address(std::string("\x20\x01\x0d\xb8", 4) + std::string(12, '\1'));
  EXPECT_TRUE(HasRemote("2001:db8::/32", v6));
  EXPECT_FALSE(HasRemote("2001:db9::/32", v6));
  EXPECT_FALSE(HasRemote("0.0.0.0/0", v1::Flow())) << "no remote side";
}

TEST(FlowCondition, WhatCannotBeIsRefused) {
  const auto refused = [](const std::function<void(v1::FlowFilter&)>& ask) {
    v1::FlowFilter filter;
    ask(filter);
    return absl::IsInvalidArgument(FlowCondition::Create(filter).status());
  };
  for (const char* remote :
       {"10.0.0.0/33", "10.0.0.0/x", "::/129", "", "a/b", "1:2", "10.0.0.0/"}) {
    EXPECT_TRUE(refused([&](v1::FlowFilter& f) { f.add_remotes(remote); })) << remote;
  }
  EXPECT_TRUE(refused([](v1::FlowFilter& f) { f.add_containers("abc"); }));
  EXPECT_TRUE(refused([](v1::FlowFilter& f) {
    for (int i = 0; i < 1001; ++i) f.add_ports(1);
  }));
}

}  // namespace
}  // namespace vakt

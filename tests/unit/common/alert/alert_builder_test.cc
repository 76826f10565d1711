// SPDX-License-Identifier: Apache-2.0
#include "common/alert/alert_builder.h"

#include <map>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/common/event/world.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class AlertBuilderTest : public ::testing::Test {
 protected:
  AlertBuilderTest() {
    node_.hostname = "node-1";
    node_.boot_id = "00112233-4455-6677-8899-aabbccddeeff";
    node_.epoch = 7;
    rule_.name = "Shell";
    rule_.priority = v1::PRIORITY_NOTICE;
    rule_.tags = {"T1059", "process"};
  }

  v1::Alert Build(const Event& event, std::string_view output) {
    auto format = OutputFormat::Parse(output);
    EXPECT_TRUE(format.ok()) << format.status();
    rule_.output = *std::move(format);
    v1::Alert alert;
    alert.set_rule_set_hash("hash");
    alert.set_rule("of an earlier alert");
    BuildAlert(event, rule_, node_, 12, scratch_, &alert);
    return alert;
  }

  static std::map<std::string, v1::OutputField> Fields(const v1::Alert& alert) {
    std::map<std::string, v1::OutputField> fields;
    for (const v1::OutputField& field : alert.output_fields()) {
      EXPECT_TRUE(fields.emplace(field.name(), field).second) << field.name() << " given twice";
    }
    return fields;
  }

  World world_;
  NodeFacts node_;
  Rule rule_;
  Extractor scratch_;
};

TEST_F(AlertBuilderTest, AddsWhatTheOperatorAsksFor) {
  const StaticFields statics = {{"cluster", "prod"}};
  rule_.extra_fields.emplace_back("proc.pid", *OutputFormat::Parse("%proc.pid"));
  rule_.extra_fields.emplace_back("static.cluster",
                                  *OutputFormat::Parse("%static.cluster", statics));
  rule_.extra_fields.emplace_back("who",
                                  *OutputFormat::Parse("%proc.name on %static.cluster", statics));
  rule_.extra_fields.emplace_back("proc.name", *OutputFormat::Parse("not twice"));
  rule_.suggested_output = false;
  const v1::Alert alert = Build(world_.exec, "ran %proc.name");
  const auto fields = Fields(alert);
  EXPECT_EQ(fields.size(), 4u);
  const std::string name = fields.at("proc.name").string_value();
  EXPECT_EQ(fields.at("proc.pid").int_value(), world_.exec.task.pid);
  EXPECT_EQ(fields.at("static.cluster").string_value(), "prod");
  EXPECT_EQ(fields.at("who").string_value(), name + " on prod");
  EXPECT_EQ(alert.output(), "ran " + name);
}

TEST_F(AlertBuilderTest, SaysWhatWhereAndWhen) {
  const v1::Alert alert = Build(world_.exec, "ran %proc.name");
  EXPECT_EQ(alert.uid(), "00112233445566778899aabbccddeeff-7-12");
  EXPECT_EQ(alert.time().seconds(), 1700000100);
  EXPECT_EQ(alert.time().nanos(), 5);
  EXPECT_EQ(alert.rule(), "Shell");
  EXPECT_EQ(alert.priority(), v1::PRIORITY_NOTICE);
  EXPECT_EQ(alert.source(), "syscall");
  EXPECT_EQ(alert.hostname(), "node-1");
  EXPECT_EQ(alert.tier(), "tracepoint");
  EXPECT_EQ(alert.rule_set_hash(), "hash");
  EXPECT_THAT(alert.tags(), ElementsAre("T1059", "process"));
  EXPECT_EQ(alert.event().type(), "execve");
  EXPECT_TRUE(alert.event().has_process_exec());
  EXPECT_THAT(alert.truncated_fields(), IsEmpty());
}

TEST_F(AlertBuilderTest, AppendsWhatTheRuleLeavesOutAboutTheContainer) {
  const v1::Alert alert = Build(world_.exec, "ran %proc.name");
  EXPECT_EQ(alert.output(),
            "ran curl container_id=0123456789ab container_name=app "
            "container_image_repository=registry.example:5000/shop/web container_image_tag=1.2 "
            "k8s_pod_name=web-7d4b9c6f5d-x2x4z k8s_ns_name=shop");
  const auto fields = Fields(alert);
  EXPECT_EQ(fields.size(), 7u);
  EXPECT_EQ(fields.at("container.id").string_value(), "0123456789ab");
  EXPECT_EQ(fields.at("k8s.ns.name").string_value(), "shop");
  world_.curl.container = nullptr;
  EXPECT_EQ(Fields(Build(world_.exec, "x")).at("k8s.ns.name").value_case(),
            v1::OutputField::VALUE_NOT_SET);
}

TEST_F(AlertBuilderTest, DoesNotRepeatWhatTheRuleSays) {
  const v1::Alert alert = Build(world_.accept, "in %container.id by %container.name");
  EXPECT_THAT(alert.output(), HasSubstr("in host by host container_image_repository=<NA>"));
  EXPECT_THAT(alert.output(), Not(HasSubstr("container_id=")));
  EXPECT_EQ(Fields(alert).size(), 6u);
}

TEST_F(AlertBuilderTest, CarriesTheContainerWholeAndNoneOnTheHost) {
  v1::Alert alert = Build(world_.exec, "x");
  EXPECT_EQ(alert.container().id(), world_.app->id);
  EXPECT_EQ(alert.container().image_digest(), world_.app->image_digest);
  EXPECT_EQ(alert.container().mounts_size(), 2);
  EXPECT_EQ(alert.container().pod().workload_name(), "web");
  EXPECT_EQ(alert.container().metadata(), v1::Container::METADATA_COMPLETE);
  world_.app->metadata = Metadata::kAwaited;
  alert = Build(world_.exec, "x");
  EXPECT_EQ(alert.container().metadata(), v1::Container::METADATA_PARTIAL);
  EXPECT_FALSE(Build(world_.accept, "x").has_container());
}

TEST_F(AlertBuilderTest, FieldsKeepTheirTypes) {
  const v1::Alert alert =
      Build(world_.exec,
            "%evt.time %proc.pid %evt.num %proc.is_exe_upper_layer %fd.name %proc.aname "
            "%proc.name %proc.name");
  const auto fields = Fields(alert);
  EXPECT_EQ(fields.at("evt.time").int_value(), 1700000100000000005);
  EXPECT_EQ(fields.at("proc.pid").int_value(), 700);
  EXPECT_EQ(fields.at("evt.num").uint_value(), 1u);
  EXPECT_TRUE(fields.at("proc.is_exe_upper_layer").bool_value());
  EXPECT_EQ(fields.at("fd.name").value_case(), v1::OutputField::VALUE_NOT_SET);
  EXPECT_EQ(fields.at("proc.aname").string_value(), "bash entry systemd");
  EXPECT_THAT(alert.output(), HasSubstr("22:15:00.000000005 700 1 true <NA> bash entry systemd"));
}

TEST_F(AlertBuilderTest, AddressesAreText) {
  const auto fields = Fields(Build(world_.connect, "%fd.sip %fd.sport"));
  EXPECT_EQ(fields.at("fd.sip").string_value(), "192.0.2.7");
  EXPECT_EQ(fields.at("fd.sport").uint_value(), 443u);
}

TEST_F(AlertBuilderTest, HostileBytesAreEscaped) {
  world_.curl.cwd = std::string_view("/a\x1b[2J\nfake: alert\xff/");
  const v1::Alert alert = Build(world_.exec, "in %proc.cwd");
  EXPECT_THAT(alert.output(), HasSubstr("in /a\\x1b[2J\\x0afake: alert\\xff/ "));
  EXPECT_EQ(Fields(alert).at("proc.cwd").string_value(), "/a\\x1b[2J\\x0afake: alert\\xff/");
}

TEST_F(AlertBuilderTest, NamesWhatWasCut) {
  world_.curl.argv_truncated = true;
  EXPECT_THAT(Build(world_.directory, "x").truncated_fields(),
              ElementsAre("proc.args", "proc.cmdline", "proc.exeline", "fd.name"));
  world_.hidden_exec.process_exec.exe.path_status = PathStatus::kTruncated;
  EXPECT_THAT(Build(world_.hidden_exec, "x").truncated_fields(), ElementsAre("proc.exepath"));
}

TEST_F(AlertBuilderTest, TimesBefore1970AreValid) {
  world_.exec.wall_ns = -1;
  const v1::Alert alert = Build(world_.exec, "x");
  EXPECT_EQ(alert.time().seconds(), -1);
  EXPECT_EQ(alert.time().nanos(), 999'999'999);
}

}  // namespace
}  // namespace vakt

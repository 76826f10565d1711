// SPDX-License-Identifier: Apache-2.0
#include "collector/filter/alert_condition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "collector/filter/alert_fields.h"
#include "common/base/strings.h"
#include "tests/support/sample_records.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;

void AddText(const char* name, const char* value, v1::Alert* alert) {
  v1::OutputField* field = alert->add_output_fields();
  field->set_name(name);
  field->set_string_value(value);
}

// One alert that has a value for each field of the table.
v1::StoredRecord Sample() {
  v1::StoredRecord stored;
  stored.set_node("n1");
  stored.set_cluster("c1");
  *stored.mutable_record() = MakeAlertRecord({});
  stored.mutable_triage()->set_status(v1::ALERT_STATUS_IN_PROGRESS);
  stored.mutable_triage()->set_verdict(v1::VERDICT_TRUE_POSITIVE);
  stored.mutable_triage()->set_assignee("alice");
  v1::Alert* alert = stored.mutable_record()->mutable_alert();
  AddText("k8s.ns.name", "payments", alert);
  AddText("k8s.pod.name", "api-7f9", alert);
  AddText("k8s.deployment.name", "api", alert);
  AddText("container.image.repository", "registry/api", alert);
  AddText("proc.name", "cat", alert);
  AddText("fd.sip", "10.0.0.7", alert);
  v1::OutputField* port = alert->add_output_fields();
  port->set_name("fd.sport");
  port->set_uint_value(443);
  alert->add_output_fields()->set_name("proc.aname[2]");  // null
  alert->mutable_attack()->add_techniques("T1003.008");
  v1::Control* control = alert->add_controls();
  control->set_framework("PCI-DSS");
  control->set_id("10.2.1");
  v1::Event* event = alert->mutable_event();
  event->set_type("openat");
  event->mutable_task()->set_comm("cat");
  event->mutable_task()->set_pid(42);
  event->mutable_task()->set_euid(1000);
  event->mutable_file_open()->mutable_file()->set_path("/etc/shadow");
  event->mutable_file_open()->set_name_raw("/etc/shadow");
  event->mutable_file_open()->set_fd(3);
  return stored;
}

bool Matches(const std::string& text, const v1::StoredRecord& stored = Sample()) {
  const auto condition = AlertCondition::Compile(text);
  EXPECT_TRUE(condition.ok()) << condition.status();
  return condition.ok() && (*condition)->Matches(stored);
}

std::string ErrorOf(const std::string& text) {
  return AlertCondition::Compile(text).status().ToString();
}

// For each field of the table one condition that holds; nearly the same with another value does
// not.
constexpr struct {
  std::string_view field;
  std::string_view check;
  std::string_view value;
} kCases[] = {
    {"alert.address", "=", "10.0.0.7"},
    {"alert.assignee", "=", "alice"},
    {"alert.cluster", "=", "c1"},
    {"alert.container", "=", "host"},
    {"alert.control", "=", "'PCI-DSS 10.2.1'"},
    {"alert.image", "startswith", "registry/"},
    {"alert.namespace", "=", "payments"},
    {"alert.node", "=", "n1"},
    {"alert.output", "contains", "/etc/shadow"},
    {"alert.pod", "startswith", "api-"},
    {"alert.priority", "=", "Warning"},
    {"alert.process", "=", "cat"},
    {"alert.rule", "=", "'Read sensitive file untrusted'"},
    {"alert.severity", "=", "4"},
    {"alert.source", "=", "syscall"},
    {"alert.status", "=", "in_progress"},
    {"alert.tags", "intersects", "(filesystem)"},
    {"alert.technique", "=", "T1003.008"},
    {"alert.time", "=", "1700000000000000000"},
    {"alert.uid", "endswith", "-1000-1"},
    {"alert.user", "=", "alice"},
    {"alert.verdict", "=", "true_positive"},
    {"alert.workload", "=", "api"},
};

// What is in no output field, the alert's container tells.
TEST(AlertConditionTest, AsksForTheContainer) {
  v1::StoredRecord stored;
  *stored.mutable_record() = MakeAlertRecord({});
  v1::Alert* alert = stored.mutable_record()->mutable_alert();
  alert->clear_output_fields();
  v1::Container* container = alert->mutable_container();
  container->set_id(std::string(64, 'c'));
  container->set_name("main");
  container->set_image("registry:5000/shop/api:2");
  container->set_image_digest("sha256:12");
  container->set_metadata(v1::Container::METADATA_COMPLETE);
  container->mutable_created()->set_seconds(1);
  v1::Pod* pod = container->mutable_pod();
  pod->set_name("api-0");
  pod->set_namespace_("shop");
  pod->set_workload_kind("StatefulSet");
  pod->set_workload_name("api");
  (*pod->mutable_labels())["tier"] = "front";
  for (const char* condition :
       {"alert.container = cccccccccccc", "alert.container = main", "alert.image = sha256:12",
        "alert.image = registry:5000/shop/api", "alert.pod = api-0", "alert.namespace = shop",
        "alert.workload = api", "k8s.pod.name = api-0", "k8s.pod.label[tier] = front",
        "container.privileged = false", "container.mount.dest[/etc] = N/A",
        "k8s.workload.kind = StatefulSet", "container.id = cccccccccccc"}) {
    EXPECT_TRUE(Matches(condition, stored)) << condition;
  }
  for (const char* condition : {"alert.container = other", "container.privileged = true",
                                "k8s.ns.name = other", "k8s.deployment.name exists"}) {
    EXPECT_FALSE(Matches(condition, stored)) << condition;
  }
}

TEST(AlertConditionTest, AsksForEveryFieldOfTheTable) {
  ASSERT_EQ(std::size(kCases), AllAlertFields().size());
  for (size_t i = 0; i < std::size(kCases); ++i) {
    const auto& [field, check, value] = kCases[i];
    EXPECT_EQ(field, AllAlertFields()[i].row.name);  // sorted, and none is left out
    EXPECT_TRUE(Matches(StrCat(field, " ", check, " ", value))) << field;
    const std::string_view other = field == "alert.severity" || field == "alert.time" ? "7"
                                   : check == "intersects"                            ? "(other)"
                                                                                      : "other";
    EXPECT_FALSE(Matches(StrCat(field, " ", check, " ", other))) << field;
    v1::StoredRecord bare;
    bare.mutable_record()->mutable_alert();
    Matches(StrCat(field, " ", check, " ", value), bare);  // nothing is there: no crash
  }
}

TEST(AlertConditionTest, AsksForRuleFieldsInOutputsAndInTheEvent) {
  EXPECT_TRUE(Matches("proc.name = cat and user.name = alice"));
  EXPECT_TRUE(Matches("fd.sport = 443 and fd.sip = 10.0.0.7"));
  EXPECT_TRUE(Matches("fd.name = /etc/shadow"));  // from the event: no output field has it
  EXPECT_TRUE(Matches("evt.type = openat and fd.num = 3"));
  EXPECT_FALSE(Matches("proc.aname[2] = bash"));
  EXPECT_FALSE(Matches("not proc.name in (cat, dd)"));
  EXPECT_TRUE(Matches("(alert.severity <= 4 or alert.rule = x) and not proc.name = sh"));
  EXPECT_TRUE(Matches("toupper(proc.name) = CAT"));
  EXPECT_TRUE(Matches("alert.output regex '.*user=[a-z]+ .*'"));
}

TEST(AlertConditionTest, EventsThatCannotBeReadAreAsNone) {
  v1::StoredRecord stored = Sample();
  stored.mutable_record()->mutable_alert()->mutable_event()->set_type("no such call");
  EXPECT_FALSE(Matches("fd.name = /etc/shadow", stored));
  EXPECT_TRUE(Matches("proc.name = cat", stored));
}

TEST(AlertConditionTest, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(ErrorOf("alert.rule = x and alert.nothing = y"), HasSubstr("alert.nothing"));
  EXPECT_THAT(ErrorOf("alert.rule = x and spawned_process"), HasSubstr("1:20"));
  EXPECT_THAT(ErrorOf("alert.severity = high"), HasSubstr("filter.condition:1:"));
  EXPECT_THAT(ErrorOf("alert.rule ="), HasSubstr("filter.condition:1:"));
  EXPECT_THAT(ErrorOf("alert.tags = x"), HasSubstr("list"));
  EXPECT_FALSE(AlertCondition::Compile("").ok());
}

TEST(AlertConditionTest, HostileTextsAreRefusedInTime) {
  EXPECT_THAT(ErrorOf(std::string(20'000, 'x')), HasSubstr("the limit is"));
  EXPECT_FALSE(AlertCondition::Compile(std::string(16'000, '(')).ok());
  std::string nots = "alert.rule = x";
  for (int i = 0; i < 3000; ++i) nots.insert(0, "not ");
  EXPECT_FALSE(Matches(nots));  // an even number of them
  EXPECT_FALSE(AlertCondition::Compile("alert.rule regex '((((a{1000}){1000}){1000}'").ok());
  EXPECT_FALSE(AlertCondition::Compile(std::string("alert.rule = a\0b", 16)).ok() &&
               Matches(std::string("alert.rule = a\0b", 16)));
}

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "common/alert/falco_json.h"

#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

v1::Alert MakeAlert() {
  v1::Alert alert;
  alert.set_uid("boot-1-2");
  alert.mutable_time()->set_seconds(1700000100);
  alert.mutable_time()->set_nanos(5);
  alert.set_rule("Shell \"x\"");
  alert.set_priority(v1::PRIORITY_INFORMATIONAL);
  alert.set_source("syscall");
  alert.set_output("ran \\x1b sh\n");
  alert.set_hostname("node-1");
  alert.add_tags("T1059");
  alert.add_tags("process");
  return alert;
}

v1::OutputField* AddField(const char* name, v1::Alert& alert) {
  v1::OutputField* field = alert.add_output_fields();
  field->set_name(name);
  return field;
}

std::string ToJson(const v1::Alert& alert) {
  std::string line;
  AppendFalcoJson(alert, &line);
  return line;
}

TEST(FalcoJson, HasTheKeysOfFalcoInOrder) {
  const std::string line = ToJson(MakeAlert());
  const auto json = nlohmann::ordered_json::parse(line);
  std::vector<std::string> keys;
  for (const auto& item : json.items()) keys.push_back(item.key());
  EXPECT_THAT(keys, ElementsAre("hostname", "output", "output_fields", "priority", "rule", "source",
                                "tags", "time", "uid"));
  EXPECT_EQ(json["hostname"], "node-1");
  EXPECT_EQ(json["output"], "22:15:00.000000005: Informational ran \\x1b sh\n");
  EXPECT_EQ(json["priority"], "Informational");
  EXPECT_EQ(json["rule"], "Shell \"x\"");
  EXPECT_EQ(json["source"], "syscall");
  EXPECT_EQ(json["tags"], (nlohmann::json{"T1059", "process"}));
  EXPECT_EQ(json["time"], "2023-11-14T22:15:00.000000005Z");
  EXPECT_EQ(json["uid"], "boot-1-2");
  EXPECT_EQ(json["output_fields"], nlohmann::json({{"evt.time", 1700000100000000005}}));
  EXPECT_THAT(line, Not(HasSubstr("\n")));
}

TEST(FalcoJson, FieldsAreTypedAndSorted) {
  v1::Alert alert = MakeAlert();
  AddField("user.uid", alert)->set_uint_value(18446744073709551615u);
  AddField("fd.num", alert)->set_int_value(-1);
  AddField("proc.is_exe_writable", alert)->set_bool_value(false);
  AddField("proc.cmdline", alert)->set_string_value("a\t\"b\"\\");
  AddField("k8s.ns.name", alert);
  const auto json = nlohmann::ordered_json::parse(ToJson(alert));
  const auto& fields = json["output_fields"];
  EXPECT_EQ(fields["user.uid"].get<uint64_t>(), 18446744073709551615u);
  EXPECT_EQ(fields["fd.num"].get<int64_t>(), -1);
  EXPECT_TRUE(fields["proc.is_exe_writable"].is_boolean());
  EXPECT_EQ(fields["proc.cmdline"], "a\t\"b\"\\");
  EXPECT_TRUE(fields["k8s.ns.name"].is_null());
  EXPECT_EQ(fields.begin().key(), "evt.time");
  EXPECT_EQ(std::next(fields.begin()).key(), "fd.num");
}

TEST(FalcoJson, TheTimeIsAFieldOnce) {
  v1::Alert alert = MakeAlert();
  AddField("evt.time", alert)->set_int_value(1700000100000000005);
  const std::string line = ToJson(alert);
  EXPECT_EQ(line.find("evt.time"), line.rfind("evt.time"));
  EXPECT_EQ(nlohmann::json::parse(line)["output_fields"]["evt.time"], 1700000100000000005);
}

TEST(FalcoJson, ATimeBeyondAllTimesIsPrintable) {
  v1::Alert alert;
  alert.mutable_time()->set_seconds(std::numeric_limits<int64_t>::max());
  const auto json = nlohmann::json::parse(ToJson(alert));
  EXPECT_EQ(json["output_fields"]["evt.time"].get<int64_t>(), std::numeric_limits<int64_t>::max());
}

TEST(FalcoJson, AnEmptyAlertIsStillJson) {
  const auto json = nlohmann::json::parse(ToJson(v1::Alert()));
  EXPECT_EQ(json["priority"], "Emergency");
  EXPECT_EQ(json["tags"], nlohmann::json::array());
  EXPECT_EQ(json["time"], "1970-01-01T00:00:00.000000000Z");
}

TEST(FalcoJson, TextThatIsNotUtf8IsEscaped) {
  v1::Alert alert = MakeAlert();
  alert.set_output("\xff\xfe");
  AddField("bad\xc0name", alert)->set_string_value("\xed\xa0\x80");
  const auto json = nlohmann::json::parse(ToJson(alert));  // rejects invalid UTF-8
  EXPECT_EQ(json["output"], "22:15:00.000000005: Informational \\xff\\xfe");
  EXPECT_TRUE(json["output_fields"].contains("bad\\xc0name"));
}

TEST(FalcoJson, AppendsToWhatIsThere) {
  std::string out = "x";
  AppendFalcoJson(MakeAlert(), &out);
  EXPECT_EQ(out.substr(0, 2), "x{");
}

TEST(FalcoJson, APriorityOfANewerPeerIsPrintable) {
  v1::Alert alert = MakeAlert();
  alert.set_priority(static_cast<v1::Priority>(99));
  EXPECT_EQ(nlohmann::json::parse(ToJson(alert))["priority"], "Unknown");
}

}  // namespace
}  // namespace vakt

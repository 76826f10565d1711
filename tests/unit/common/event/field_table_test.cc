// SPDX-License-Identifier: Apache-2.0
// Every row of the field table: a value where there is one, and null or the opposite elsewhere.
#include "common/event/field_table.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "common/base/strings.h"
#include "common/event/event_params.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/common/event/field_cases.h"
#include "tests/unit/common/event/world.h"

namespace vakt {
namespace {

FieldArg MakeArg(const char* text) {
  FieldArg arg;
  if (text == nullptr) return arg;
  arg.present = true;
  arg.text = text;
  if (!arg.text.empty() && std::all_of(arg.text.begin(), arg.text.end(), isdigit)) {
    arg.index = std::stoll(arg.text);
  }
  return arg;
}

std::string IpText(const IpAddress& ip) {
  if (!ip.ipv6) return StrCat(ip.bytes[0], ".", ip.bytes[1], ".", ip.bytes[2], ".", ip.bytes[3]);
  return StrCat("::", ip.bytes[15]);  // the only form in these tests
}

std::string ToText(const Value& value) {
  switch (value.tag) {
    case Value::Tag::kString:
      return std::string(value.string);
    case Value::Tag::kInt:
      return StrCat(value.int_value);
    case Value::Tag::kUint:
      return StrCat(value.uint_value);
    case Value::Tag::kDouble:
      return StrCat(value.double_value);
    case Value::Tag::kBool:
      return value.bool_value ? "true" : "false";
    case Value::Tag::kIp:
      return IpText(value.ip);
    case Value::Tag::kNull:
      return "null";
  }
  return "";
}

std::string ToText(const Extractor& extractor) {
  if (extractor.values().empty()) return "null";
  std::string text;
  for (const Value& value : extractor.values()) {
    text += StrCat(&value == &extractor.values().front() ? "" : "|", ToText(value));
  }
  return text;
}

Value::Tag ExpectedTag(FieldType type) {
  switch (type) {
    case FieldType::kString:
    case FieldType::kBytes:
      return Value::Tag::kString;
    case FieldType::kInt:
    case FieldType::kAbsTime:
    case FieldType::kRelTime:
      return Value::Tag::kInt;
    case FieldType::kUint:
    case FieldType::kPort:
      return Value::Tag::kUint;
    case FieldType::kDouble:
      return Value::Tag::kDouble;
    case FieldType::kBool:
      return Value::Tag::kBool;
    case FieldType::kIp:
    case FieldType::kNet:
      return Value::Tag::kIp;
  }
  return Value::Tag::kNull;
}

TEST(FieldTable, EachCaseHolds) {
  const World world;
  Extractor extractor;
  for (const FieldCase& test : AllFieldCases()) {
    const FieldRow* row = FindField(test.field);
    ASSERT_NE(row, nullptr) << test.field;
    const Event& event = world.*test.event;
    extractor.Reset();
    row->extract(event, MakeArg(test.arg), extractor);
    EXPECT_EQ(ToText(extractor), test.expected == nullptr ? "null" : test.expected)
        << test.field << "[" << (test.arg == nullptr ? "" : test.arg) << "] of event " << event.num;
    for (const Value& value : extractor.values()) {
      if (row->name == "evt.rawarg") continue;  // its type depends on the parameter
      EXPECT_EQ(value.tag, ExpectedTag(row->type)) << row->name;
    }
  }
}

// A row that can be filled has a case that fills it and one that shows it null or otherwise.
TEST(FieldTable, EachImplementedRowHasItsCases) {
  std::map<std::string_view, std::set<std::string>> outcomes;
  for (const FieldCase& test : AllFieldCases()) {
    outcomes[test.field].insert(test.expected == nullptr ? "null" : test.expected);
  }
  for (const FieldCase& test : ConstantFieldCases()) outcomes[test.field].insert("constant");
  for (const FieldRow& row : AllFields()) {
    if ((row.flags & kFieldNotImplemented) != 0) continue;
    EXPECT_GE(outcomes[row.name].size(), 2u) << row.name << " needs a case in field_cases.cc";
  }
}

TEST(FieldTable, WhatIsNotImplementedIsNull) {
  const World world;
  Extractor extractor;
  for (const FieldRow& row : AllFields()) {
    if ((row.flags & kFieldNotImplemented) == 0) continue;
    extractor.Reset();
    row.extract(world.exec, FieldArg(), extractor);
    EXPECT_TRUE(extractor.values().empty()) << row.name;
  }
}

TEST(FieldTable, NoFieldNeedsAProcess) {
  const World world;
  Extractor extractor;
  for (const FieldRow& row : AllFields()) {
    for (Event event : {world.open, world.connect, world.exec, world.exit, world.fork}) {
      event.process = nullptr;
      extractor.Reset();
      row.extract(event, MakeArg("0"), extractor);
      row.extract(event, MakeArg("name"), extractor);
    }
  }
}

TEST(FieldTable, EachRowIsDescribed) {
  for (const FieldRow& row : AllFields()) {
    EXPECT_FALSE(row.text.empty()) << row.name;
    EXPECT_EQ(row.text.back(), '.') << row.name;
    EXPECT_EQ(FindField(row.name), &row);
  }
  EXPECT_EQ(FindField("proc.nam"), nullptr);
  EXPECT_EQ(FindField(""), nullptr);
  EXPECT_EQ(FindField("zzz"), nullptr);
}

// The names of the fields of Falco's syscall source, as rules may use any of them.
TEST(FieldTable, KnowsFalcosFields) {
  for (const char* name :
       {"evt.around", "evt.latency.human", "fdlist.names", "util.cnt", "container.mount.dest",
        "k8s.pod.labels", "k8s.rc.id", "proc.fdusage", "thread.cpu.user", "proc.stderr.name",
        "proc.is_container_healthcheck", "container.cni.json", "fd.types", "fd.sip.name"}) {
    EXPECT_NE(FindField(name), nullptr) << name;
  }
  EXPECT_GE(AllFields().size(), 265u);
}

TEST(EventParams, KnowsParametersOfUnreportedTypesToo) {
  for (const char* name : {"flags", "linkpath", "request", "domain", "nstype", "res", "filename"}) {
    EXPECT_TRUE(IsEventParam(name)) << name;
  }
  for (const char* name : {"", "flag s", "nosuch", " ", "flags "}) {
    EXPECT_FALSE(IsEventParam(name)) << name;
  }
}

TEST(Extractor, ReusesItsStrings) {
  Extractor extractor;
  const char* first = extractor.Keep(std::string(100, 'a')).data();
  extractor.Add(Value::String("x"));
  EXPECT_EQ(extractor.values().size(), 1u);
  extractor.Reset();
  EXPECT_TRUE(extractor.values().empty());
  EXPECT_NE(first, nullptr);
  EXPECT_EQ(extractor.Keep("b"), "b");
}

}  // namespace
}  // namespace vakt

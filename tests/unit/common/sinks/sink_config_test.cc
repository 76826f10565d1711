// SPDX-License-Identifier: Apache-2.0
#include "common/sinks/sink_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/config/setting_value.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// "siem.kind=http" and so on, one line each, as from a file.
absl::StatusOr<std::vector<SinkConfig>> Parse(const std::vector<std::string>& lines) {
  std::vector<GroupValue> values;
  for (const std::string& line : lines) {
    const size_t equals = line.find('=');
    values.push_back({.name = line.substr(0, equals),
                      .values = {line.substr(equals + 1)},
                      .place = StrCat("f.yaml:", values.size() + 1)});
  }
  return ParseSinks(values);
}

std::string ErrorOf(const std::vector<std::string>& lines) {
  return std::string(Message(Parse(lines).status()));
}

TEST(SinkConfig, TakesWhatIsGivenAndDefaultsForTheRest) {
  const auto sinks = Parse({"siem.kind=syslog", "siem.address=[::1]:6514", "copy.kind=file",
                            "copy.path=/x", "siem.timeout=3s", "siem.rules=a,b"});
  ASSERT_TRUE(sinks.ok()) << sinks.status();
  ASSERT_EQ(sinks->size(), 2u);
  const SinkConfig& siem = (*sinks)[0];
  EXPECT_EQ(siem.name, "siem");
  EXPECT_EQ(siem.Str("address"), "[::1]:6514");
  EXPECT_EQ(siem.Str("transport"), "tls");
  EXPECT_EQ(siem.Dur("timeout"), absl::Seconds(3));
  EXPECT_THAT(siem.List("rules"), ElementsAre("a", "b"));
  EXPECT_THAT(siem.List("nodes"), IsEmpty());
  EXPECT_EQ((*sinks)[1].kind, SinkKind::kFile);
  EXPECT_EQ((*sinks)[1].Str("min_priority"), "debug");
}

TEST(SinkConfig, ErrorsNamePlaceAndKey) {
  EXPECT_THAT(ErrorOf({"siem.kind=htp"}),
              StartsWith("f.yaml:1: sinks.siem.kind: 'htp' is not a kind of sink (did you mean"));
  EXPECT_EQ(ErrorOf({"siem.url=http://x"}),
            "f.yaml:1: sinks.siem.kind: is missing: http, syslog, alertmanager or file");
  EXPECT_EQ(ErrorOf({"siem.kind=http"}),
            "f.yaml:1: sinks.siem.url: is missing: a sink of kind http needs it");
  EXPECT_THAT(ErrorOf({"siem.kind=http", "siem.urk=http://x"}),
              StartsWith("f.yaml:2: sinks.siem.urk: a sink of kind http has no such key (did you"));
  EXPECT_THAT(ErrorOf({"siem.kind=file", "siem.path=/x", "siem.timeout=1s"}),
              HasSubstr("sinks.siem.timeout: a sink of kind file has no such key"));
  EXPECT_EQ(ErrorOf({"siem.kind=http", "siem.url=ftp://x"}),
            "f.yaml:2: sinks.siem.url: must begin with https:// or http://");
  EXPECT_THAT(ErrorOf({"siem.kind=http", "siem.url=http://x", "siem.timeout=soon"}),
              StartsWith("f.yaml:3: sinks.siem.timeout: "));
  EXPECT_EQ(ErrorOf({"siem.kind=syslog", "siem.address=host"}),
            "f.yaml:2: sinks.siem.address: 'host' is not host:port");
  EXPECT_THAT(ErrorOf({"siem.kind=syslog", "siem.address=h:1", "siem.transport=tcp"}),
              StartsWith("f.yaml:3: sinks.siem.transport: "));
  EXPECT_EQ(ErrorOf({"siem.kind=http", "siem.url=https://x", "siem.cert=/c"}),
            "f.yaml:3: sinks.siem.cert: cert and key go together");
  EXPECT_THAT(ErrorOf({"a/b.kind=http"}), StartsWith("f.yaml:1: sinks.a/b.kind: a sink's name"));
  EXPECT_THAT(ErrorOf({"siem=http"}), StartsWith("f.yaml:1: sinks.siem: expected a mapping"));
  std::vector<std::string> many;
  for (int i = 0; i < 33; ++i) many.push_back(StrCat("s", i, ".kind=file"));
  EXPECT_THAT(ErrorOf(many), HasSubstr("more than 32 sinks"));
}

TEST(SinkTable, IsWhole) {
  for (const SinkKindRow& kind : AllSinkKinds()) {
    EXPECT_EQ(FindSinkKind(kind.name), &kind);
    EXPECT_NE(FindSinkKey(kind.kind, "kind"), nullptr);
    EXPECT_FALSE(kind.text.empty() || kind.confirmed.empty()) << kind.name;
  }
  for (const SinkKeyRow& key : AllSinkKeys()) {
    EXPECT_FALSE(key.text.empty()) << key.name;
    if (key.required || key.default_text.empty()) continue;
    EXPECT_TRUE(CheckSettingValue(key.AsSetting(), key.default_text).ok()) << key.name;
  }
}

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "cli/json.h"

#include <gtest/gtest.h>

#include "vakt/v1/alert.pb.h"
#include "vakt/v1/control.pb.h"
#include "vakt/v1/ingest.pb.h"

namespace vakt {
namespace {

TEST(JsonTest, KeepsOrderAndTypes) {
  JsonArray array;
  array.AddJson("1");
  array.AddJson("null");
  EXPECT_EQ(JsonObject()
                .Add("text", "a\"b")
                .Add("yes", true)
                .Add("n", -1)
                .Add("big", uint64_t{18446744073709551615u})
                .AddJson("list", array.Text())
                .Text(),
            R"({"text":"a\"b","yes":true,"n":-1,"big":18446744073709551615,"list":[1,null]})");
  EXPECT_EQ(JsonObject().Text(), "{}");
  EXPECT_EQ(JsonArray().Text(), "[]");
}

TEST(JsonTest, JoinsObjects) {
  EXPECT_EQ(JsonObject().Add("a", 1).AddMembers("{\"b\":2}").Text(), R"({"a":1,"b":2})");
  EXPECT_EQ(JsonObject().Add("a", 1).AddMembers("{}").Text(), R"({"a":1})");
  EXPECT_EQ(JsonObject().AddMembers("{\"b\":2}").Text(), R"({"b":2})");
}

TEST(JsonTest, EscapesHostileText) {
  EXPECT_EQ(JsonString("\xff\x1b[2J\n"), R"("\\xff\\x1b[2J\\x0a")");
}

TEST(JsonTest, PrintsMessagesWithStableKeys) {
  EXPECT_EQ(ProtoJson(v1::Position()), R"({"epoch":0,"seq":0})");
  v1::Gap gap;
  gap.set_class_(v1::Gap::CLASS_LOSS);
  gap.mutable_begin()->set_seconds(1);
  gap.set_count(2);
  gap.set_reason("ring_full");
  EXPECT_EQ(ProtoJson(gap),
            R"({"class":"loss","begin":"1970-01-01T00:00:01.000000000Z","count":2,)"
            R"("reason":"ring_full","kind":"","lane":"","cpu":0,"first_seq":0,"last_seq":0,)"
            R"("count_by_priority":{},"chain_after":"","step_ns":0})");
}

TEST(JsonTest, SortsMapsAndPrintsBytesAsText) {
  v1::Heartbeat heartbeat;
  (*heartbeat.mutable_counters())["b"] = 2;
  (*heartbeat.mutable_counters())["a"] = 1;
  EXPECT_EQ(
      ProtoJson(heartbeat),
      R"({"counters":{"a":1,"b":2},"probes":[],"spooled_records":0,"rule_set_hash":"","rules":0})");
  v1::Endpoint endpoint;
  endpoint.set_address(std::string("\x7f\0\0\x01", 4));
  endpoint.set_port(80);
  EXPECT_EQ(ProtoJson(endpoint), R"({"address":"\\x7f\\x00\\x00\\x01","port":80})");
}

TEST(JsonTest, LeavesOutUnsetOneofMembers) {
  v1::OutputField field;
  field.set_name("proc.name");
  EXPECT_EQ(ProtoJson(field), R"({"name":"proc.name"})");
  field.set_bool_value(false);
  EXPECT_EQ(ProtoJson(field), R"({"name":"proc.name","bool_value":false})");
}

TEST(JsonTest, ShortensEnumerators) {
  EXPECT_EQ(EnumText(*v1::Priority_descriptor(), v1::PRIORITY_ALERT), "alert");
  EXPECT_EQ(EnumText(*v1::Abi_descriptor(), v1::ABI_IO_URING), "io_uring");
  EXPECT_EQ(EnumText(*v1::File::PathStatus_descriptor(), v1::File::PATH_STATUS_OK), "ok");
  EXPECT_EQ(EnumText(*v1::Priority_descriptor(), 99), "99");
}

}  // namespace
}  // namespace vakt

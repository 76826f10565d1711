// SPDX-License-Identifier: Apache-2.0
#include "cli/flow_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/alert/ocsf_json.h"
#include "tests/unit/cli/captured_console.h"
#include "tests/unit/cli/flow_samples.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::StoredRecord External(v1::Flow::Direction direction = v1::Flow::DIRECTION_OUT) {
  v1::StoredRecord stored = MakeFlow({}, direction, "198.51.100.7", 443, v1::Flow::CLASS_EXTERNAL);
  stored.mutable_record()->mutable_flow()->set_country("SE");
  stored.mutable_record()->mutable_flow()->set_as_number(64500);
  return stored;
}

std::string Ocsf(const v1::StoredRecord& stored) {
  std::string json;
  AppendOcsfJson(stored, &json);
  return json;
}

TEST(FlowText, TellsWhatDatabasesSayOfTheAddress) {
  v1::StoredRecord stored = External();
  v1::Flow& flow = *stored.mutable_record()->mutable_flow();
  EXPECT_EQ(PlaceText(flow), "external SE AS64500");
  CapturedConsole console;
  EXPECT_THAT(FlowLine(stored, console.get()), HasSubstr(" 443/tcp external SE AS64500  "));
  EXPECT_THAT(FlowJson(stored), HasSubstr(R"("country":"SE","as_number":64500,)"));
  flow.clear_country();
  EXPECT_EQ(PlaceText(flow), "external AS64500");
  flow.clear_as_number();
  EXPECT_EQ(PlaceText(flow), "external");
}

TEST(FlowText, NothingThatANodeSendsReachesTheTerminalAsItIs) {
  v1::StoredRecord stored = External();
  stored.mutable_record()->mutable_flow()->set_country("\x1b]0;x\x07");
  CapturedConsole console;
  EXPECT_THAT(FlowLine(stored, console.get()), Not(HasSubstr("\x1b")));
  EXPECT_THAT(FlowJson(stored), Not(HasSubstr("\x1b")));
}

// The remote side is the source of what comes in.
TEST(FlowText, OcsfHasThemAtTheRemoteEndpoint) {
  const std::string remote = R"({"ip":"198.51.100.7","port":443,"location":{"country":"SE"},)"
                             R"("autonomous_system":{"number":64500}})";
  EXPECT_THAT(Ocsf(External()), HasSubstr(R"("dst_endpoint":)" + remote));
  const std::string in = Ocsf(External(v1::Flow::DIRECTION_IN));
  EXPECT_THAT(in, HasSubstr(R"("location":{"country":"SE"},"autonomous_system")"));
  EXPECT_LT(in.find("location"), in.find("dst_endpoint"));
  v1::StoredRecord unknown = External();
  unknown.mutable_record()->mutable_flow()->clear_country();
  unknown.mutable_record()->mutable_flow()->clear_as_number();
  EXPECT_THAT(Ocsf(unknown), HasSubstr(R"("dst_endpoint":{"ip":"198.51.100.7","port":443})"));
}

}  // namespace
}  // namespace vakt

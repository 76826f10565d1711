// SPDX-License-Identifier: Apache-2.0
#include "common/event_codec/event_codec.h"

#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/common/event_codec/random_event.h"

namespace vakt {
namespace {

using std::string_view_literals::operator""sv;

TEST(EventCodecTest, EveryFieldOfEveryKindComesBack) {
  RandomEvents events(1);
  v1::Event message, parsed;  // reused, so that nothing of the one before may be left
  std::string argv, bytes;
  for (int i = 0; i < 400; ++i) {
    for (const KindRow& row : AllKinds()) {
      const Event event = events.Make(row.kind);
      EventToProto(event, &message);
      ASSERT_TRUE(message.SerializeToString(&bytes));
      ASSERT_TRUE(parsed.ParseFromString(bytes));
      Event back;
      ASSERT_TRUE(EventFromProto(parsed, &argv, &back)) << row.stem;
      ASSERT_EQ(FieldsOf(back), FieldsOf(event)) << row.stem;
    }
  }
}

TEST(EventCodecTest, ReplayFindsOutTheRest) {
  RandomEvents events(2);
  Event event = events.Make(Kind::process_exit);
  event.num = 5;
  event.wall_ns = 6;
  v1::Event message;
  EventToProto(event, &message);
  std::string argv;
  Event back;
  ASSERT_TRUE(EventFromProto(message, &argv, &back));
  EXPECT_EQ(back.num, 0u);
  EXPECT_EQ(back.wall_ns, 0);
  EXPECT_EQ(back.process, nullptr);
}

TEST(EventCodecTest, ArgvIsAList) {
  Event event;
  event.kind = Kind::process_exec;
  event.process_exec.argv = "sh\0-c\0\0id"sv;  // cut off: the last has no terminator
  v1::Event message;
  EventToProto(event, &message);
  EXPECT_THAT(message.process_exec().argv(), testing::ElementsAre("sh", "-c", "", "id"));
  std::string argv;
  Event back;
  ASSERT_TRUE(EventFromProto(message, &argv, &back));
  EXPECT_EQ(back.process_exec.argv, "sh\0-c\0\0id\0"sv);
}

TEST(EventCodecTest, EnumeratorsOfLaterVersionsBecomeUnknown) {
  v1::Event message;
  message.set_abi(static_cast<v1::Abi>(99));
  message.mutable_file_open()->mutable_file()->set_path_status(
      static_cast<v1::File::PathStatus>(99));
  std::string argv;
  Event event;
  ASSERT_TRUE(EventFromProto(message, &argv, &event));
  EXPECT_EQ(event.abi, Abi::kUnknown);
  EXPECT_EQ(event.file_open.file.path_status, PathStatus::kUnknown);
}

TEST(EventCodecTest, RefusesWhatIsNoEvent) {
  std::string argv;
  Event event;
  EXPECT_FALSE(EventFromProto(v1::Event(), &argv, &event));  // no payload

  v1::Event unknown_type;
  unknown_type.mutable_process_exit();
  unknown_type.set_type("no_such_call");
  EXPECT_FALSE(EventFromProto(unknown_type, &argv, &event));

  v1::Event stack;
  stack.mutable_process_ptrace();
  for (size_t i = 0; i < UserStack::kMaxFrames; ++i) stack.mutable_user_stack()->add_frames();
  EXPECT_TRUE(EventFromProto(stack, &argv, &event));
  stack.mutable_user_stack()->mutable_frames(0)->set_build_id("short");
  EXPECT_FALSE(EventFromProto(stack, &argv, &event));
  stack.mutable_user_stack()->mutable_frames(0)->clear_build_id();
  stack.mutable_user_stack()->add_frames();
  EXPECT_FALSE(EventFromProto(stack, &argv, &event));  // one too many

  v1::Event network;
  v1::Socket& connect = *network.mutable_network_connect();
  connect.mutable_local()->set_address("1234");
  EXPECT_FALSE(EventFromProto(network, &argv, &event));  // no remote address
  connect.mutable_remote()->set_address("1234567890123456");
  EXPECT_FALSE(EventFromProto(network, &argv, &event));  // two families
  connect.mutable_remote()->set_address("1234");
  EXPECT_TRUE(EventFromProto(network, &argv, &event));
  connect.mutable_remote()->set_port(65536);
  EXPECT_FALSE(EventFromProto(network, &argv, &event));
}

}  // namespace
}  // namespace vakt

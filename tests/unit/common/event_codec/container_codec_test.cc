// SPDX-License-Identifier: Apache-2.0
#include "common/event_codec/container_codec.h"

#include <google/protobuf/util/message_differencer.h>

#include <string>

#include "gtest/gtest.h"

namespace vakt {
namespace {

using google::protobuf::util::MessageDifferencer;

v1::Container Full() {
  v1::Container message;
  message.set_id(std::string(64, 'a'));
  message.set_name("main");
  message.set_runtime("containerd");
  message.set_image("registry:5000/shop/api:2");
  message.set_image_digest("sha256:12");
  message.set_image_id("sha256:34");
  (*message.mutable_labels())["b"] = "2";
  (*message.mutable_labels())["a"] = "1";
  (*message.mutable_annotations())["c"] = "3";
  v1::ContainerMount* mount = message.add_mounts();
  mount->set_source("/s");
  mount->set_destination("/d");
  mount->set_mode("m");
  mount->set_writable(true);
  mount->set_propagation("rslave");
  message.set_privileged(true);
  message.set_capabilities(5);
  message.set_user("33");
  message.mutable_created()->set_seconds(7);
  message.mutable_started()->set_seconds(8);
  message.set_metadata(v1::Container::METADATA_COMPLETE);
  v1::Pod* pod = message.mutable_pod();
  pod->set_name("api-0");
  pod->set_namespace_("shop");
  pod->set_uid("u");
  pod->set_sandbox_id("s");
  (*pod->mutable_labels())["x"] = "y";
  pod->add_addresses("10.0.0.1");
  pod->set_host_network(true);
  pod->set_host_pid(true);
  pod->set_host_ipc(true);
  pod->set_workload_kind("StatefulSet");
  pod->set_workload_name("api");
  pod->set_workload_guessed(true);
  return message;
}

Container Decode(const v1::Container& message) {
  Container container;
  container.id = message.id();
  ContainerFromProto(message, &container);
  return container;
}

TEST(ContainerCodecTest, KeepsEverything) {
  const v1::Container message = Full();
  // Each field of the messages is set above: a new one has to be in the codec, too.
  for (const google::protobuf::Message* m :
       {static_cast<const google::protobuf::Message*>(&message),
        static_cast<const google::protobuf::Message*>(&message.pod()),
        static_cast<const google::protobuf::Message*>(&message.mounts(0))}) {
    std::vector<const google::protobuf::FieldDescriptor*> set;
    m->GetReflection()->ListFields(*m, &set);
    EXPECT_EQ(static_cast<int>(set.size()), m->GetDescriptor()->field_count())
        << m->GetDescriptor()->full_name();
  }
  v1::Container back;
  ContainerToProto(Decode(message), &back);
  std::string difference;
  MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  EXPECT_TRUE(differencer.Compare(message, back)) << difference;
}

TEST(ContainerCodecTest, TheImageInItsParts) {
  const Container container = Decode(Full());
  EXPECT_EQ(container.image_repository, "registry:5000/shop/api");
  EXPECT_EQ(container.image_tag, "2");
  EXPECT_EQ(SplitImage("a"), std::make_pair(std::string_view("a"), std::string_view()));
  EXPECT_EQ(SplitImage("a:5/b@sha256:1"),
            std::make_pair(std::string_view("a:5/b"), std::string_view()));
  EXPECT_EQ(SplitImage("sha256:12"), std::make_pair(std::string_view(), std::string_view()));
}

TEST(ContainerCodecTest, NotPrivilegedIsKnownOfCompleteOnesAlone) {
  v1::Container message = Full();
  message.set_privileged(false);
  EXPECT_EQ(Decode(message).privileged, false);
  message.set_metadata(v1::Container::METADATA_PARTIAL);
  EXPECT_EQ(Decode(message).privileged, std::nullopt);
  message.set_privileged(true);
  EXPECT_EQ(Decode(message).privileged, true);
}

TEST(ContainerCodecTest, WhatIsNotCompleteIsPartial) {
  for (const Metadata metadata : {Metadata::kNone, Metadata::kAwaited, Metadata::kPartial}) {
    Container container;
    container.id = "a";
    container.metadata = metadata;
    v1::Container message;
    ContainerToProto(container, &message);
    EXPECT_EQ(message.metadata(), v1::Container::METADATA_PARTIAL);
    EXPECT_FALSE(message.has_created());
    EXPECT_FALSE(message.has_pod());
  }
}

}  // namespace
}  // namespace vakt

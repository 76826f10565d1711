// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/cri/cri_answer.h"

#include <string>

#include "common/base/strings.h"
#include "common/base/text.h"
#include "gtest/gtest.h"

namespace vakt {
namespace {

namespace cri = runtime::v1;

const std::string kDigest = StrCat("sha256:", std::string(64, 'd'));
const std::string kImageId = StrCat("sha256:", std::string(64, '1'));

cri::ContainerStatusResponse StatusWith(const std::string& info) {
  cri::ContainerStatusResponse answer;
  cri::ContainerStatus& status = *answer.mutable_status();
  status.set_id(std::string(64, 'c'));
  status.mutable_metadata()->set_name("web");
  status.set_created_at(2'000'000'000);
  status.set_started_at(3'000'000'000);
  status.mutable_image()->set_image("docker.io/library/nginx:1.25");
  status.set_image_ref(StrCat("docker.io/library/nginx@", kDigest));
  (*status.mutable_labels())["io.kubernetes.pod.name"] = "web-0";
  (*status.mutable_labels())["io.kubernetes.pod.namespace"] = "shop";
  cri::Mount& mount = *status.add_mounts();
  mount.set_host_path("/etc");
  mount.set_container_path("/host/etc");
  mount.set_readonly(true);
  mount.set_propagation(cri::PROPAGATION_HOST_TO_CONTAINER);
  if (!info.empty()) (*answer.mutable_info())["info"] = info;
  return answer;
}

TEST(CriAnswerTest, AsContainerdAnswers) {
  const v1::Container container = ContainerOfStatus(StatusWith(
      R"({"sandboxID":"s1","pid":7,"config":{"metadata":{"name":"web"},"image":{"image":")" +
      kImageId +
      R"("},"linux":{"security_context":{"privileged":true,"run_as_user":{"value":5}}}},
      "runtimeSpec":{"process":{"user":{"uid":33,"gid":33},
      "capabilities":{"bounding":["CAP_KILL","CAP_SYS_ADMIN","CAP_NO_SUCH"]}}}})"));
  EXPECT_EQ(container.name(), "web");
  EXPECT_EQ(container.image(), "docker.io/library/nginx:1.25");
  EXPECT_EQ(container.image_digest(), kDigest);
  EXPECT_EQ(container.image_id(), kImageId);
  EXPECT_TRUE(container.privileged());
  EXPECT_EQ(container.metadata(), v1::Container::METADATA_COMPLETE);
  EXPECT_EQ(container.capabilities(), uint64_t{1} << 5 | uint64_t{1} << 21);
  EXPECT_EQ(container.user(), "33");
  EXPECT_EQ(container.pod().name(), "web-0");
  EXPECT_EQ(container.pod().sandbox_id(), "s1");
  ASSERT_EQ(container.mounts_size(), 1);
  EXPECT_EQ(container.mounts(0).source(), "/etc");
  EXPECT_EQ(container.mounts(0).destination(), "/host/etc");
  EXPECT_EQ(container.mounts(0).propagation(), "rslave");
  EXPECT_FALSE(container.mounts(0).writable());
  EXPECT_EQ(container.created().seconds(), 2);
  EXPECT_EQ(container.started().seconds(), 3);
}

TEST(CriAnswerTest, AsCrioAnswers) {
  auto answer = StatusWith(R"({"sandboxID":"s1","pid":7,"privileged":false,"runtimeSpec":{}})");
  answer.mutable_status()->set_image_id(kImageId);
  answer.mutable_status()->mutable_user()->mutable_linux()->set_uid(1000);
  const v1::Container container = ContainerOfStatus(answer);
  EXPECT_FALSE(container.privileged());
  EXPECT_EQ(container.metadata(), v1::Container::METADATA_COMPLETE);
  EXPECT_EQ(container.image_id(), kImageId);
  EXPECT_EQ(container.user(), "1000");
}

TEST(CriAnswerTest, AFalseThatIsLeftOutIsFalse) {
  for (const char* info : {R"({"config":{"metadata":{"name":"x"}}})",
                           R"({"config":{"linux":{"security_context":{}}}})",
                           R"({"config":{"linux":{"security_context":{"privileged":false}}}})"}) {
    const v1::Container container = ContainerOfStatus(StatusWith(info));
    EXPECT_EQ(container.metadata(), v1::Container::METADATA_COMPLETE) << info;
    EXPECT_FALSE(container.privileged());
  }
}

// Not privileged is something that the runtime has to say.
TEST(CriAnswerTest, WhatSaysNothingUsefulIsPartial) {
  const std::string deep(100'000, '[');
  for (const std::string& info :
       {std::string(), std::string("{"), std::string("[]"), std::string("null"),
        std::string("\xff\xfe"), deep, std::string(R"({"privileged":"yes"})"),
        std::string(R"({"config":7})"),
        StrCat(R"({"privileged":true,"x":")", std::string(kMaxCriInfoBytes, 'x'), "\"}")}) {
    const v1::Container container = ContainerOfStatus(StatusWith(info));
    EXPECT_EQ(container.metadata(), v1::Container::METADATA_PARTIAL) << info.substr(0, 40);
    EXPECT_EQ(container.name(), "web");
    EXPECT_FALSE(container.privileged());
  }
}

TEST(CriAnswerTest, SizesAreBounded) {
  auto answer = StatusWith("");
  cri::ContainerStatus& status = *answer.mutable_status();
  std::string wide;
  while (wide.size() < 3 * kMaxCriText) wide += "\xe2\x82\xac";
  for (int i = 0; i < 1000; ++i) {
    (*status.mutable_labels())[StrCat("k", i)] = wide;
    *status.add_mounts() = status.mounts(0);
  }
  status.mutable_metadata()->set_name(wide);
  const v1::Container container = ContainerOfStatus(answer);
  EXPECT_EQ(container.labels_size(), kMaxCriEntries);
  EXPECT_EQ(container.mounts_size(), kMaxCriEntries);
  EXPECT_LE(container.name().size(), kMaxCriText);
  EXPECT_TRUE(IsValidUtf8(container.name()));
  EXPECT_LT(container.ByteSizeLong(), 2u << 20);
}

TEST(CriAnswerTest, Digests) {
  EXPECT_EQ(DigestOf(StrCat("a/b@", kDigest)), kDigest);
  EXPECT_EQ(DigestOf(kDigest), "");
  EXPECT_EQ(DigestOf("a/b@sha256:12"), "");
  EXPECT_EQ(DigestOf(StrCat("a/b@sha512:", std::string(64, 'd'))), "");
}

TEST(CriAnswerTest, APod) {
  cri::PodSandboxStatusResponse answer;
  cri::PodSandboxStatus& status = *answer.mutable_status();
  status.set_id("s1");
  status.mutable_metadata()->set_name("web-7d4b9c6f5d-x2x4z");
  status.mutable_metadata()->set_namespace_("shop");
  status.mutable_metadata()->set_uid("0a1b");
  (*status.mutable_labels())["pod-template-hash"] = "7d4b9c6f5d";
  status.mutable_network()->set_ip("10.1.2.3");
  status.mutable_network()->add_additional_ips()->set_ip("fd00::3");
  status.mutable_linux()->mutable_namespaces()->mutable_options()->set_pid(cri::NODE);
  (*answer.mutable_info())["info"] = R"({"image":"pause:3.9"})";
  const v1::Pod pod = PodOfStatus(answer);
  EXPECT_EQ(pod.name(), "web-7d4b9c6f5d-x2x4z");
  EXPECT_EQ(pod.namespace_(), "shop");
  EXPECT_EQ(pod.uid(), "0a1b");
  EXPECT_EQ(pod.addresses_size(), 2);
  EXPECT_TRUE(pod.host_pid());
  EXPECT_FALSE(pod.host_network());
  EXPECT_EQ(pod.workload_kind(), "Deployment");
  EXPECT_EQ(pod.workload_name(), "web");
  const v1::Container sandbox = ContainerOfSandbox(answer);
  EXPECT_EQ(sandbox.id(), "s1");
  EXPECT_EQ(sandbox.image(), "pause:3.9");
  EXPECT_EQ(sandbox.pod().name(), pod.name());
}

}  // namespace
}  // namespace vakt

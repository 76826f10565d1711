// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/container_id.h"

#include <string>

#include "common/base/strings.h"
#include "gtest/gtest.h"

namespace vakt {
namespace {

TEST(ContainerIdTest, RuntimesAndDrivers) {
  const std::string a(64, 'a');
  const std::string b = StrCat(std::string(32, '0'), std::string(32, '9'));
  const std::string pod =
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12.slice/";
  EXPECT_EQ(ContainerIdOf(StrCat("/system.slice/docker-", a, ".scope")), a);
  EXPECT_EQ(ContainerIdOf(StrCat(pod, "cri-containerd-", a, ".scope")), a);
  EXPECT_EQ(ContainerIdOf(StrCat(pod, "crio-", a, ".scope")), a);
  EXPECT_EQ(ContainerIdOf(StrCat("/machine.slice/libpod-", a, ".scope/container")), a);
  EXPECT_EQ(ContainerIdOf(StrCat("/kubepods/burstable/pod12/", a)), a);
  EXPECT_EQ(ContainerIdOf(StrCat("/docker/", a)), a);
  EXPECT_EQ(ContainerIdOf(StrCat("/docker/", a, "/init.scope")), a);
  EXPECT_EQ(ContainerIdOf(a), a);
  // A node in a container (kind): the innermost counts.
  EXPECT_EQ(ContainerIdOf(StrCat("/docker/", a, "/kubelet/kubepods/pod12/", b)), b);
}

TEST(ContainerIdTest, TheHost) {
  const std::string a(64, 'a');
  for (const std::string& path :
       {std::string(), std::string("/"), std::string("/system.slice/sshd.service"),
        StrCat("/crio-conmon-", a, ".scope"), StrCat("/libpod-conmon-", a, ".scope"),
        StrCat("/docker-", a.substr(1), ".scope"), StrCat("/docker-", a, "a.scope"),
        StrCat("/docker-", std::string(64, 'A'), ".scope"), StrCat("/x-", a),
        std::string("/kubepods.slice/kubepods-burstable.slice")}) {
    EXPECT_EQ(ContainerIdOf(path), "") << path;
  }
}

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/container_id.h"

#include <string>

#include "absl/strings/str_replace.h"
#include "common/base/strings.h"
#include "gtest/gtest.h"

namespace vakt {
namespace {

// <A> and <B> stand for ids.
struct Case {
  const char* path;
  const char* id;  // null: the host
  const char* runtime;
};

constexpr Case kCases[] = {
    // systemd driver.
    {"/system.slice/docker-<A>.scope", "<A>", "docker"},
    {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12.slice/"
     "cri-containerd-<A>.scope",
     "<A>", "containerd"},
    {"/kubepods.slice/kubepods-pod12.slice/crio-<A>.scope", "<A>", "cri-o"},
    {"/kubepods.slice/kubepods-pod12.slice/crio-<A>", "<A>", "cri-o"},
    {"/machine.slice/libpod-<A>.scope", "<A>", "podman"},
    {"/machine.slice/libpod-<A>.scope/container", "<A>", "podman"},
    {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-<A>.scope/container", "<A>",
     "podman"},
    {"/user.slice/user-1000.slice/user@1000.service/app.slice/docker-<A>.scope", "<A>", "docker"},
    {"/system.slice/nerdctl-<A>.scope", "<A>", "containerd"},
    // systemd's names under the cgroupfs driver.
    {"/kubepods-besteffort-pod12.slice:cri-containerd:<A>", "<A>", "containerd"},
    {"/system.slice/containerd.service/kubepods-pod12.slice:crio:<A>", "<A>", "cri-o"},
    {"/system.slice:docker:<A>", "<A>", "docker"},
    // cgroupfs driver.
    {"/kubepods/burstable/pod12/<A>", "<A>", ""},
    {"/kubepods/pod12/<A>", "<A>", ""},
    {"/kubepods/besteffort/pod12/crio-<A>", "<A>", "cri-o"},
    {"/k8s.io/<A>", "<A>", "containerd"},
    {"/default/<A>", "<A>", "containerd"},
    {"/docker/<A>", "<A>", "docker"},
    {"/libpod_parent/libpod-<A>", "<A>", "podman"},
    {"<A>", "<A>", ""},
    // Deeper in the container: it has a systemd of its own, or makes groups itself.
    {"/docker/<A>/init.scope", "<A>", "docker"},
    {"/docker/<A>/system.slice/nginx.service", "<A>", "docker"},
    {"/kubepods/burstable/pod12/<A>/a/b/c", "<A>", ""},
    // A node in a container (kind), a container in a container: the innermost counts.
    {"/docker/<A>/kubelet/kubepods/burstable/pod12/<B>", "<B>", ""},
    {"/docker/<A>/docker/<B>", "<B>", "docker"},
    {"/system.slice/docker-<A>.scope/kubelet.slice/kubelet-kubepods.slice/cri-containerd-<B>.scope",
     "<B>", "containerd"},
    // The host.
    {"", nullptr, ""},
    {"/", nullptr, ""},
    {"/system.slice/sshd.service", nullptr, ""},
    {"/kubepods.slice/kubepods-burstable.slice", nullptr, ""},
    {"/kubepods/burstable/pod12", nullptr, ""},
    {"/crio-conmon-<A>.scope", nullptr, ""},
    {"/machine.slice/libpod-conmon-<A>.scope", nullptr, ""},
    {"/x-<A>", nullptr, ""},
    {"/docker<A>", nullptr, ""},
    {"/-<A>.scope", nullptr, ""},
    {"/docker-<A>a.scope", nullptr, ""},
    {"/docker-<A>.slice", nullptr, ""},
    {"/docker-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.scope", nullptr, ""},
    {"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", nullptr, ""},
};

TEST(ContainerOfCgroupTest, EveryLayout) {
  const auto fill = [](const char* text) {
    return absl::StrReplaceAll(text, {{"<A>", std::string(64, 'a')},
                                      {"<B>", StrCat(std::string(32, '0'), std::string(32, '9'))}});
  };
  for (const Case& c : kCases) {
    const std::string path = fill(c.path);
    const ContainerName name = ContainerOfCgroup(path);
    EXPECT_EQ(name.id, c.id == nullptr ? "" : fill(c.id)) << path;
    EXPECT_EQ(name.runtime, c.runtime) << path;
  }
}

}  // namespace
}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/workload.h"

#include <map>
#include <string>

#include "common/base/strings.h"
#include "gtest/gtest.h"

namespace vakt {
namespace {

struct Case {
  const char* pod;
  std::map<std::string, std::string> labels;
  const char* workload;  // "kind/name"; empty: none
};

TEST(WorkloadTest, FromLabelsAndNames) {
  const Case cases[] = {
      {"web-7d4b9c6f5d-x2x4z", {{"pod-template-hash", "7d4b9c6f5d"}}, "Deployment/web"},
      {"a-b-c-6f5d-x2x4z", {{"pod-template-hash", "6f5d"}}, "Deployment/a-b-c"},
      // A name that was cut, or made by hand, does not say which.
      {"web-7d4b9c6f5dx2x4z", {{"pod-template-hash", "7d4b9c6f5d"}}, ""},
      {"web-7d4b9c6f5d-x2xaz", {{"pod-template-hash", "7d4b9c6f5d"}}, ""},
      {"web-1-x2x4z", {{"pod-template-hash", "2"}}, ""},
      {"web", {{"pod-template-hash", ""}}, ""},
      {"db-0", {{"statefulset.kubernetes.io/pod-name", "db-0"}}, "StatefulSet/db"},
      {"db-12", {{"statefulset.kubernetes.io/pod-name", "db-12"}}, "StatefulSet/db"},
      {"db-0", {{"statefulset.kubernetes.io/pod-name", "db-1"}}, ""},
      {"db", {{"statefulset.kubernetes.io/pod-name", "db"}}, ""},
      {"agent-x2x4z",
       {{"controller-revision-hash", "7d4b9c6f5d"}, {"pod-template-generation", "1"}},
       "DaemonSet/agent"},
      {"db-0", {{"controller-revision-hash", "db-7d4b9c6f5d"}}, ""},
      {"once-x2x4z", {{"job-name", "once"}}, "Job/once"},
      {"once-x2x4z", {{"batch.kubernetes.io/job-name", "once"}}, "Job/once"},
      {"night-28345678-x2x4z", {{"job-name", "night-28345678"}}, "CronJob/night"},
      {"night-283-x2x4z", {{"job-name", "night-283"}}, "Job/night-283"},
      {"28345678-x2x4z", {{"job-name", "28345678"}}, "Job/28345678"},
      {"alone", {}, ""},
      {"", {{"pod-template-hash", "6f5d"}}, ""},
  };
  for (const Case& c : cases) {
    v1::Pod pod;
    pod.set_name(c.pod);
    pod.mutable_labels()->insert(c.labels.begin(), c.labels.end());
    GuessWorkload({}, &pod);
    const std::string workload =
        pod.workload_kind().empty() ? "" : StrCat(pod.workload_kind(), "/", pod.workload_name());
    EXPECT_EQ(workload, c.workload) << c.pod;
    EXPECT_EQ(pod.workload_guessed(), !workload.empty());
  }
}

TEST(WorkloadTest, AStaticPodIsTheNodes) {
  v1::Pod pod;
  pod.set_name("kube-apiserver-node1");
  GuessWorkload({{"kubernetes.io/config.source", "file"}}, &pod);
  EXPECT_EQ(pod.workload_kind(), "Node");
  v1::Pod other;
  other.set_name("x");
  GuessWorkload({{"kubernetes.io/config.source", "api"}}, &other);
  EXPECT_EQ(other.workload_kind(), "");
}

}  // namespace
}  // namespace vakt

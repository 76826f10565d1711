// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/workload.h"

#include <algorithm>
#include <string_view>

#include "common/base/strings.h"

namespace vakt {
namespace {

// What generated names end with (k8s.io/apimachinery/pkg/util/rand: no vowels, no look-alikes).
constexpr std::string_view kRandomCharacters = "bcdfghjklmnpqrstvwxz2456789";
constexpr size_t kRandomSize = 5;
// A cron job's jobs are numbered by the minute, since 1970.
constexpr size_t kMinMinuteDigits = 8;

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "name-<suffix>" -> "name"; empty when it does not end so.
std::string_view Without(std::string_view name, std::string_view suffix) {
  if (suffix.empty() || name.size() <= suffix.size() + 1 || !name.ends_with(suffix)) return {};
  name.remove_suffix(suffix.size());
  return name.back() == '-' ? name.substr(0, name.size() - 1) : std::string_view();
}

std::string_view LastPart(std::string_view name) { return name.substr(name.rfind('-') + 1); }

std::string_view WithoutRandom(std::string_view name) {
  const std::string_view last = LastPart(name);
  if (last.size() != kRandomSize ||
      last.find_first_not_of(kRandomCharacters) != std::string_view::npos) {
    return {};
  }
  return Without(name, last);
}

std::string_view LabelOf(const v1::Pod& pod, const char* key) {
  const auto found = pod.labels().find(key);
  return found == pod.labels().end() ? std::string_view() : std::string_view(found->second);
}

void Set(std::string_view kind, std::string_view name, v1::Pod* pod) {
  if (name.empty()) return;
  pod->set_workload_kind(std::string(kind));
  pod->set_workload_name(std::string(name));
  pod->set_workload_guessed(true);
}

void SetJob(std::string_view job, v1::Pod* pod) {
  const std::string_view minute = LastPart(job);
  const std::string_view cron =
      IsNumber(minute) && minute.size() >= kMinMinuteDigits ? Without(job, minute) : "";
  return cron.empty() ? Set("Job", job, pod) : Set("CronJob", cron, pod);
}

}  // namespace

void GuessWorkload(const std::map<std::string, std::string>& annotations, v1::Pod* pod) {
  const auto source = annotations.find("kubernetes.io/config.source");
  if (source != annotations.end() && source->second != "api") return Set("Node", pod->name(), pod);
  for (const char* key : {"batch.kubernetes.io/job-name", "job-name"}) {
    if (const std::string_view job = LabelOf(*pod, key); !job.empty()) return SetJob(job, pod);
  }
  const std::string_view name = pod->name();
  if (const std::string_view hash = LabelOf(*pod, "pod-template-hash"); !hash.empty()) {
    return Set("Deployment", Without(WithoutRandom(name), hash), pod);
  }
  if (LabelOf(*pod, "statefulset.kubernetes.io/pod-name") == name) {
    const std::string_view ordinal = LastPart(name);
    return Set("StatefulSet", IsNumber(ordinal) ? Without(name, ordinal) : "", pod);
  }
  if (!LabelOf(*pod, "pod-template-generation").empty() &&
      !LabelOf(*pod, "controller-revision-hash").empty()) {
    return Set("DaemonSet", WithoutRandom(name), pod);
  }
}

}  // namespace vakt

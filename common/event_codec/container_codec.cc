// SPDX-License-Identifier: Apache-2.0
#include "common/event_codec/container_codec.h"

#include <algorithm>

#include "common/time/wall_time.h"

namespace vakt {
namespace {

using LabelMap = google::protobuf::Map<std::string, std::string>;

Labels LabelsFromProto(const LabelMap& in) {
  Labels labels(in.begin(), in.end());
  std::sort(labels.begin(), labels.end());
  return labels;
}

void LabelsToProto(const Labels& in, LabelMap* out) {
  for (const auto& [key, value] : in) (*out)[key] = value;
}

Pod PodFromProto(const v1::Pod& in) {
  Pod pod;
  pod.name = in.name();
  pod.name_space = in.namespace_();
  pod.uid = in.uid();
  pod.sandbox_id = in.sandbox_id();
  pod.labels = LabelsFromProto(in.labels());
  pod.addresses.assign(in.addresses().begin(), in.addresses().end());
  pod.host_network = in.host_network();
  pod.host_pid = in.host_pid();
  pod.host_ipc = in.host_ipc();
  pod.workload_kind = in.workload_kind();
  pod.workload_name = in.workload_name();
  pod.workload_guessed = in.workload_guessed();
  return pod;
}

void PodToProto(const Pod& in, v1::Pod* out) {
  out->set_name(in.name);
  out->set_namespace_(in.name_space);
  out->set_uid(in.uid);
  out->set_sandbox_id(in.sandbox_id);
  LabelsToProto(in.labels, out->mutable_labels());
  for (const std::string& address : in.addresses) out->add_addresses(address);
  out->set_host_network(in.host_network);
  out->set_host_pid(in.host_pid);
  out->set_host_ipc(in.host_ipc);
  out->set_workload_kind(in.workload_kind);
  out->set_workload_name(in.workload_name);
  out->set_workload_guessed(in.workload_guessed);
}

Metadata MetadataFromProto(v1::Container::Metadata metadata) {
  switch (metadata) {
    case v1::Container::METADATA_COMPLETE:
      return Metadata::kComplete;
    case v1::Container::METADATA_PARTIAL:
      return Metadata::kPartial;
    default:
      return Metadata::kAwaited;
  }
}

int64_t TimeFromProto(bool present, const google::protobuf::Timestamp& time) {
  return present ? ToWallNs(time) : 0;
}

}  // namespace

void ContainerFromProto(const v1::Container& in, Container* out) {
  if (!in.runtime().empty()) out->runtime = in.runtime();
  out->metadata = MetadataFromProto(in.metadata());
  out->name = in.name();
  out->image = in.image();
  const auto [repository, tag] = SplitImage(out->image);
  out->image_repository = std::string(repository);
  out->image_tag = std::string(tag);
  out->image_digest = in.image_digest();
  out->image_id = in.image_id();
  out->labels = LabelsFromProto(in.labels());
  out->annotations = LabelsFromProto(in.annotations());
  out->mounts.clear();
  for (const v1::ContainerMount& mount : in.mounts()) {
    out->mounts.push_back(
        {mount.source(), mount.destination(), mount.mode(), mount.writable(), mount.propagation()});
  }
  // The message cannot say "not known" of it; what is complete knows it.
  out->privileged.reset();
  if (in.privileged() || out->metadata == Metadata::kComplete) out->privileged = in.privileged();
  out->capabilities = in.capabilities();
  out->user = in.user();
  out->created_wall_ns = TimeFromProto(in.has_created(), in.created());
  out->started_wall_ns = TimeFromProto(in.has_started(), in.started());
  out->pod.reset();
  if (in.has_pod()) out->pod = PodFromProto(in.pod());
}

void ContainerToProto(const Container& in, v1::Container* out) {
  out->Clear();
  out->set_id(in.id);
  out->set_runtime(in.runtime);
  out->set_metadata(in.metadata == Metadata::kComplete ? v1::Container::METADATA_COMPLETE
                                                       : v1::Container::METADATA_PARTIAL);
  out->set_name(in.name);
  out->set_image(in.image);
  out->set_image_digest(in.image_digest);
  out->set_image_id(in.image_id);
  LabelsToProto(in.labels, out->mutable_labels());
  LabelsToProto(in.annotations, out->mutable_annotations());
  for (const ContainerMount& mount : in.mounts) {
    v1::ContainerMount* added = out->add_mounts();
    added->set_source(mount.source);
    added->set_destination(mount.destination);
    added->set_mode(mount.mode);
    added->set_writable(mount.writable);
    added->set_propagation(mount.propagation);
  }
  out->set_privileged(in.privileged.value_or(false));
  out->set_capabilities(in.capabilities);
  out->set_user(in.user);
  if (in.created_wall_ns != 0) FromWallNs(in.created_wall_ns, out->mutable_created());
  if (in.started_wall_ns != 0) FromWallNs(in.started_wall_ns, out->mutable_started());
  if (in.pod.has_value()) PodToProto(*in.pod, out->mutable_pod());
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/cri/cri_answer.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>

#include "agent/enrich/workload.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/event/event_names.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

using Json = nlohmann::json;
using TextMap = google::protobuf::Map<std::string, std::string>;

constexpr std::string_view kDigestPrefix = "sha256:";
constexpr size_t kDigestSize = kDigestPrefix.size() + 64;

// A text that JSON gave may hold anything but is UTF-8; what is longer is cut between characters.
std::string Bounded(std::string_view text) {
  if (text.size() <= kMaxCriText) return std::string(text);
  size_t size = kMaxCriText;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return std::string(text.substr(0, size));
}

// Of too many, the first by name, so that it is the same each time.
void CopyMap(const TextMap& in, TextMap* out) {
  const std::map<std::string, std::string> sorted(in.begin(), in.end());
  for (const auto& [key, value] : sorted) {
    if (static_cast<int>(out->size()) >= kMaxCriEntries) return;
    if (key.size() <= kMaxCriText) (*out)[key] = Bounded(value);
  }
}

// What a verbose answer says under "info"; null when it is none or is damaged.
Json InfoOf(const TextMap& info) {
  const auto found = info.find("info");
  if (found == info.end() || found->second.size() > kMaxCriInfoBytes) return nullptr;
  Json json = Json::parse(found->second, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : Json(nullptr);
}

// A member of members, or null when one of them is not there.
const Json* At(const Json& json, std::initializer_list<const char*> names) {
  const Json* at = &json;
  for (const char* name : names) {
    if (!at->is_object()) return nullptr;
    const auto found = at->find(name);
    if (found == at->end()) return nullptr;
    at = &*found;
  }
  return at;
}

std::string TextAt(const Json& json, std::initializer_list<const char*> names) {
  const Json* at = At(json, names);
  return at != nullptr && at->is_string() ? Bounded(at->get_ref<const std::string&>())
                                          : std::string();
}

void SetMounts(const runtime::v1::ContainerStatus& status, v1::Container* out) {
  constexpr const char* kPropagations[] = {"private", "rslave", "rshared"};
  for (const runtime::v1::Mount& mount : status.mounts()) {
    if (out->mounts_size() >= kMaxCriEntries) return;
    v1::ContainerMount* added = out->add_mounts();
    added->set_source(Bounded(mount.host_path()));
    added->set_destination(Bounded(mount.container_path()));
    added->set_writable(!mount.readonly());
    const auto propagation = static_cast<size_t>(mount.propagation());
    if (propagation < std::size(kPropagations)) {
      added->set_propagation(kPropagations[propagation]);
    }
  }
}

// containerd says it in the configuration that it was given, CRI-O by itself.
void SetPrivileged(const Json& info, v1::Container* out) {
  for (const Json* at :
       {At(info, {"config", "linux", "security_context"}), At(info, {"privileged"})}) {
    if (at == nullptr) continue;
    const bool is_context = at->is_object();
    // A member that is false may be left out.
    const Json* value = is_context ? At(*at, {"privileged"}) : at;
    if (value != nullptr && !value->is_boolean()) continue;
    out->set_privileged(value != nullptr && value->get<bool>());
    out->set_metadata(v1::Container::METADATA_COMPLETE);
    return;
  }
  // A context without anything in it is left out as a whole.
  if (At(info, {"config", "metadata"}) != nullptr) {
    out->set_metadata(v1::Container::METADATA_COMPLETE);
  }
}

void SetCapabilities(const Json& info, v1::Container* out) {
  const Json* names = At(info, {"runtimeSpec", "process", "capabilities", "bounding"});
  if (names == nullptr || !names->is_array()) return;
  uint64_t capabilities = 0;
  for (const Json& name : *names) {
    if (name.is_string()) capabilities |= FindCapability(name.get_ref<const std::string&>());
  }
  out->set_capabilities(capabilities);
}

void SetUser(const runtime::v1::ContainerStatus& status, const Json& info, v1::Container* out) {
  out->set_user(TextAt(info, {"config", "linux", "security_context", "run_as_username"}));
  if (!out->user().empty()) return;
  const Json* uid = At(info, {"runtimeSpec", "process", "user", "uid"});
  if (uid != nullptr && uid->is_number_integer()) {
    out->set_user(StrCat(uid->get<int64_t>()));
  } else if (status.has_user() && status.user().has_linux()) {
    out->set_user(StrCat(status.user().linux().uid()));
  }
}

void SetImage(const runtime::v1::ContainerStatus& status, const Json& info, v1::Container* out) {
  // As the pod names it, where the runtime says so; it may list another name of the same image.
  std::string image = Bounded(status.image().user_specified_image());
  if (image.empty()) image = TextAt(info, {"config", "image", "user_specified_image"});
  if (image.empty()) image = Bounded(status.image().image());
  out->set_image(image);
  out->set_image_digest(std::string(DigestOf(status.image_ref())));
  const std::string_view id =
      status.image_id().empty() ? std::string_view(status.image_ref()) : status.image_id();
  if (id.starts_with(kDigestPrefix)) out->set_image_id(Bounded(id));
  // containerd's name of the image that it runs is its id.
  const std::string configured = TextAt(info, {"config", "image", "image"});
  if (out->image_id().empty() && configured.starts_with(kDigestPrefix)) {
    out->set_image_id(configured);
  }
}

// The labels that the kubelet gives to each container.
void SetPod(const TextMap& labels, const Json& info, v1::Container* out) {
  const auto label = [&](const char* key) {
    const auto found = labels.find(key);
    return found == labels.end() ? std::string() : Bounded(found->second);
  };
  v1::Pod pod;
  pod.set_name(label("io.kubernetes.pod.name"));
  pod.set_namespace_(label("io.kubernetes.pod.namespace"));
  pod.set_uid(label("io.kubernetes.pod.uid"));
  pod.set_sandbox_id(TextAt(info, {"sandboxID"}));
  if (pod.ByteSizeLong() > 0) *out->mutable_pod() = std::move(pod);
}

}  // namespace

std::string CriRuntimeName(std::string_view name) {
  return name == "cri-o" || name == "containerd" ? std::string(name)
                                                 : EscapeUtf8(Bounded(name).substr(0, 64));
}

std::string_view DigestOf(std::string_view reference) {
  const size_t at = reference.find('@');
  if (at == std::string_view::npos) return {};
  const std::string_view digest = reference.substr(at + 1);
  return digest.starts_with(kDigestPrefix) && digest.size() == kDigestSize ? digest
                                                                           : std::string_view();
}

v1::Container ContainerOfStatus(const runtime::v1::ContainerStatusResponse& answer) {
  const runtime::v1::ContainerStatus& status = answer.status();
  const Json info = InfoOf(answer.info());
  v1::Container out;
  out.set_id(Bounded(status.id()));
  out.set_name(Bounded(status.metadata().name()));
  out.set_metadata(v1::Container::METADATA_PARTIAL);
  SetImage(status, info, &out);
  CopyMap(status.labels(), out.mutable_labels());
  CopyMap(status.annotations(), out.mutable_annotations());
  SetMounts(status, &out);
  SetPrivileged(info, &out);
  SetCapabilities(info, &out);
  SetUser(status, info, &out);
  SetPod(status.labels(), info, &out);
  FromWallNs(std::max<int64_t>(status.created_at(), 1), out.mutable_created());
  if (status.started_at() > 0) FromWallNs(status.started_at(), out.mutable_started());
  return out;
}

std::string RootOfStatus(const runtime::v1::ContainerStatusResponse& answer) {
  return TextAt(InfoOf(answer.info()), {"runtimeSpec", "root", "path"});
}

void SetImageOf(const runtime::v1::ImageStatusResponse& answer, v1::Container* container) {
  const std::string& id = answer.image().id();
  if (container->image_id().empty() && id.starts_with(kDigestPrefix)) {
    container->set_image_id(Bounded(id));
  }
  for (const std::string& reference : answer.image().repo_digests()) {
    if (!container->image_digest().empty()) return;
    container->set_image_digest(std::string(DigestOf(reference)));
  }
}

v1::Pod PodOfStatus(const runtime::v1::PodSandboxStatusResponse& answer) {
  const runtime::v1::PodSandboxStatus& status = answer.status();
  v1::Pod pod;
  pod.set_name(Bounded(status.metadata().name()));
  pod.set_namespace_(Bounded(status.metadata().namespace_()));
  pod.set_uid(Bounded(status.metadata().uid()));
  pod.set_sandbox_id(Bounded(status.id()));
  CopyMap(status.labels(), pod.mutable_labels());
  if (!status.network().ip().empty()) pod.add_addresses(Bounded(status.network().ip()));
  for (const runtime::v1::PodIP& address : status.network().additional_ips()) {
    if (pod.addresses_size() < kMaxCriEntries) pod.add_addresses(Bounded(address.ip()));
  }
  const runtime::v1::NamespaceOption& options = status.linux().namespaces().options();
  pod.set_host_network(options.network() == runtime::v1::NODE);
  pod.set_host_pid(options.pid() == runtime::v1::NODE);
  pod.set_host_ipc(options.ipc() == runtime::v1::NODE);
  GuessWorkload({status.annotations().begin(), status.annotations().end()}, &pod);
  return pod;
}

v1::Container ContainerOfSandbox(const runtime::v1::PodSandboxStatusResponse& answer) {
  const runtime::v1::PodSandboxStatus& status = answer.status();
  const Json info = InfoOf(answer.info());
  v1::Container out;
  out.set_id(Bounded(status.id()));
  out.set_image(TextAt(info, {"image"}));
  out.set_metadata(v1::Container::METADATA_COMPLETE);
  SetCapabilities(info, &out);
  CopyMap(status.annotations(), out.mutable_annotations());
  FromWallNs(std::max<int64_t>(status.created_at(), 1), out.mutable_created());
  *out.mutable_pod() = PodOfStatus(answer);
  return out;
}

}  // namespace vakt

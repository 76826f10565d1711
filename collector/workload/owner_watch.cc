// SPDX-License-Identifier: Apache-2.0
#include "collector/workload/owner_watch.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "common/base/backoff.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

using Json = nlohmann::json;

constexpr int kPage = 500;  // objects of one answer
constexpr size_t kMaxPageBytes = 64
                                 << 20;  // where a server does not leave out what is not metadata
constexpr size_t kMaxEventBytes = 4 << 20;  // etcd's objects have 1.5 MiB at most
constexpr absl::Duration kListTime = absl::Seconds(60);
constexpr absl::Duration kWatchSlack = absl::Seconds(30);

const Json* At(const Json& json, const char* name) {
  if (!json.is_object()) return nullptr;
  const auto found = json.find(name);
  return found == json.end() ? nullptr : &*found;
}

std::string TextAt(const Json* json, const char* name) {
  const Json* at = json == nullptr ? nullptr : At(*json, name);
  return at != nullptr && at->is_string() ? at->get<std::string>() : std::string();
}

// The one of its owners that made it, and looks after it.
Owner ControllerOf(const Json& metadata) {
  const Json* owners = At(metadata, "ownerReferences");
  if (owners == nullptr || !owners->is_array()) return {};
  for (const Json& owner : *owners) {
    const Json* controller = At(owner, "controller");
    if (controller == nullptr || !controller->is_boolean() || !controller->get<bool>()) continue;
    return {TextAt(&owner, "kind"), TextAt(&owner, "name"), TextAt(&owner, "uid")};
  }
  return {};
}

}  // namespace

struct OwnerWatch::Kind {
  Kind(const char* path_of_it, void (WorkloadTable::*learn_it)(const std::string&, Owner),
       HttpStream::Options http)
      : path(path_of_it), learn(learn_it), stream(std::move(http)) {}

  const char* const path;
  void (WorkloadTable::*const learn)(const std::string&, Owner);
  HttpStream stream;
  std::atomic<bool> in_step = false;
  std::thread thread;

  void Learn(const Json& object, WorkloadTable* table) const {
    const Json* metadata = At(object, "metadata");
    const std::string uid = TextAt(metadata, "uid");
    if (!uid.empty()) (table->*learn)(uid, ControllerOf(*metadata));
  }
};

OwnerWatch::OwnerWatch(OwnerWatchOptions options, WorkloadTable* table)
    : options_(std::move(options)), table_(table) {}

std::unique_ptr<OwnerWatch> OwnerWatch::Start(OwnerWatchOptions options, WorkloadTable* table) {
  auto watch = std::unique_ptr<OwnerWatch>(new OwnerWatch(std::move(options), table));
  const OwnerWatchOptions& asked = watch->options_;
  if (!asked.save_path.empty()) {
    const absl::Status loaded = table->Load(asked.save_path);
    if (!loaded.ok()) LogWarning(StrCat("workloads are learnt anew: ", Message(loaded)));
  }
  const HttpStream::Options http{.ca_file = asked.ca_file, .token_file = asked.token_file};
  // Those above pods first, so that the pods' are known when they come.
  watch->kinds_.push_back(
      std::make_unique<Kind>("/apis/apps/v1/replicasets", &WorkloadTable::SetOwner, http));
  watch->kinds_.push_back(
      std::make_unique<Kind>("/apis/batch/v1/jobs", &WorkloadTable::SetOwner, http));
  watch->kinds_.push_back(std::make_unique<Kind>("/api/v1/pods", &WorkloadTable::SetPod, http));
  for (const auto& kind : watch->kinds_) {
    kind->thread = std::thread([self = watch.get(), k = kind.get()] { self->Run(k); });
  }
  watch->save_thread_ = std::thread([self = watch.get()] { self->SaveLoop(); });
  return watch;
}

OwnerWatch::~OwnerWatch() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (const auto& kind : kinds_) kind->stream.Cancel();
  for (const auto& kind : kinds_) kind->thread.join();
  save_thread_.join();
}

bool OwnerWatch::in_step() const {
  for (const auto& kind : kinds_) {
    if (!kind->in_step.load()) return false;
  }
  return true;
}

bool OwnerWatch::Sleep(absl::Duration time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, absl::ToChronoMicroseconds(time),
                    [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopping_; });
  return !stopping_;
}

void OwnerWatch::Run(Kind* kind) {
  Backoff backoff(options_.min_backoff, options_.max_backoff);
  std::string version;
  for (;;) {
    absl::Status status = version.empty() ? List(kind, &version) : Watch(kind, &version);
    if (status.ok()) {
      backoff.Reset();
      if (!Sleep(absl::ZeroDuration())) return;
      continue;
    }
    if (absl::IsCancelled(status)) return;
    kind->in_step = false;
    // It cannot go on from there: begin again.
    if (absl::IsOutOfRange(status)) version.clear();
    ++failures_;
    if (LogEvery(StrCat("workload.", kind->path), absl::Minutes(10))) {
      LogWarning(StrCat("Kubernetes API, ", kind->path, ": ", Message(status)));
    }
    if (!Sleep(backoff.Next())) return;
  }
}

absl::Status OwnerWatch::List(Kind* kind, std::string* version) {
  std::string next;
  do {
    std::string url = StrCat(options_.url, kind->path, "?limit=", kPage);
    if (!next.empty()) url += StrCat("&continue=", next);
    std::string page;
    VAKT_RETURN_IF_ERROR(kind->stream.Get(url, kListTime, [&](std::string_view bytes) {
      page += bytes;
      return page.size() <= kMaxPageBytes;
    }));
    const Json list = Json::parse(page, nullptr, /*allow_exceptions=*/false);
    const Json* items = At(list, "items");
    if (items == nullptr || !items->is_array()) {
      return absl::DataLossError("the answer is no list");
    }
    for (const Json& item : *items) kind->Learn(item, table_);
    const Json* metadata = At(list, "metadata");
    next = TextAt(metadata, "continue");
    *version = TextAt(metadata, "resourceVersion");
  } while (!next.empty());
  if (version->empty()) return absl::DataLossError("the list has no version");
  kind->in_step = true;
  return absl::OkStatus();
}

absl::Status OwnerWatch::Watch(Kind* kind, std::string* version) {
  const std::string url = StrCat(options_.url, kind->path,
                                 "?watch=1&allowWatchBookmarks=true&resourceVersion=", *version,
                                 "&timeoutSeconds=", absl::ToInt64Seconds(options_.watch_time));
  std::string rest;
  absl::Status outcome;
  const auto on_line = [&](std::string_view line) {
    const Json event = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    const Json* object = At(event, "object");
    if (object == nullptr) return;
    if (TextAt(&event, "type") == "ERROR") {
      outcome = absl::OutOfRangeError(EscapeUtf8(TextAt(object, "message")));
      return;
    }
    kind->Learn(*object,
                table_);  // of a bookmark there is no uid; of a deleted object the same is true
    const std::string seen = TextAt(At(*object, "metadata"), "resourceVersion");
    if (!seen.empty()) *version = seen;
  };
  kind->in_step = true;
  const absl::Status status =
      kind->stream.Get(url, options_.watch_time + kWatchSlack, [&](std::string_view bytes) {
        rest += bytes;
        size_t begin = 0;
        for (size_t end; (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1) {
          on_line(std::string_view(rest).substr(begin, end - begin));
        }
        rest.erase(0, begin);
        return outcome.ok() && rest.size() <= kMaxEventBytes;
      });
  return outcome.ok() ? status : outcome;
}

void OwnerWatch::SaveLoop() {
  uint64_t saved = 0;
  for (bool go_on = true; go_on;) {
    go_on = Sleep(options_.save_every);
    const uint64_t changes = table_->changes();
    if (options_.save_path.empty() || changes == saved) continue;
    const absl::Status status = table_->Save(options_.save_path);
    if (status.ok()) {
      saved = changes;
    } else if (LogEvery("workload.save", absl::Minutes(10))) {
      LogWarning(StrCat("workloads are not kept over a restart: ", Message(status)));
    }
  }
}

}  // namespace vakt

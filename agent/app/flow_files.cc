// SPDX-License-Identifier: Apache-2.0
#include "agent/app/flow_files.h"

#include <utility>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/rulelang/load.h"

namespace vakt {
namespace {

std::string StampOf(const std::string& path) { return RuleFilesStamp({&path, 1}); }

absl::Status LoadSegments(const std::string& path, FlowFileContents* contents) {
  VAKT_ASSIGN_OR_RETURN(const std::string yaml, ReadFile(path));
  VAKT_ASSIGN_OR_RETURN(Segments segments, Segments::Parse(path, yaml));
  contents->segments = std::make_shared<const Segments>(std::move(segments));
  return absl::OkStatus();
}

absl::Status LoadCountries(const std::string& path, FlowFileContents* contents) {
  VAKT_ASSIGN_OR_RETURN(contents->countries,
                        NetworkDatabase::Open(path, NetworkDatabase::Of::kCountries));
  return absl::OkStatus();
}

absl::Status LoadSystems(const std::string& path, FlowFileContents* contents) {
  VAKT_ASSIGN_OR_RETURN(contents->systems,
                        NetworkDatabase::Open(path, NetworkDatabase::Of::kSystems));
  return absl::OkStatus();
}

}  // namespace

FlowFiles::FlowFiles(const FlowFilePaths& paths, std::unique_ptr<FileWatch> watch)
    : watch_(std::move(watch)) {
  const auto add = [this](const std::string& path, Load load) {
    if (!path.empty()) files_.push_back({path, load, ""});
  };
  add(paths.segments, LoadSegments);
  add(paths.countries, LoadCountries);
  add(paths.systems, LoadSystems);
}

absl::StatusOr<std::unique_ptr<FlowFiles>> FlowFiles::Start(const FlowFilePaths& paths) {
  VAKT_ASSIGN_OR_RETURN(std::unique_ptr<FileWatch> watch, FileWatch::Create());
  std::unique_ptr<FlowFiles> files(new FlowFiles(paths, std::move(watch)));
  for (File& file : files->files_) {
    file.stamp = StampOf(file.path);  // before it is read: a later change shows
    VAKT_RETURN_IF_ERROR(file.load(file.path, &files->contents_));
  }
  files->offered_ = files->contents_;
  if (!files->files_.empty()) files->thread_ = std::thread([f = files.get()] { f->Run(); });
  return files;
}

FlowFiles::~FlowFiles() {
  watch_->End();
  if (thread_.joinable()) thread_.join();
}

std::optional<FlowFileContents> FlowFiles::Take() {
  std::lock_guard lock(mutex_);
  return std::exchange(offered_, std::nullopt);
}

void FlowFiles::Run() {
  const auto stamp_now = [this] {
    std::string all;
    for (const File& file : files_) all += StampOf(file.path);
    return all;
  };
  for (;;) {
    std::string read;
    for (const File& file : files_) read += file.stamp;
    const FileWatch::Reason reason = watch_->Wait(stamp_now, read);
    if (reason == FileWatch::Reason::kEnd) return;
    Reload(reason == FileWatch::Reason::kRequest);
  }
}

void FlowFiles::Reload(bool all) {
  bool is_new = false;
  for (File& file : files_) {
    std::string stamp = StampOf(file.path);
    if (!all && stamp == file.stamp) continue;
    file.stamp = std::move(stamp);
    if (const absl::Status status = file.load(file.path, &contents_); !status.ok()) {
      ++refused_;
      LogError(StrCat("what ", file.path, " held before stays in force: ", Message(status)));
      continue;
    }
    ++loaded_;
    is_new = true;
    LogInfo(StrCat(file.path, " was read anew"));
  }
  if (!is_new) return;
  std::lock_guard lock(mutex_);
  offered_ = contents_;
}

}  // namespace vakt

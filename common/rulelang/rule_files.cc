// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/rulelang/load.h"

namespace vakt {
namespace {

namespace fs = std::filesystem;

// Far above any rule file; the loader's own limit gives the better message.
constexpr size_t kMaxReadBytes = size_t{32} << 20;

bool IsRuleFile(const fs::path& path) {
  const std::string name = path.filename().string();
  return (name.ends_with(".yaml") || name.ends_with(".yml")) && !name.ends_with(".test.yaml") &&
         !name.ends_with(".test.yml");
}

// A macro must be defined before the macros that name it, so what lies in a directory `macros`
// comes before the rest of the tree.
bool ComesBefore(const std::string& a, const std::string& b) {
  const bool a_is_macros = a.find("/macros/") != std::string::npos;
  const bool b_is_macros = b.find("/macros/") != std::string::npos;
  return a_is_macros != b_is_macros ? a_is_macros : a < b;
}

absl::Status ListDirectory(const std::string& directory, std::vector<std::string>* paths) {
  std::error_code error;
  std::vector<std::string> found;
  for (fs::recursive_directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    // A ConfigMap's files lie in ..2024_01_01 and are linked beside it through the link ..data.
    if (it->path().filename().string().starts_with("..")) {
      it.disable_recursion_pending();
      continue;
    }
    std::error_code is_file_error;
    if (IsRuleFile(it->path()) && it->is_regular_file(is_file_error)) {
      found.push_back(it->path().string());
    }
  }
  if (error) return ErrnoStatus(error.value(), StrCat("read directory ", directory));
  std::sort(found.begin(), found.end(), ComesBefore);
  paths->insert(paths->end(), found.begin(), found.end());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ListRuleFiles(absl::Span<const std::string> paths) {
  std::vector<std::string> all;
  for (const std::string& path : paths) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      VAKT_RETURN_IF_ERROR(ListDirectory(path, &all));
    } else {
      all.push_back(path);
    }
  }
  return all;
}

}  // namespace

std::string RuleFilesStamp(absl::Span<const std::string> paths) {
  const absl::StatusOr<std::vector<std::string>> files = ListRuleFiles(paths);
  if (!files.ok()) return std::string(Message(files.status()));
  std::string stamp;
  for (const std::string& path : *files) {
    struct stat s = {};
    const bool found = stat(path.c_str(), &s) == 0;
    stamp += StrCat(path, found ? "" : " missing", " ", s.st_dev, " ", s.st_ino, " ", s.st_size,
                    " ", s.st_mtim.tv_sec, " ", s.st_mtim.tv_nsec, " ", s.st_ctim.tv_sec, " ",
                    s.st_ctim.tv_nsec, "\n");
  }
  return stamp;
}

absl::StatusOr<std::vector<RuleFile>> ReadRuleFiles(absl::Span<const std::string> paths) {
  VAKT_ASSIGN_OR_RETURN(const std::vector<std::string> all, ListRuleFiles(paths));
  std::vector<RuleFile> files;
  for (const std::string& path : all) {
    RuleFile& file = files.emplace_back();
    file.path = path;
    absl::StatusOr<std::string> content = ReadFile(path, kMaxReadBytes);
    if (content.ok()) {
      file.content = *std::move(content);
    } else {
      file.read_error = Message(content.status());
    }
  }
  return files;
}

}  // namespace vakt

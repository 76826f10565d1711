// SPDX-License-Identifier: Apache-2.0
// vaktctl node prepare, vaktctl node clean: the files that Vakt has on a node outside of its image.
// They run in containers that mount these directories and nothing else of the node.
#include <signal.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/match.h"
#include "cli/verbs.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr std::string_view kProfileInImage = "/usr/share/vakt/seccomp-agent.json";
constexpr std::string_view kProfileOnNode = "agent.json";

// "<16 hex digits>_<16 hex digits>": hooks and rings that agents leave to one another.
bool IsPinnedSet(std::string_view name) {
  constexpr size_t kHalf = 16;
  return name.size() == 2 * kHalf + 1 && name[kHalf] == '_' &&
         name.find_first_not_of("0123456789abcdef_") == std::string_view::npos;
}

// What an agent and `node prepare` write. Everything else in their directories is somebody else's.
bool IsOurs(const std::string& name) {
  for (const std::string_view ours :
       {"spool", "alive", "admin.sock", "canary", "canary-2", "canary-link", "canary-directory"}) {
    if (name == ours) return true;
  }
  // Files with what a kill left beside them (".tmp.XXXXXX"), and what agents have pinned.
  return absl::StartsWith(name, ToAbsl(kProfileOnNode)) || absl::StartsWith(name, "workloads") ||
         name == "unfinished" || IsPinnedSet(name);
}

absl::Status Clean(const std::string& directory, Console& console) {
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  if (error == std::errc::no_such_file_or_directory) return absl::OkStatus();
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    if (!IsOurs(name)) {
      console.Line(StrCat("kept ", entries->path().string(), ": not Vakt's"));
      continue;
    }
    std::filesystem::remove_all(entries->path(), error);
    if (error) break;
    console.Line(StrCat("removed ", entries->path().string()));
  }
  if (error) return absl::UnavailableError(StrCat(directory, ": ", error.message()));
  std::filesystem::remove(directory, error);  // fails, rightly, on what is mounted or not empty
  return absl::OkStatus();
}

void WaitForSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  int signal = 0;
  sigwait(&signals, &signal);
}

}  // namespace

VerbResult NodePrepare(const Invocation& invocation) {
  const std::string& directory = invocation.arguments.operands()[0];
  VAKT_ASSIGN_OR_RETURN(const std::string profile, ReadFile(kProfileInImage));
  const std::string path = StrCat(directory, "/", std::string(kProfileOnNode));
  const auto existing = ReadFile(path);
  if (existing.ok() && *existing == profile) return kSuccess;
  VAKT_RETURN_IF_ERROR(WriteFileAtomically(path, profile, 0644));
  invocation.console.Line(StrCat("wrote ", path));
  return kSuccess;
}

VerbResult NodeClean(const Invocation& invocation) {
  for (const std::string& directory : invocation.arguments.operands()) {
    VAKT_RETURN_IF_ERROR(Clean(directory, invocation.console));
  }
  if (invocation.arguments.Has("--stay")) WaitForSignal();
  return kSuccess;
}

}  // namespace vakt

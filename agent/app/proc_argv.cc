// SPDX-License-Identifier: Apache-2.0
#include "agent/app/proc_argv.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/base/strings.h"
#include "common/base/unique_fd.h"

namespace vakt {

namespace {

std::string ReadStart(const std::string& path, size_t max_bytes) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  std::string text(max_bytes, '\0');
  const ssize_t size = read(fd.get(), text.data(), text.size());
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return text;
}

}  // namespace

std::string ReadProcArgv(uint32_t pid, std::string_view proc_root) {
  constexpr size_t kMaxBytes = 16384;  // as for an exec: VAKT_ARGV_MAX
  return ReadStart(StrCat(proc_root, "/", pid, "/cmdline"), kMaxBytes);
}

std::string ReadProcEnv(uint32_t pid, std::string_view proc_root) {
  constexpr size_t kMaxBytes = 4096;  // as for an exec: VAKT_ENV_MAX
  return ReadStart(StrCat(proc_root, "/", pid, "/environ"), kMaxBytes);
}

}  // namespace vakt

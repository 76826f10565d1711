// SPDX-License-Identifier: Apache-2.0
#include "agent/app/proc_argv.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/base/strings.h"
#include "common/base/unique_fd.h"

namespace vakt {

std::string ReadProcArgv(uint32_t pid, std::string_view proc_root) {
  constexpr size_t kMaxBytes = 16384;  // as for an exec: VAKT_ARGV_MAX
  UniqueFd fd(open(StrCat(proc_root, "/", pid, "/cmdline").c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  std::string argv(kMaxBytes, '\0');
  const ssize_t size = read(fd.get(), argv.data(), argv.size());
  argv.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return argv;
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
// A directory of a test's own, removed with all it holds. Threads: thread-compatible.
#ifndef VAKT_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_
#define VAKT_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_

#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <string>

namespace vakt {

class TemporaryDirectory {
 public:
  // Below TMPDIR or /tmp. Aborts when it cannot be made: a test cannot go on without.
  TemporaryDirectory() : path_(std::filesystem::temp_directory_path() / "vakt-test-XXXXXX") {
    if (mkdtemp(path_.data()) != nullptr) return;
    perror(path_.c_str());
    abort();
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace vakt

#endif  // VAKT_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_

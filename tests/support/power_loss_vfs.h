// SPDX-License-Identifier: Apache-2.0
// SQLite's disk as a machine could find it that lost power: while one of these lives, it is
// SQLite's default VFS, hands everything on to the real one, and keeps a journal of all that
// changes files. CrashState(n) makes the files of a directory as they could be after the n-th
// change.
//
// It promises as little as POSIX does: bytes survive only when their file was synced after them,
// new and deleted names only when a journal or log that was made in the directory was synced for
// the first time since (SQLite's unix VFS syncs the directory then), or on a delete that asks for
// it.
//
// Threads: SQLite's calls from any; the rest from one. One at a time in a process.
#ifndef VAKT_TESTS_SUPPORT_POWER_LOSS_VFS_H_
#define VAKT_TESTS_SUPPORT_POWER_LOSS_VFS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace vakt {

class PowerLossVfs {
 public:
  PowerLossVfs();
  ~PowerLossVfs();
  PowerLossVfs(const PowerLossVfs&) = delete;
  PowerLossVfs& operator=(const PowerLossVfs&) = delete;

  // The journal ends here. Syncs cost nothing from now on.
  void Stop();
  // Changes so far.
  size_t changes() const;
  // Writes the files into `directory`, which must be empty, under their own names. For each write
  // that was not synced `choose(3)` says whether it is kept (0), lost (1) or torn (2), for each
  // name whose directory was not, `choose(2)` whether its change was done (0).
  using Choose = std::function<uint32_t(uint32_t bound)>;
  void CrashState(size_t changes, const std::string& directory, const Choose& choose) const;

  class Journal;

 private:
  std::unique_ptr<Journal> journal_;
};

}  // namespace vakt

#endif  // VAKT_TESTS_SUPPORT_POWER_LOSS_VFS_H_

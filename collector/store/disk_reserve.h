// SPDX-License-Identifier: Apache-2.0
// Room on the disk that is kept for the moment in which there is none: a file that holds nothing.
// What is committed lies in the log until it is merged into the database, and that takes room of
// its own: on a full disk neither can go on, and freeing less than the log needs would change
// nothing. With the reserve given up for a moment the log can always be merged; its own room is
// free then, and the reserve is made again of that.
//
// Threads: thread-compatible.
#ifndef VAKT_COLLECTOR_STORE_DISK_RESERVE_H_
#define VAKT_COLLECTOR_STORE_DISK_RESERVE_H_

#include <cstdint>
#include <string>

#include "common/base/unique_fd.h"

namespace vakt {

class DiskReserve {
 public:
  // Takes `bytes` on the disk of `path`, or as much of them as there is.
  DiskReserve(const std::string& path, uint64_t bytes);

  void GiveUp();
  void TakeAgain();

  uint64_t held_bytes() const;

 private:
  const uint64_t bytes_;
  UniqueFd file_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_DISK_RESERVE_H_

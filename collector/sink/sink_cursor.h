// SPDX-License-Identifier: Apache-2.0
// Where a sink stands, on the disk: <directory>/<name>.cursor. Written after a batch was delivered,
// so that a crash sends a batch again and never skips one.
// Threads: thread-compatible; the sink's thread.
#ifndef VAKT_COLLECTOR_SINK_SINK_CURSOR_H_
#define VAKT_COLLECTOR_SINK_SINK_CURSOR_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/store/store.h"

namespace vakt {

class SinkCursor {
 public:
  SinkCursor(const Store* store, const std::string& directory, const std::string& name)
      : store_(*store), path_(directory + "/" + name + ".cursor") {}

  // The id to go on after. A sink without a file begins at `first`, and has one from then on. A
  // cursor of another store counts for nothing: then all that this one has is sent. One ahead of
  // the store, which was restored from a backup, is set back to its end.
  absl::StatusOr<int64_t> Load(int64_t first);
  absl::Status Save(int64_t record_id);

 private:
  const Store& store_;
  const std::string path_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SINK_SINK_CURSOR_H_

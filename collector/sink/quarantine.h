// SPDX-License-Identifier: Apache-2.0
// What a destination refused for good, with the reason: <directory>/<name>.refused.jsonl, one JSON
// object a line. Nothing is passed over before it is synced here. The file is renamed to .1, in the
// place of the one before, when it has grown to its limit; the records themselves stay in the
// store. Threads: thread-compatible; the sink's thread.
#ifndef VAKT_COLLECTOR_SINK_QUARANTINE_H_
#define VAKT_COLLECTOR_SINK_QUARANTINE_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

class Quarantine {
 public:
  static constexpr size_t kMaxBytes = 16 << 20;

  Quarantine(const std::string& directory, const std::string& name, size_t max_bytes = kMaxBytes)
      : path_(directory + "/" + name + ".refused.jsonl"), max_bytes_(max_bytes) {}

  absl::Status Add(const v1::StoredRecord& record, const std::string& reason);
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  const size_t max_bytes_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SINK_QUARANTINE_H_

// SPDX-License-Identifier: Apache-2.0
// All sinks of the collector. Each works on its own; what one does cannot delay another, the store
// or the agents.
//
// Ownership: the store must outlive it. Threads: thread-safe.
#ifndef VAKT_COLLECTOR_SINK_SINK_SET_H_
#define VAKT_COLLECTOR_SINK_SINK_SET_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "collector/sink/sink_runner.h"
#include "collector/store/store.h"
#include "common/sinks/sink_config.h"

namespace vakt {

class SinkSet {
 public:
  // `directory` is made when it does not exist. Errors name the sink.
  static absl::StatusOr<std::unique_ptr<SinkSet>> Start(absl::Span<const SinkConfig> configs,
                                                        Store* store, const std::string& directory);
  ~SinkSet();

  void Reopen();
  const std::vector<std::unique_ptr<SinkRunner>>& runners() const { return runners_; }

 private:
  explicit SinkSet(Store* store) : store_(*store) {}

  Store& store_;
  std::vector<std::unique_ptr<SinkRunner>> runners_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SINK_SINK_SET_H_

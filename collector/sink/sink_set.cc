// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/sink_set.h"

#include "common/base/file.h"
#include "common/base/status.h"

namespace vakt {

absl::StatusOr<std::unique_ptr<SinkSet>> SinkSet::Start(absl::Span<const SinkConfig> configs,
                                                        Store* store,
                                                        const std::string& directory) {
  std::unique_ptr<SinkSet> set(new SinkSet(store));
  if (configs.empty()) return set;
  VAKT_RETURN_IF_ERROR(MakeDirectories(directory, 0700));
  for (const SinkConfig& config : configs) {
    VAKT_ASSIGN_OR_RETURN(auto runner, SinkRunner::Create(config, store, directory));
    set->runners_.push_back(std::move(runner));
  }
  store->AddCommitListener(set.get(), [set = set.get()](int64_t last_id) {
    for (const auto& runner : set->runners_) runner->OnCommit(last_id);
  });
  for (const auto& runner : set->runners_) runner->Start();
  return set;
}

SinkSet::~SinkSet() { store_.RemoveCommitListener(this); }

void SinkSet::Reopen() {
  for (const auto& runner : runners_) runner->Reopen();
}

}  // namespace vakt

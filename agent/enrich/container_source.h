// SPDX-License-Identifier: Apache-2.0
// Who knows what containers are: the container runtime, or a test's. The enricher's side of it is
// the pipeline thread, and none of these calls blocks.
#ifndef VAKT_AGENT_ENRICH_CONTAINER_SOURCE_H_
#define VAKT_AGENT_ENRICH_CONTAINER_SOURCE_H_

#include <string>
#include <string_view>
#include <vector>

#include "vakt/v1/container.pb.h"
#include "vakt/v1/recording.pb.h"

namespace vakt {

class ContainerSource {
 public:
  virtual ~ContainerSource() = default;

  // Whether an answer can be expected soon: else nothing is to wait for one.
  virtual bool Answers() const = 0;

  // Find out about the container, and go on trying until Forget.
  virtual void Ask(const std::string& id) = 0;
  virtual void Forget(const std::string& id) = 0;

  // Appends what was found out since the last call, asked for or not. What is there is complete, or
  // partial with a time of creation.
  virtual void Take(std::vector<v1::Container>* found) = 0;

  // The container has a process, and so its files are there to be read for users and groups.
  virtual void Started(const std::string& /*id*/) {}
  // Appends what was read of them since the last call.
  virtual void TakeAccounts(std::vector<v1::ContainerAccounts>* /*read*/) {}
};

}  // namespace vakt

#endif  // VAKT_AGENT_ENRICH_CONTAINER_SOURCE_H_

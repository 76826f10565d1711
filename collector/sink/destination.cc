// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/destination.h"

#include "collector/sink/alertmanager_destination.h"
#include "collector/sink/file_destination.h"
#include "collector/sink/http_destination.h"
#include "collector/sink/syslog_destination.h"

namespace vakt {

absl::StatusOr<std::unique_ptr<Destination>> MakeDestination(const SinkConfig& config) {
  switch (config.kind) {
    case SinkKind::kHttp:
      return HttpDestination::Create(config);
    case SinkKind::kSyslog:
      return SyslogDestination::Create(config);
    case SinkKind::kAlertmanager:
      return AlertmanagerDestination::Create(config);
    case SinkKind::kFile:
      return FileDestination::Create(config);
  }
  return absl::InternalError("a sink of no kind");
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
// Why a call to the collector failed, in words an operator can act on. Pure function, thread-safe.
#ifndef VAKT_AGENT_UPLINK_FAILURE_TEXT_H_
#define VAKT_AGENT_UPLINK_FAILURE_TEXT_H_

#include <grpcpp/support/status.h>

#include <string>

namespace vakt {

// For example "collector 127.0.0.1:7443: connection refused".
std::string FailureText(const std::string& collector, const grpc::Status& status);

}  // namespace vakt

#endif  // VAKT_AGENT_UPLINK_FAILURE_TEXT_H_

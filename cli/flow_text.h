// SPDX-License-Identifier: Apache-2.0
// Flow records as text. What comes from the network or from a process is escaped where it is
// printed: texts here are as they are unless they say so. Threads: pure functions.
#ifndef VAKT_CLI_FLOW_TEXT_H_
#define VAKT_CLI_FLOW_TEXT_H_

#include <cstdint>
#include <string>

#include "cli/console.h"
#include "vakt/v1/flow.pb.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

// "10.0.0.1:443", "[::1]:443", "10.0.0.1" without a port.
std::string EndpointText(const v1::Endpoint& endpoint);

// Who, at this end: "shop/web-7c9", "container 0123456789ab", or "node n1".
std::string WorkloadText(const v1::StoredRecord& stored);
// The file name of the program, or "?".
std::string ProgramText(const v1::Flow& flow);
// The other end by its name or address; of several that found no room: "(many)".
std::string RemoteText(const v1::Flow& flow);
// The service's port and protocol: "443/tcp".
std::string ServiceText(const v1::Flow& flow);
// "same-node" for CLASS_SAME_NODE, as flags write it (EnumText).
std::string EnumWord(const google::protobuf::EnumDescriptor& type, int number);
// "out", "same-node"; empty when it is not told.
std::string DirectionText(const v1::Flow& flow);
std::string ClassText(const v1::Flow& flow);
// The class, and what databases say of the address: "external SE AS64500".
std::string PlaceText(const v1::Flow& flow);
// "1.2 MiB".
std::string BytesText(uint64_t bytes);

// "3 (1 refused)"
std::string ConnectionsText(const v1::Flow& flow);

// One line for people, in the console's colours, safe on a terminal.
std::string FlowLine(const v1::StoredRecord& stored, const Console& console);
// One object on one line.
std::string FlowJson(const v1::StoredRecord& stored);

}  // namespace vakt

#endif  // VAKT_CLI_FLOW_TEXT_H_

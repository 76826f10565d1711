// SPDX-License-Identifier: Apache-2.0
// Host names as they come over the network, made text that may be shown and compared: lower case,
// bytes that host names do not have as \DDD.
//
// Threads: pure functions.
#ifndef VAKT_AGENT_FLOW_HOST_NAME_H_
#define VAKT_AGENT_FLOW_HOST_NAME_H_

#include <string>
#include <string_view>

namespace vakt {

// Appends one label, with a dot before it unless it is the first. A dot within it is escaped, too.
void AppendHostLabel(std::string_view label, std::string* name);

// A name that was sent with its dots; a last one is left out. Empty when it is none: no bytes, more
// than 255, or a label that is empty or longer than 63 (RFC 1035, 2.3.4).
std::string HostNameOf(std::string_view dotted);

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_HOST_NAME_H_

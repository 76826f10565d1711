// SPDX-License-Identifier: Apache-2.0
// An alert as a message of RFC 5424. Threads: pure functions.
#ifndef VAKT_COLLECTOR_SINK_SYSLOG_MESSAGE_H_
#define VAKT_COLLECTOR_SINK_SYSLOG_MESSAGE_H_

#include <string>
#include <string_view>

#include "vakt/v1/query.pb.h"

namespace vakt {

// RFC 5424, section 6.2.1; -1 when there is none of the name.
int SyslogFacility(std::string_view name);

// Without framing. Falco's priorities are syslog's severities. The message has no byte order mark:
// the RFC asks for one before UTF-8, but receivers that parse JSON stumble over it.
std::string SyslogMessage(const v1::StoredRecord& record, int facility, bool as_text);

// As a frame of RFC 5425, section 4.3: "<length> <message>".
std::string SyslogFrame(std::string_view message);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SINK_SYSLOG_MESSAGE_H_

// SPDX-License-Identifier: Apache-2.0
// The program's own log: one line per message on stderr. Untrusted bytes may be passed: control
// characters and invalid UTF-8 are escaped.
//
// Log an error once, where it is handled. What can repeat goes through LogEvery:
//   if (LogEvery("spool.write", absl::Seconds(10))) LogError(status.message());
//
// Threads: thread-safe, except InitLog, which main calls before it starts threads.
#ifndef VAKT_COMMON_BASE_LOG_H_
#define VAKT_COMMON_BASE_LOG_H_

#include <cstdint>
#include <string_view>

#include "absl/time/time.h"

namespace vakt {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };

// "debug", "info", "warning", "error"; info for anything else.
LogLevel ParseLogLevel(std::string_view name);

// Messages below `level` are dropped. `json`: {"time","level","message"} per line instead of text.
// Without a call: kInfo, text.
void InitLog(LogLevel level, bool json);

void Log(LogLevel level, std::string_view text);
inline void LogDebug(std::string_view text) { Log(LogLevel::kDebug, text); }
inline void LogInfo(std::string_view text) { Log(LogLevel::kInfo, text); }
inline void LogWarning(std::string_view text) { Log(LogLevel::kWarning, text); }
inline void LogError(std::string_view text) { Log(LogLevel::kError, text); }

// True at most once per interval for each key. Keys are literals or come from a small fixed set.
bool LogEvery(std::string_view key, absl::Duration interval);

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_LOG_H_

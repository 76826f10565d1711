// SPDX-License-Identifier: Apache-2.0
#include "common/base/log.h"

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/base/clock.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace vakt {
namespace {

constexpr char kTextPattern[] = "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v";
constexpr char kJsonPattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%v})";

// Keys are few by contract; should a caller break it, forgetting them all costs extra lines only.
constexpr size_t kMaxLogEveryKeys = 1024;

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

struct Logger {
  std::shared_ptr<spdlog::logger> out;
  bool json = false;

  Logger()
      : out(std::make_shared<spdlog::logger>("vakt",
                                             std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
    out->set_error_handler([](const std::string&) {});  // stderr is gone: nowhere to say so
    out->flush_on(spdlog::level::info);
    SetPattern();
  }

  void SetPattern() {
    out->set_pattern(json ? kJsonPattern : kTextPattern, spdlog::pattern_time_type::utc);
  }
};

// Never destroyed: threads may log while the program exits.
Logger& TheLogger() {
  static Logger* const logger = new Logger;
  return *logger;
}

struct LastLogged {
  absl::Mutex mutex;
  StringMap<int64_t> boot_ns ABSL_GUARDED_BY(mutex);
};

}  // namespace

LogLevel ParseLogLevel(std::string_view name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "warning") return LogLevel::kWarning;
  if (name == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}

void InitLog(LogLevel level, bool json) {
  Logger& logger = TheLogger();
  logger.json = json;
  logger.SetPattern();
  logger.out->set_level(ToSpdlog(level));
}

void Log(LogLevel level, std::string_view text) {
  Logger& logger = TheLogger();
  const spdlog::level::level_enum spdlog_level = ToSpdlog(level);
  if (!logger.out->should_log(spdlog_level)) return;
  std::string line = EscapeUtf8(text);
  if (logger.json) line = JsonQuote(line);
  logger.out->log(spdlog_level, spdlog::string_view_t(line.data(), line.size()));
}

bool LogEvery(std::string_view key, absl::Duration interval) {
  static LastLogged* const last = new LastLogged;
  const int64_t now_ns = RealClock().BootNs();
  absl::MutexLock lock(&last->mutex);
  if (last->boot_ns.size() >= kMaxLogEveryKeys) last->boot_ns.clear();
  auto [entry, is_new] = last->boot_ns.try_emplace(key, now_ns);
  if (is_new) return true;
  if (now_ns - entry->second < absl::ToInt64Nanoseconds(interval)) return false;
  entry->second = now_ns;
  return true;
}

}  // namespace vakt

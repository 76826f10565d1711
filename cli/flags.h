// SPDX-License-Identifier: Apache-2.0
// Command-line flags, described by rows: what --help says and what is accepted is the same row.
//
//   constexpr FlagRow kFlags[] = {{"--limit", FlagType::kCount, "At most so many."}};
//   VAKT_ASSIGN_OR_RETURN(Arguments arguments, ParseArguments(words, kFlags));
//   if (arguments.Has("--limit")) Use(arguments.Count("--limit"));
//
// "--flag value" and "--flag=value" are the same; "--" ends the flags. Values are checked against
// the row's type while parsing, so that asking for them later cannot fail.
// Threads: rows are constant; Arguments is thread-compatible.
#ifndef VAKT_CLI_FLAGS_H_
#define VAKT_CLI_FLAGS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace vakt {

enum class FlagType : uint8_t {
  kSwitch,  // takes no value
  kText,
  kTexts,  // may be given several times
  kPath,
  kPaths,     // one or more words, up to the next flag; may be given several times
  kCount,     // decimal, from 1
  kDuration,  // ParseSpan, cli/time_text.h
  kMoment,    // ParseMoment
  kPriority,  // name of a priority
  kChoice,    // one of FlagRow::choices
};

struct FlagRow {
  std::string_view name;  // "--limit"
  FlagType type;
  std::string_view text;          // for --help: a sentence
  std::string_view choices = {};  // "a|b|c", the first is the default
};

// What stands for the value in --help: "N", "TIME", "a|b|c"; empty for a switch.
std::string_view FlagPlaceholder(const FlagRow& row);

class Arguments {
 public:
  // Words that are neither flags nor their values, in order.
  const std::vector<std::string>& operands() const { return operands_; }

  bool Has(std::string_view flag) const { return values_.contains(flag); }
  // The last value that was given; `otherwise` if there is none.
  std::string Text(std::string_view flag, std::string_view otherwise = {}) const;
  std::vector<std::string> Texts(std::string_view flag) const;
  uint64_t Count(std::string_view flag, uint64_t otherwise = 0) const;
  absl::Duration Duration(std::string_view flag, absl::Duration otherwise) const;
  absl::Time Moment(std::string_view flag, absl::Time now, absl::Time otherwise) const;

  // The row's default (first) choice when the flag was not given.
  std::string Choice(const FlagRow& row) const;

  void AddOperand(std::string_view word) { operands_.emplace_back(word); }
  void AddValue(std::string_view flag, std::string_view value);

 private:
  std::vector<std::string> operands_;
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

// Null when no row has this name.
const FlagRow* FindFlag(absl::Span<const FlagRow> rows, std::string_view name);

// InvalidArgument, in one line that names the flag.
absl::StatusOr<Arguments> ParseArguments(absl::Span<const std::string> words,
                                         absl::Span<const FlagRow> rows);

}  // namespace vakt

#endif  // VAKT_CLI_FLAGS_H_

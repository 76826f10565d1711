// SPDX-License-Identifier: Apache-2.0
#include "cli/flags.h"

#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "cli/time_text.h"
#include "common/alert/priority.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

std::string Quoted(std::string_view untrusted) { return StrCat("\"", EscapeUtf8(untrusted), "\""); }

absl::Status CheckChoice(const FlagRow& row, std::string_view value) {
  for (const absl::string_view choice : absl::StrSplit(ToAbsl(row.choices), '|')) {
    if (ToStd(choice) == value) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(StrCat(Quoted(value), " is none of ", row.choices));
}

absl::Status CheckCount(std::string_view value) {
  uint64_t count = 0;
  if (absl::SimpleAtoi(ToAbsl(value), &count) && count > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(StrCat(Quoted(value), " is no number from 1"));
}

absl::Status CheckPriority(std::string_view value) {
  if (ParsePriority(value).has_value()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat(Quoted(value), " is no priority: give emergency, alert, critical, error, warning, ",
             "notice, informational or debug"));
}

absl::Status CheckValue(const FlagRow& row, std::string_view value) {
  switch (row.type) {
    case FlagType::kSwitch:
      return absl::OkStatus();
    case FlagType::kText:
    case FlagType::kTexts:
    case FlagType::kPath:
    case FlagType::kPaths:
      if (!value.empty()) return absl::OkStatus();
      return absl::InvalidArgumentError("its value is empty");
    case FlagType::kCount:
      return CheckCount(value);
    case FlagType::kDuration:
      return ParseSpan(value).status();
    case FlagType::kMoment:
      return ParseMoment(value, absl::UnixEpoch()).status();
    case FlagType::kPriority:
      return CheckPriority(value);
    case FlagType::kChoice:
      return CheckChoice(row, value);
  }
  return absl::OkStatus();
}

bool IsFlag(std::string_view word) { return word.size() > 1 && word[0] == '-'; }

// Reads words from left to right.
class Parser {
 public:
  Parser(absl::Span<const std::string> words, absl::Span<const FlagRow> rows)
      : words_(words), rows_(rows) {}

  absl::StatusOr<Arguments> Parse() {
    while (next_ < words_.size()) {
      const std::string_view word = words_[next_++];
      if (word == "--") {
        while (next_ < words_.size()) arguments_.AddOperand(words_[next_++]);
      } else if (IsFlag(word)) {
        VAKT_RETURN_IF_ERROR(TakeFlag(word));
      } else {
        arguments_.AddOperand(word);
      }
    }
    return std::move(arguments_);
  }

 private:
  absl::Status TakeFlag(std::string_view word) {
    const size_t equals = word.find('=');
    const FlagRow* row = FindFlag(rows_, word.substr(0, equals));
    if (row == nullptr) {
      return absl::InvalidArgumentError(
          StrCat("unknown flag ", EscapeUtf8(word.substr(0, equals))));
    }
    std::optional<std::string_view> value;
    if (equals != std::string_view::npos) value = word.substr(equals + 1);
    if (row->type == FlagType::kSwitch) {
      if (!value.has_value()) return Take(*row, "");
      return absl::InvalidArgumentError(StrCat(row->name, " takes no value"));
    }
    if (!value.has_value() && next_ < words_.size()) value = words_[next_++];
    if (!value.has_value()) {
      return absl::InvalidArgumentError(
          StrCat(row->name, " needs a value: ", row->name, " ", FlagPlaceholder(*row)));
    }
    VAKT_RETURN_IF_ERROR(Take(*row, *value));
    while (row->type == FlagType::kPaths && next_ < words_.size() && !IsFlag(words_[next_])) {
      VAKT_RETURN_IF_ERROR(Take(*row, words_[next_++]));
    }
    return absl::OkStatus();
  }

  absl::Status Take(const FlagRow& row, std::string_view value) {
    if (const absl::Status status = CheckValue(row, value); !status.ok()) {
      return absl::InvalidArgumentError(StrCat(row.name, ": ", Message(status)));
    }
    arguments_.AddValue(row.name, value);
    return absl::OkStatus();
  }

  absl::Span<const std::string> words_;
  absl::Span<const FlagRow> rows_;
  size_t next_ = 0;
  Arguments arguments_;
};

}  // namespace

std::string_view FlagPlaceholder(const FlagRow& row) {
  switch (row.type) {
    case FlagType::kSwitch:
      return "";
    case FlagType::kText:
    case FlagType::kTexts:
      return "TEXT";
    case FlagType::kPath:
      return "PATH";
    case FlagType::kPaths:
      return "PATH...";
    case FlagType::kCount:
      return "N";
    case FlagType::kDuration:
      return "DURATION";
    case FlagType::kMoment:
      return "TIME";
    case FlagType::kPriority:
      return "PRIORITY";
    case FlagType::kChoice:
      return row.choices;
  }
  return "";
}

std::string Arguments::Text(std::string_view flag, std::string_view otherwise) const {
  const auto found = values_.find(flag);
  return found == values_.end() ? std::string(otherwise) : found->second.back();
}

std::vector<std::string> Arguments::Texts(std::string_view flag) const {
  const auto found = values_.find(flag);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

uint64_t Arguments::Count(std::string_view flag, uint64_t otherwise) const {
  uint64_t count = 0;
  return absl::SimpleAtoi(Text(flag), &count) ? count : otherwise;
}

absl::Duration Arguments::Duration(std::string_view flag, absl::Duration otherwise) const {
  return ParseSpan(Text(flag)).value_or(otherwise);
}

absl::Time Arguments::Moment(std::string_view flag, absl::Time now, absl::Time otherwise) const {
  return ParseMoment(Text(flag), now).value_or(otherwise);
}

std::string Arguments::Choice(const FlagRow& row) const {
  return Text(row.name, row.choices.substr(0, row.choices.find('|')));
}

void Arguments::AddValue(std::string_view flag, std::string_view value) {
  values_[std::string(flag)].emplace_back(value);
}

const FlagRow* FindFlag(absl::Span<const FlagRow> rows, std::string_view name) {
  for (const FlagRow& row : rows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

absl::StatusOr<Arguments> ParseArguments(absl::Span<const std::string> words,
                                         absl::Span<const FlagRow> rows) {
  return Parser(words, rows).Parse();
}

}  // namespace vakt

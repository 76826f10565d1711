// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/scanner.h"

#include "absl/strings/ascii.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\b' || c == '\r' || c == '\n'; }

bool IsWordCharacter(char c) { return absl::ascii_isalnum(c) || c == '_'; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool Scanner::at_blank() const { return !at_end() && IsBlank(text_[offset_]); }

bool Scanner::SkipBlanks() {
  const size_t begin = offset_;
  while (at_blank()) ++offset_;
  return offset_ != begin;
}

bool Scanner::Take(char c) {
  if (at_end() || text_[offset_] != c) return false;
  ++offset_;
  return true;
}

bool Scanner::Take(std::string_view literal) {
  if (!text_.substr(offset_).starts_with(literal)) return false;
  offset_ += literal.size();
  return true;
}

template <typename Predicate>
std::string_view Scanner::TakeWhile(Predicate predicate) {
  const size_t begin = offset_;
  while (!at_end() && predicate(text_[offset_])) ++offset_;
  return text_.substr(begin, offset_ - begin);
}

std::string_view Scanner::TakeWord() {
  if (!absl::ascii_isalpha(current())) return {};
  return TakeWhile(IsWordCharacter);
}

std::string_view Scanner::TakeFieldName() {
  const size_t begin = offset_;
  if (TakeWord().empty()) return {};
  while (current() == '.') {
    ++offset_;
    if (TakeWord().empty()) {
      --offset_;
      break;
    }
  }
  return text_.substr(begin, offset_ - begin);
}

std::string_view Scanner::TakeBareText() {
  return TakeWhile([](char c) {
    return !absl::ascii_isspace(c) && c != '(' && c != ')' && c != '"' && c != '\'' && c != '=' &&
           c != ',';
  });
}

// 0[xX][0-9a-fA-F]+ or [+-]?[0-9]+[.]?[0-9]*([eE][+-][0-9]+)?
std::string_view Scanner::TakeNumber() {
  const size_t begin = offset_;
  const auto digits = [this] { return !TakeWhile(absl::ascii_isdigit).empty(); };
  if (Take("0x") || Take("0X")) {
    if (!TakeWhile(absl::ascii_isxdigit).empty()) return text_.substr(begin, offset_ - begin);
    offset_ = begin;
  }
  if (current() == '+' || current() == '-') ++offset_;
  if (!digits()) {
    offset_ = begin;
    return {};
  }
  if (Take('.')) digits();
  const size_t exponent = offset_;
  const bool has_exponent = (Take('e') || Take('E')) && (Take('+') || Take('-')) && digits();
  if (!has_exponent) offset_ = exponent;
  return text_.substr(begin, offset_ - begin);
}

std::string_view Scanner::TakeBracketText() {
  return TakeWhile(
      [](char c) { return !IsBlank(c) && c != '[' && c != ']' && c != '"' && c != '\''; });
}

absl::StatusOr<std::string> Scanner::TakeQuoted() {
  const char quote = current();
  const size_t begin = offset_++;
  std::string result;
  while (!at_end()) {
    const char c = text_[offset_++];
    if (c == quote) return result;
    if (c == '\\') {
      VAKT_RETURN_IF_ERROR(TakeEscape(quote, &result));
    } else {
      result += c;
    }
  }
  offset_ = begin;
  return absl::InvalidArgumentError(
      StrCat("a string begins with ", std::string(1, quote), " and does not end; close it"));
}

// After the backslash.
absl::Status Scanner::TakeEscape(char quote, std::string* out) {
  static constexpr std::string_view kNames = "\\/nrtbf ";
  static constexpr std::string_view kBytes = "\\/\n\r\t\b\f\\";  // "\ " is an old form of "\\"
  const char c = current();
  if (at_end()) return absl::InvalidArgumentError("a string ends in a backslash");
  ++offset_;
  if (const size_t i = kNames.find(c); i != std::string_view::npos) {
    *out += kBytes[i];
    return absl::OkStatus();
  }
  if (c == quote) {
    *out += c;
    return absl::OkStatus();
  }
  if (c == 'x' && offset_ + 2 <= text_.size()) {
    const int high = HexDigit(text_[offset_]);
    const int low = HexDigit(text_[offset_ + 1]);
    if (high >= 0 && low >= 0) {
      *out += static_cast<char>(high * 16 + low);
      offset_ += 2;
      return absl::OkStatus();
    }
  }
  --offset_;
  return absl::InvalidArgumentError(
      StrCat("\\", std::string(1, c), " is no escape; write \\\\ for a backslash"));
}

}  // namespace vakt

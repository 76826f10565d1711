// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/literal.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <re2/re2.h>

#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

// A pattern's text, and RE2's memory for its program and for its state cache. RE2 falls back to a
// slower matcher when the cache is full, so a tight bound costs time and never correctness.
constexpr size_t kMaxRegexBytes = 4096;
constexpr int64_t kMaxRegexMemoryBytes = 2 << 20;

absl::Status NotA(std::string_view text, std::string_view what) {
  return absl::InvalidArgumentError(StrCat("'", text, "' is no ", what));
}

// Decimal, hexadecimal, or with a fraction or exponent as long as the value is whole.
bool ParseNumber(std::string_view text, Literal* literal) {
  literal->tag = Value::Tag::kUint;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    return absl::SimpleHexAtoi(ToAbsl(text), &literal->uint_value);
  }
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  if (absl::SimpleAtoi(ToAbsl(text), &literal->uint_value)) return true;
  if (absl::SimpleAtoi(ToAbsl(text), &literal->int_value)) {
    literal->tag = Value::Tag::kInt;
    return true;
  }
  double number = 0;
  constexpr double kExact = 9007199254740992.0;  // 2^53: whole numbers up to here are exact
  if (text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) return false;
  if (!absl::SimpleAtod(ToAbsl(text), &number) || std::trunc(number) != number) return false;
  if (std::abs(number) > kExact) return false;
  literal->tag = Value::Tag::kInt;
  literal->int_value = static_cast<int64_t>(number);
  return true;
}

absl::Status MakeNumber(FieldType type, Literal* literal) {
  if (!ParseNumber(literal->text, literal)) return NotA(literal->text, "whole number");
  const bool negative = literal->tag == Value::Tag::kInt && literal->int_value < 0;
  if (negative && type == FieldType::kUint) {
    return absl::InvalidArgumentError(StrCat(literal->text, " is negative and the field never is"));
  }
  return absl::OkStatus();
}

// Finite; decimal or hexadecimal.
absl::Status MakeDouble(Literal* literal) {
  uint64_t whole = 0;
  const std::string& text = literal->text;
  literal->tag = Value::Tag::kDouble;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    if (!absl::SimpleHexAtoi(text, &whole)) return NotA(text, "number");
    literal->double_value = static_cast<double>(whole);
    return absl::OkStatus();
  }
  if (text.find_first_not_of("0123456789+-.eE") == std::string::npos &&
      absl::SimpleAtod(text, &literal->double_value) && std::isfinite(literal->double_value)) {
    literal->double_value += 0.0;  // -0 is 0
    return absl::OkStatus();
  }
  return NotA(text, "number");
}

absl::Status MakePort(Literal* literal) {
  if (ParseNumber(literal->text, literal)) {
    if (literal->tag == Value::Tag::kUint && literal->uint_value <= 65535) return absl::OkStatus();
    return NotA(literal->text, "port: ports go from 0 to 65535");
  }
  servent entry;
  servent* found = nullptr;
  char buffer[1024];
  if (getservbyname_r(literal->text.c_str(), nullptr, &entry, buffer, sizeof(buffer), &found) ==
          0 &&
      found != nullptr) {
    literal->tag = Value::Tag::kUint;
    literal->uint_value = ntohs(static_cast<uint16_t>(found->s_port));
    return absl::OkStatus();
  }
  return NotA(literal->text, "port and no service name of /etc/services");
}

absl::Status MakeBool(Literal* literal) {
  literal->tag = Value::Tag::kBool;
  literal->bool_value = literal->text == "true";
  if (literal->bool_value || literal->text == "false") return absl::OkStatus();
  return NotA(literal->text, "truth value: write true or false");
}

absl::Status ParseIp(const std::string& text, IpAddress* ip) {
  ip->ipv6 = text.find(':') != std::string::npos;
  if (inet_pton(ip->ipv6 ? AF_INET6 : AF_INET, text.c_str(), ip->bytes.data()) == 1) {
    return absl::OkStatus();
  }
  return NotA(text, "IP address");
}

absl::Status MakeBlock(Literal* literal) {
  literal->tag = Value::Tag::kIp;
  const size_t slash = literal->text.find('/');
  if (slash == std::string::npos) {
    return NotA(literal->text, "network: write address/bits, for example 10.0.0.0/8");
  }
  VAKT_RETURN_IF_ERROR(ParseIp(literal->text.substr(0, slash), &literal->ip));
  const int most = literal->ip.ipv6 ? 128 : 32;
  const std::string_view bits = std::string_view(literal->text).substr(slash + 1);
  if (absl::SimpleAtoi(ToAbsl(bits), &literal->prefix_bits) && literal->prefix_bits >= 0 &&
      literal->prefix_bits <= most) {
    return absl::OkStatus();
  }
  return NotA(literal->text, StrCat("network: the bits go from 0 to ", most));
}

absl::Status MakeHexBytes(Literal* literal) {
  for (const char c : literal->text) {
    if (!absl::ascii_isxdigit(c)) return NotA(literal->text, "hexadecimal text");
  }
  if (literal->text.empty() || literal->text.size() % 2 != 0) {
    return NotA(literal->text, "hexadecimal text of whole bytes: two digits each");
  }
  literal->text = absl::HexStringToBytes(literal->text);
  return absl::OkStatus();
}

absl::Status MakeRegex(Literal* literal) {
  if (literal->text.size() > kMaxRegexBytes) {
    return absl::InvalidArgumentError(StrCat("a regular expression of ", literal->text.size(),
                                             " bytes; at most ", kMaxRegexBytes));
  }
  // Values are bytes that an attacker chooses: as Latin-1 with dot_nl, '.' matches each of them, so
  // that neither a newline nor invalid UTF-8 hides a value from a pattern.
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_dot_nl(true);
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_max_mem(kMaxRegexMemoryBytes);
  auto regex = std::make_shared<re2::RE2>(literal->text, options);
  if (!regex->ok()) {
    return absl::InvalidArgumentError(
        StrCat("'", literal->text, "' is no regular expression (RE2): ", regex->error()));
  }
  literal->regex = std::move(regex);
  return absl::OkStatus();
}

absl::Status MakeText(const OperatorRow& op, FieldType type, Literal* literal) {
  if (op.hex) return MakeHexBytes(literal);
  if (type == FieldType::kString && literal->text.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("a value with a NUL byte never occurs in a string");
  }
  return op.op == Operator::kRegex ? MakeRegex(literal) : absl::OkStatus();
}

absl::Status Convert(const OperatorRow& op, FieldType type, Literal* literal) {
  switch (type) {
    case FieldType::kString:
    case FieldType::kBytes:
      return MakeText(op, type, literal);
    case FieldType::kInt:
    case FieldType::kUint:
    case FieldType::kAbsTime:
    case FieldType::kRelTime:
      return MakeNumber(type, literal);
    case FieldType::kDouble:
      return MakeDouble(literal);
    case FieldType::kPort:
      return MakePort(literal);
    case FieldType::kBool:
      return MakeBool(literal);
    case FieldType::kIp:
      literal->tag = Value::Tag::kIp;
      return ParseIp(literal->text, &literal->ip);
    case FieldType::kNet:
      return MakeBlock(literal);
  }
  return absl::InternalError("a field type without literals");
}

}  // namespace

absl::StatusOr<Literal> MakeLiteral(const OperatorRow& op, FieldType type, std::string_view text) {
  Literal literal;
  literal.text = std::string(text);
  VAKT_RETURN_IF_ERROR(Convert(op, type, &literal));
  return literal;
}

}  // namespace vakt

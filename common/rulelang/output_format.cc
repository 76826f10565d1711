// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/output_format.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/event/event_params.h"
#include "common/rulelang/bind_operand.h"
#include "common/rulelang/parser.h"

namespace vakt {
namespace {

constexpr std::string_view kNull = "<NA>";
constexpr int kMaxWidth = 4096;

// Whether the name is that of a field as it stands: one that needs an argument has it after a dot.
bool NamesField(std::string_view name) {
  FieldArg arg;
  const FieldRow* field = ResolveField(name, &arg);
  if (field == nullptr) return false;
  return arg.present ? IsEventParam(arg.text) : field->arg != ArgRule::kRequired;
}

// Drops the end of a name that is no field, so that "%proc.name_%proc.pid" is the field proc.name
// and the text "_", and "%proc.name.exe" the same field and the text ".exe". Returns how many bytes
// were dropped.
size_t ShortenToField(AstOperand* ast) {
  if (ast->kind != AstOperand::Kind::kField || ast->arg.present) return 0;
  const size_t whole = ast->name.size();
  for (size_t size = whole; size > 0; --size) {
    const std::string_view name = std::string_view(ast->name).substr(0, size);
    if (NamesField(name)) {
      ast->name.resize(size);
      return whole - size;
    }
    if (FindField(name) != nullptr) return 0;  // it needs an argument
  }
  return 0;
}

// "<10>" in front of a field.
absl::Status TakeWidth(std::string_view* text, int* width) {
  if (text->empty() || text->front() != '<') return absl::OkStatus();
  const size_t end = text->find('>');
  if (end == std::string_view::npos || !absl::SimpleAtoi(ToAbsl(text->substr(1, end - 1)), width) ||
      *width < 0 || *width > kMaxWidth) {
    return absl::InvalidArgumentError(
        StrCat("a width is written %<N>field with N up to ", kMaxWidth));
  }
  text->remove_prefix(end + 1);
  return absl::OkStatus();
}

// The token that `text` begins with, behind its '%'.
absl::Status TakeToken(std::string_view* text, const StaticFields& statics,
                       OutputFormat::Token* token) {
  VAKT_RETURN_IF_ERROR(TakeWidth(text, &token->width));
  size_t consumed = 0;
  absl::StatusOr<AstOperand> ast = ParseOperandPrefix(*text, &consumed);
  if (!ast.ok()) {
    return absl::InvalidArgumentError(StrCat("behind a '%': ", Message(ast.status())));
  }
  if (const std::string_view name = StaticFieldIn(statics, ast->name); !name.empty()) {
    consumed -= ast->name.size() - name.size();
    ast->name = std::string(name);
  }
  if (PutInStatics(statics, &*ast)) consumed -= ShortenToField(&*ast);
  VAKT_ASSIGN_OR_RETURN(token->operand, BindOperand(*ast, OperandUse::kOutput));
  token->name = std::string(text->substr(0, consumed));
  text->remove_prefix(consumed);
  return absl::OkStatus();
}

std::string IpText(const IpAddress& ip) {
  char buffer[INET6_ADDRSTRLEN];
  return inet_ntop(ip.ipv6 ? AF_INET6 : AF_INET, ip.bytes.data(), buffer, sizeof(buffer));
}

// Cut first and escaped then, so that no escape is cut.
std::string Padded(std::string text, int width) {
  const auto size = static_cast<size_t>(width);
  if (size == 0) return EscapeUtf8(text);
  if (text.size() > size) text.resize(size);
  text = EscapeUtf8(text);
  if (text.size() < size) text.append(size - text.size(), ' ');
  return text;
}

}  // namespace

absl::StatusOr<OutputFormat> OutputFormat::Parse(std::string_view text,
                                                 const StaticFields& statics) {
  OutputFormat format;
  while (!text.empty()) {
    const size_t percent = std::min(text.find('%'), text.size());
    if (percent > 0) {
      Token literal;
      literal.literal = std::string(text.substr(0, percent));
      format.tokens_.push_back(std::move(literal));
      text.remove_prefix(percent);
      continue;
    }
    text.remove_prefix(1);
    Token token;
    VAKT_RETURN_IF_ERROR(TakeToken(&text, statics, &token));
    format.tokens_.push_back(std::move(token));
  }
  return format;
}

std::string OutputFormat::Render(const Event& event, Extractor& scratch) const {
  std::string result;
  std::string joined;
  for (const Token& token : tokens_) {
    if (token.is_literal()) {
      result += EscapeUtf8(token.literal);
      continue;
    }
    scratch.Reset();
    ExtractOperand(token.operand, event, scratch);
    joined = scratch.values().empty() ? kNull : std::string_view();
    for (size_t i = 0; i < scratch.values().size(); ++i) {
      if (i > 0) joined += ' ';
      joined += ValueText(scratch.values()[i]);
    }
    result += Padded(joined, token.width);
  }
  return result;
}

std::string ValueText(const Value& value) {
  switch (value.tag) {
    case Value::Tag::kNull:
      return std::string(kNull);
    case Value::Tag::kString:
      return std::string(value.string);
    case Value::Tag::kInt:
      return StrCat(value.int_value);
    case Value::Tag::kUint:
      return StrCat(value.uint_value);
    case Value::Tag::kDouble:
      return StrCat(value.double_value);
    case Value::Tag::kBool:
      return value.bool_value ? "true" : "false";
    case Value::Tag::kIp:
      return IpText(value.ip);
  }
  return std::string(kNull);
}

}  // namespace vakt

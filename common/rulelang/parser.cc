// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/parser.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/rulelang/scanner.h"
#include "common/rulelang/transformers.h"

namespace vakt {
namespace {

constexpr std::string_view kVal = "val";

absl::Status Expected(std::string_view what) {
  return absl::InvalidArgumentError(StrCat("expected ", what));
}

Quantifier FindQuantifier(std::string_view word) {
  for (Quantifier q : {Quantifier::kOneOf, Quantifier::kAnyOf, Quantifier::kAllOf}) {
    if (QuantifierName(q) == word) return q;
  }
  return Quantifier::kNone;
}

bool IsKeyword(std::string_view word) { return word == "and" || word == "or" || word == "not"; }

// One production, one method; each leaves the scanner behind what it took, or at the error.
class Parser {
 public:
  Parser(std::string_view text, const SourceText* source) : scan_(text), source_(source) {}

  size_t offset() const { return scan_.offset(); }

  absl::StatusOr<std::unique_ptr<Ast>> Condition() {
    VAKT_ASSIGN_OR_RETURN(std::unique_ptr<Ast> ast, Or());
    scan_.SkipBlanks();
    if (!scan_.at_end()) return Expected("'and', 'or' or the end of the condition");
    return ast;
  }

  absl::StatusOr<AstOperand> FieldOrCall() {
    const size_t begin = scan_.offset();
    AstOperand operand;
    operand.position = Position();
    operand.name = std::string(scan_.TakeFieldName());
    if (operand.name.empty()) return Expected("a field, such as proc.name");
    if (scan_.current() == '(' && FindTransformer(operand.name) != nullptr) {
      return Call(std::move(operand));
    }
    if (operand.name.find('.') == std::string::npos) {
      scan_.set_offset(begin);
      return absl::InvalidArgumentError(
          StrCat("'", operand.name, "' is neither a field nor a transformer"));
    }
    VAKT_RETURN_IF_ERROR(BracketArg(&operand.arg));
    return operand;
  }

 private:
  // Counts nesting while it lives.
  class Depth {
   public:
    explicit Depth(int* depth) : depth_(depth) { ++*depth_; }
    ~Depth() { --*depth_; }
    Depth(const Depth&) = delete;
    absl::Status status() const {
      if (*depth_ <= kMaxNesting) return absl::OkStatus();
      return absl::InvalidArgumentError(
          StrCat("nested more than ", kMaxNesting, " deep; split it into macros"));
    }

   private:
    int* depth_;
  };

  SourcePosition Position() const {
    return source_ == nullptr ? SourcePosition{} : source_->PositionOf(scan_.offset());
  }

  absl::StatusOr<std::unique_ptr<Ast>> Or() { return Chain(Ast::Kind::kOr, "or", &Parser::And); }
  absl::StatusOr<std::unique_ptr<Ast>> And() { return Chain(Ast::Kind::kAnd, "and", &Parser::Not); }

  // part ( word part )*; a blank or a parenthesis follows the word.
  absl::StatusOr<std::unique_ptr<Ast>> Chain(
      Ast::Kind kind, std::string_view word,
      absl::StatusOr<std::unique_ptr<Ast>> (Parser::*part)()) {
    VAKT_ASSIGN_OR_RETURN(std::unique_ptr<Ast> first, (this->*part)());
    std::unique_ptr<Ast> chain;
    scan_.SkipBlanks();
    while (scan_.Take(word)) {
      if (!scan_.at_blank() && scan_.current() != '(') {
        return Expected(StrCat("a blank after '", word, "'"));
      }
      // `or(b) and c` is an error: directly behind the word stands one parenthesis and no more.
      VAKT_ASSIGN_OR_RETURN(std::unique_ptr<Ast> next,
                            scan_.current() == '(' ? Primary() : (this->*part)());
      if (chain == nullptr) {
        chain = std::make_unique<Ast>();
        chain->kind = kind;
        chain->position = first->position;
        chain->children.push_back(std::move(first));
      }
      chain->children.push_back(std::move(next));
      scan_.SkipBlanks();
    }
    return chain != nullptr ? std::move(chain) : std::move(first);
  }

  absl::StatusOr<std::unique_ptr<Ast>> Not() {
    scan_.SkipBlanks();
    const SourcePosition position = Position();
    bool negated = false;
    for (;;) {
      const size_t begin = scan_.offset();
      if (!scan_.Take("not")) break;
      if (!scan_.at_blank() && scan_.current() != '(') {
        scan_.set_offset(begin);  // a name that begins with "not"
        break;
      }
      negated = !negated;
      scan_.SkipBlanks();
    }
    VAKT_ASSIGN_OR_RETURN(std::unique_ptr<Ast> inner, Primary());
    if (!negated) return inner;
    auto ast = std::make_unique<Ast>();
    ast->kind = Ast::Kind::kNot;
    ast->position = position;
    ast->children.push_back(std::move(inner));
    return ast;
  }

  absl::StatusOr<std::unique_ptr<Ast>> Primary() {
    scan_.SkipBlanks();
    if (scan_.Take('(')) {
      Depth depth(&depth_);
      VAKT_RETURN_IF_ERROR(depth.status());
      VAKT_ASSIGN_OR_RETURN(std::unique_ptr<Ast> inner, Or());
      scan_.SkipBlanks();
      if (!scan_.Take(')')) return Expected("')', 'and' or 'or'");
      return inner;
    }
    auto ast = std::make_unique<Ast>();
    ast->position = Position();
    const size_t begin = scan_.offset();
    const std::string name(scan_.TakeFieldName());
    if (name.empty()) return Expected("a field, a macro, 'not' or '('");
    if (name.find('.') == std::string::npos &&
        !(scan_.current() == '(' && FindTransformer(name) != nullptr)) {
      if (scan_.current() == '(') return UnknownCall(name, begin);
      ast->kind = Ast::Kind::kMacro;
      ast->macro = name;
      return ast;
    }
    scan_.set_offset(begin);
    ast->check = std::make_unique<AstCheck>();
    VAKT_ASSIGN_OR_RETURN(ast->check->left, FieldOrCall());
    VAKT_RETURN_IF_ERROR(Comparison(ast->check.get()));
    return ast;
  }

  absl::Status UnknownCall(std::string_view name, size_t begin) {
    scan_.set_offset(begin);
    if (name == kVal) {
      return absl::InvalidArgumentError("val() may stand only to the right of an operator");
    }
    return absl::InvalidArgumentError(StrCat("'", name, "' is no transformer"));
  }

  absl::Status Comparison(AstCheck* check) {
    scan_.SkipBlanks();
    check->op = TakeOperator();
    if (check->op == nullptr) return Expected("an operator, such as '=' or 'in'");
    if (check->op->shape == Shape::kNothing) return absl::OkStatus();
    const bool blank = scan_.SkipBlanks();
    if (check->op->is_word && !blank && scan_.current() != '(') {
      return Expected(StrCat("a blank after '", check->op->name, "'"));
    }
    if (check->op->shape == Shape::kText && blank) check->quantifier = TakeQuantifier();
    if (check->op->shape == Shape::kList || check->quantifier != Quantifier::kNone) {
      return ListValue(check);
    }
    return ScalarValue(check);
  }

  // The longest spelling that stands here.
  const OperatorRow* TakeOperator() {
    const OperatorRow* best = nullptr;
    std::string_view spelling;
    const size_t begin = scan_.offset();
    for (const OperatorRow& row : AllOperators()) {
      for (std::string_view name : {row.name, row.alias}) {
        if (name.size() <= spelling.size() || !scan_.Take(name)) continue;
        scan_.set_offset(begin);
        best = &row;
        spelling = name;
      }
    }
    scan_.set_offset(begin + spelling.size());
    return best;
  }

  // `oneof` and the like are quantifiers only when a blank and then a list follow.
  Quantifier TakeQuantifier() {
    const size_t begin = scan_.offset();
    const Quantifier quantifier = FindQuantifier(scan_.TakeWord());
    if (quantifier != Quantifier::kNone && scan_.SkipBlanks()) {
      const size_t list = scan_.offset();
      if (scan_.current() == '(') return quantifier;
      const std::string_view word = scan_.TakeWord();
      scan_.set_offset(list);
      if (!word.empty() && !IsKeyword(word)) return quantifier;
    }
    scan_.set_offset(begin);
    return Quantifier::kNone;
  }

  absl::Status ScalarValue(AstCheck* check) {
    if (AtCall()) return RightOperand(check);
    AstValue value;
    if (check->op->shape == Shape::kNumber) {
      VAKT_RETURN_IF_ERROR(NumberValue(&value));
    } else {
      VAKT_RETURN_IF_ERROR(OneValue(&value));
    }
    check->values.push_back(std::move(value));
    return absl::OkStatus();
  }

  absl::Status ListValue(AstCheck* check) {
    if (!scan_.Take('(')) {
      if (check->quantifier == Quantifier::kNone && AtCall()) return RightOperand(check);
      if (scan_.at_quote()) return Expected("'(' or the name of a list");
      AstValue name;
      VAKT_RETURN_IF_ERROR(OneValue(&name));
      check->bare_list = check->quantifier == Quantifier::kNone;
      check->values.push_back(std::move(name));
      return absl::OkStatus();
    }
    scan_.SkipBlanks();
    if (scan_.Take(')')) return absl::OkStatus();
    for (;;) {
      scan_.SkipBlanks();
      AstValue value;
      VAKT_RETURN_IF_ERROR(OneValue(&value));
      check->values.push_back(std::move(value));
      scan_.SkipBlanks();
      if (scan_.Take(')')) return absl::OkStatus();
      if (!scan_.Take(',')) return Expected("',' or ')' in the list");
    }
  }

  // A number, or the name of a list of one.
  absl::Status NumberValue(AstValue* value) {
    value->position = Position();
    value->text = std::string(scan_.TakeNumber());
    if (!value->text.empty()) return absl::OkStatus();
    value->text = std::string(scan_.TakeBareText());
    return value->text.empty() ? Expected("a number") : absl::OkStatus();
  }

  absl::Status OneValue(AstValue* value) {
    value->position = Position();
    if (scan_.at_quote()) {
      value->quoted = true;
      VAKT_ASSIGN_OR_RETURN(value->text, scan_.TakeQuoted());
      return absl::OkStatus();
    }
    value->text = std::string(scan_.TakeBareText());
    if (value->text.empty()) return Expected("a value");
    return absl::OkStatus();
  }

  // A transformer's name or `val`, with '(' right behind it.
  bool AtCall() {
    const size_t begin = scan_.offset();
    const std::string_view word = scan_.TakeWord();
    const bool call = scan_.current() == '(' && (word == kVal || FindTransformer(word) != nullptr);
    scan_.set_offset(begin);
    return call;
  }

  absl::Status RightOperand(AstCheck* check) {
    if (!scan_.Take("val(")) {
      VAKT_ASSIGN_OR_RETURN(check->right, FieldOrCall());
      return absl::OkStatus();
    }
    scan_.SkipBlanks();
    VAKT_ASSIGN_OR_RETURN(check->right, FieldOrCall());
    if (check->right->kind != AstOperand::Kind::kField) return Expected("a field in val()");
    scan_.SkipBlanks();
    if (!scan_.Take(')')) return Expected("')' after the field in val()");
    return absl::OkStatus();
  }

  // The arguments of a call whose name has been taken.
  absl::StatusOr<AstOperand> Call(AstOperand call) {
    Depth depth(&depth_);
    VAKT_RETURN_IF_ERROR(depth.status());
    call.kind = AstOperand::Kind::kCall;
    scan_.Take('(');
    VAKT_RETURN_IF_ERROR(Arguments(&call, /*in_list=*/false));
    VAKT_RETURN_IF_ERROR(BracketArg(&call.arg));
    return call;
  }

  // Up to and with the closing parenthesis.
  absl::Status Arguments(AstOperand* owner, bool in_list) {
    scan_.SkipBlanks();
    if (in_list && scan_.Take(')')) return absl::OkStatus();
    for (;;) {
      scan_.SkipBlanks();
      AstOperand part;
      VAKT_RETURN_IF_ERROR(Argument(&part, in_list));
      owner->parts.push_back(std::move(part));
      scan_.SkipBlanks();
      if (scan_.Take(')')) return absl::OkStatus();
      if (!scan_.Take(',')) return Expected("',' or ')' after the argument");
    }
  }

  absl::Status Argument(AstOperand* part, bool in_list) {
    part->position = Position();
    part->kind = AstOperand::Kind::kText;
    if (scan_.at_quote()) {
      VAKT_ASSIGN_OR_RETURN(part->name, scan_.TakeQuoted());
      return absl::OkStatus();
    }
    if (!in_list && scan_.Take('(')) {
      part->kind = AstOperand::Kind::kList;
      return Arguments(part, /*in_list=*/true);
    }
    const char c = scan_.current();
    if ((c >= '0' && c <= '9') || c == '+' || c == '-') {
      part->name = std::string(scan_.TakeBareText());
      return absl::OkStatus();
    }
    VAKT_ASSIGN_OR_RETURN(*part, FieldOrCall());
    return absl::OkStatus();
  }

  absl::Status BracketArg(FieldArg* arg) {
    if (!scan_.Take('[')) return absl::OkStatus();
    arg->present = true;
    if (scan_.at_quote()) {
      VAKT_ASSIGN_OR_RETURN(arg->text, scan_.TakeQuoted());
    } else {
      arg->text = std::string(scan_.TakeBracketText());
      if (arg->text.empty()) return Expected("an argument in the brackets");
    }
    if (!absl::SimpleAtoi(arg->text, &arg->index)) arg->index = -1;
    if (!scan_.Take(']')) return Expected("']' (quote an argument that has blanks or brackets)");
    return absl::OkStatus();
  }

  Scanner scan_;
  const SourceText* source_;
  int depth_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Ast>> ParseCondition(const SourceText& source,
                                                    SourcePosition* error_position) {
  Parser parser(source.text(), &source);
  absl::StatusOr<std::unique_ptr<Ast>> ast = parser.Condition();
  if (!ast.ok() && error_position != nullptr) *error_position = source.PositionOf(parser.offset());
  return ast;
}

absl::StatusOr<AstOperand> ParseOperandPrefix(std::string_view text, size_t* consumed) {
  Parser parser(text, nullptr);
  absl::StatusOr<AstOperand> operand = parser.FieldOrCall();
  *consumed = parser.offset();
  return operand;
}

absl::StatusOr<AstOperand> ParseOperand(std::string_view text) {
  size_t consumed = 0;
  VAKT_ASSIGN_OR_RETURN(AstOperand operand, ParseOperandPrefix(text, &consumed));
  if (consumed == text.size()) return operand;
  return absl::InvalidArgumentError(StrCat("'", text, "' is no field"));
}

std::optional<std::string> Unquote(std::string_view quoted) {
  Scanner scan(quoted);
  if (!scan.at_quote()) return std::nullopt;
  absl::StatusOr<std::string> text = scan.TakeQuoted();
  if (!text.ok() || !scan.at_end()) return std::nullopt;
  return *std::move(text);
}

std::string Quote(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      result += "\\x";
      result += kHex[byte >> 4];
      result += kHex[byte & 15];
    } else {
      result += c;
    }
  }
  return result + "\"";
}

}  // namespace vakt

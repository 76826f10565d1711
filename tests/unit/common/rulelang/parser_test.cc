// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

using testing::HasSubstr;

std::string ToText(const AstOperand& operand) {
  std::string text = operand.kind == AstOperand::Kind::kText ? Quote(operand.name) : operand.name;
  if (!operand.parts.empty() || operand.kind == AstOperand::Kind::kCall) {
    text += "(";
    for (const AstOperand& part : operand.parts) text += ToText(part) + ",";
    text.back() = ')';
  }
  if (operand.arg.present) text += StrCat("[", operand.arg.text, "]");
  return text;
}

// A tree as a fully parenthesised text.
std::string ToText(const Ast& ast) {
  if (ast.kind == Ast::Kind::kMacro) return ast.macro;
  if (ast.kind == Ast::Kind::kNot) return StrCat("!", ToText(*ast.children[0]));
  std::string text = "(";
  if (ast.kind == Ast::Kind::kCheck) {
    text += StrCat(ToText(ast.check->left), " ", ast.check->op->name);
    if (ast.check->quantifier != Quantifier::kNone) {
      text += StrCat(" ", QuantifierName(ast.check->quantifier));
    }
    for (const AstValue& value : ast.check->values) {
      text += StrCat(" ", value.quoted ? Quote(value.text) : value.text);
    }
    if (ast.check->right.has_value()) text += StrCat(" <", ToText(*ast.check->right), ">");
    return text + ")";
  }
  for (size_t i = 0; i < ast.children.size(); ++i) {
    text += StrCat(i > 0 ? (ast.kind == Ast::Kind::kAnd ? " & " : " | ") : "",
                   ToText(*ast.children[i]));
  }
  return text + ")";
}

std::string Parse(std::string_view text) {
  auto ast = ParseCondition(SourceText(std::string(text), {1, 1}), nullptr);
  return ast.ok() ? ToText(**ast) : StrCat("error: ", Message(ast.status()));
}

struct Case {
  std::string_view text;
  std::string_view tree;
};

TEST(ParserTest, ReadsWhatTheLanguageAllows) {
  constexpr Case kCases[] = {
      {"a", "a"},
      {"a and b or c", "((a & b) | c)"},
      {"a or(b) or c", "(a | b | c)"},
      {"a.b > 5and c", "((a.b > 5) & c)"},
      {"a or b and c", "(a | (b & c))"},
      {"(a)and(b)", "(a & b)"},
      {"a and(b or c)", "(a & (b | c))"},
      {"not a", "!a"},
      {"not not a", "a"},
      {"not(not(a))", "!!a"},
      {"notz", "notz"},
      {"not_x and or_y", "(not_x & or_y)"},
      {"a.b = not", "(a.b = not)"},
      {"a.b=1", "(a.b = 1)"},
      {"fd.name=*.log", "(fd.name = *.log)"},
      {"a.b == x", "(a.b = x)"},
      {"a.b != 'x y'", "(a.b != \"x y\")"},
      {"a.b exists", "(a.b exists)"},
      {"a.b existsand m", "((a.b exists) & m)"},
      {"a.b >= -1 and a.b<0x1F", "((a.b >= -1) & (a.b < 0x1F))"},
      {"a.b in (x, \"y z\", w)", "(a.b in x \"y z\" w)"},
      {"a.b in(x)", "(a.b in x)"},
      {"a.b in ()", "(a.b in)"},
      {"a.b in ( )", "(a.b in)"},
      {"a.b in list", "(a.b in list)"},
      {"a.b intersects (x)", "(a.b intersects x)"},
      {"a.b contains x", "(a.b contains x)"},
      {"a.b contains oneof", "(a.b contains oneof)"},
      {"a.b contains oneof (x, y)", "(a.b contains oneof x y)"},
      {"a.b = oneof and c", "((a.b = oneof) & c)"},
      {"a.b = oneof_x", "(a.b = oneof_x)"},
      {"a.b = 'oneof'", "(a.b = \"oneof\")"},
      {"a.b != allof my_list", "(a.b != allof my_list)"},
      {"a.b[1] = x", "(a.b[1] = x)"},
      {"a.b[/proc*] = x", "(a.b[/proc*] = x)"},
      {"a.b['x y'] = x", "(a.b[x y] = x)"},
      {"tolower(a.b) = x", "(tolower(a.b) = x)"},
      {"a.b = val(c.d)", "(a.b = <c.d>)"},
      {"a.b = toupper(tolower(c.d))", "(a.b = <toupper(tolower(c.d))>)"},
      {"concat(a.b, \"/\", c.d) = x", "(concat(a.b,\"/\",c.d) = x)"},
      {"join(\"-\", (a.b, c.d)) = x", "(join(\"-\",(a.b,c.d)) = x)"},
      {"a.b = len", "(a.b = len)"},
      {"a.b in val(c.d)", "(a.b in <c.d>)"},
      {"a.b = proc.name", "(a.b = proc.name)"},
      {"a.b = x\\", "(a.b = x\\)"},
      {"(a.b contains \"\\\\x\\n\\\"\\ \")", "(a.b contains \"\\\\x\\x0a\\\"\\\\\")"},
      {"a.b = '\\'\\x41'", "(a.b = \"'A\")"},
      {"  a\n\tand\r\n b ", "(a & b)"},
  };
  for (const Case& c : kCases) EXPECT_EQ(Parse(c.text), c.tree) << c.text;
}

TEST(ParserTest, RefusesWhatItDoesNot) {
  constexpr std::string_view kCases[] = {"",
                                         "a b",
                                         "a andb",
                                         "a orb",
                                         "aor b",
                                         "a andnot b",
                                         "(a",
                                         "a)",
                                         "a and",
                                         "and and",
                                         "a.b",
                                         "a.b =",
                                         "a.b in x y",
                                         "a.b in (x,)",
                                         "a.b in (x y)",
                                         "a.b = (x)",
                                         "a.b > oneof (1)",
                                         "a.b == oneof(cat)",
                                         "a.b ==oneof (cat)",
                                         "a.b in oneof (cat)",
                                         "a.b = ONEOF (x)",
                                         "a.b containsx",
                                         "val(a.b) = x",
                                         "nosuch(a.b) = x",
                                         "a.b = 'x",
                                         "a.b = \"\\q\"",
                                         "a.b[ 1] = x",
                                         "a.b[1 = x",
                                         "a.b > \"1\"",
                                         "len (a.b) > 1",
                                         "a.b = val(len(a.b))",
                                         "# comment"};
  for (std::string_view text : kCases) EXPECT_THAT(Parse(text), HasSubstr("error: ")) << text;
}

TEST(ParserTest, BoundsNesting) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '(') + "a" +
           std::string(static_cast<size_t>(depth), ')');
  };
  EXPECT_EQ(Parse(nested(kMaxNesting)), "a");
  EXPECT_THAT(Parse(nested(kMaxNesting + 1)), HasSubstr("nested more than 1000 deep"));
  EXPECT_THAT(Parse(std::string(200000, '(')), HasSubstr("nested more than 1000 deep"));
  std::string calls = "a.b = ";
  for (int i = 0; i < 100000; ++i) calls += "tolower(";
  EXPECT_THAT(Parse(calls), HasSubstr("nested more than 1000 deep"));
}

TEST(ParserTest, SaysWhere) {
  SourcePosition position;
  SourceText source("a and b.c", {3, 7});
  EXPECT_FALSE(ParseCondition(source, &position).ok());
  EXPECT_EQ(position.line, 3);
}

TEST(ParserTest, QuoteAndUnquoteAreInverse) {
  for (std::string_view text : {"", "a b", "\"", "\\", "a\nb\x7f", "\xff"}) {
    EXPECT_EQ(Unquote(Quote(text)), text);
  }
  EXPECT_EQ(Unquote("x"), std::nullopt);
  EXPECT_EQ(Unquote("\"a\" b"), std::nullopt);
}

}  // namespace
}  // namespace vakt

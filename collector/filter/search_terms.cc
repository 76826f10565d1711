// SPDX-License-Identifier: Apache-2.0
#include "collector/filter/search_terms.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "absl/strings/str_join.h"
#include "collector/filter/alert_fields.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

// Fields that are looked up by their exact value.
constexpr std::string_view kIndexed[] = {
    "alert.address", "alert.container", "alert.control",   "alert.image", "alert.namespace",
    "alert.pod",     "alert.process",   "alert.technique", "alert.user",  "alert.workload"};

// A text can have thousands; what is beyond is not indexed and not needed for a match.
constexpr size_t kMaxTerms = 64;

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
}

// FNV-1a, 64 bits: the same in every build.
uint64_t HashOf(std::string_view text, uint64_t hash) {
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

// "x" and 16 hexadecimal digits. A word that looks like one finds too much, which is allowed.
std::string KeyTerm(std::string_view field, std::string_view value) {
  const uint64_t hash = HashOf(value, HashOf(field, 0xcbf29ce484222325) ^ 0xff);
  return StrCat("x", absl::Hex(hash, absl::kZeroPad16));
}

bool IsIndexed(std::string_view field) {
  return std::find(std::begin(kIndexed), std::end(kIndexed), field) != std::end(kIndexed);
}

std::string Join(const std::vector<std::string>& parts, const char* with) {
  if (parts.size() == 1) return parts.front();
  return StrCat("(", absl::StrJoin(parts, with), ")");
}

// None: the check may hold for any alert.
std::optional<std::string> OfCheck(const Check& check) {
  const bool is_equality =
      check.op != nullptr && (check.op->op == Operator::kEqual || check.op->op == Operator::kIn);
  if (!is_equality || check.quantifier != Quantifier::kNone || check.literals.empty() ||
      check.left.kind != Operand::Kind::kField || !IsIndexed(check.left.field->name)) {
    return std::nullopt;
  }
  std::vector<std::string> terms;
  for (const Literal& literal : check.literals) {
    terms.push_back(KeyTerm(check.left.field->name, literal.text));
  }
  return Join(terms, " OR ");
}

std::optional<std::string> OfExpr(const Expr& expr) {
  std::vector<std::string> parts;
  switch (expr.kind) {
    case Expr::Kind::kCheck:
      return OfCheck(*expr.check);
    case Expr::Kind::kNot:
      return std::nullopt;
    case Expr::Kind::kAnd:
      for (const auto& child : expr.children) {
        if (auto part = OfExpr(*child)) parts.push_back(*std::move(part));
      }
      break;
    case Expr::Kind::kOr:
      for (const auto& child : expr.children) {
        auto part = OfExpr(*child);
        if (!part.has_value()) return std::nullopt;
        parts.push_back(*std::move(part));
      }
      break;
  }
  if (parts.empty()) return std::nullopt;
  return Join(parts, expr.kind == Expr::Kind::kAnd ? " AND " : " OR ");
}

}  // namespace

std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty() && std::find(words.begin(), words.end(), word) == words.end()) {
      words.push_back(word);
    }
    word.clear();
  };
  for (const char c : text) {
    if (words.size() >= kMaxTerms) return words;
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (IsWordByte(lower)) {
      word += lower;
    } else {
      end_word();
    }
  }
  end_word();
  return words;
}

std::string SearchTermsOf(const v1::Alert& alert) {
  std::vector<std::string> terms = WordsOf(alert.output());
  v1::StoredRecord stored;
  AlertView view(stored, alert);
  Extractor values;
  for (const AlertFieldRow& row : AllAlertFields()) {
    if (!IsIndexed(row.row.name)) continue;
    values.Reset();
    row.extract(view, values);
    for (const Value& value : values.values()) {
      terms.push_back(KeyTerm(row.row.name, value.string));
    }
  }
  return absl::StrJoin(terms, " ");
}

std::string SearchExpression(const Expr* condition, const std::vector<std::string>& words) {
  std::vector<std::string> parts;
  // In quotes: AND, OR, NOT and NEAR are words as well.
  for (const std::string& word : words) parts.push_back(StrCat("\"", word, "\""));
  if (condition != nullptr) {
    if (auto part = OfExpr(*condition)) parts.push_back(*std::move(part));
  }
  return absl::StrJoin(parts, " AND ");
}

}  // namespace vakt

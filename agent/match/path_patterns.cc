// SPDX-License-Identifier: Apache-2.0
#include "agent/match/path_patterns.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_split.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

using Patterns = std::vector<PathPattern>;

PathPattern Exactly(std::string text) { return {std::move(text), true, true, false}; }
PathPattern Begins(std::string text) { return {std::move(text), true, false, false}; }
PathPattern Ends(std::string text) { return {std::move(text), false, true, false}; }
PathPattern Contains(std::string text) { return {std::move(text), false, false, false}; }

// The longest piece of ordinary characters of a glob. What stands behind a set is not looked at:
// where a set ends is the glob's own business.
PathPattern LongestPiece(std::string_view glob) {
  PathPattern best, piece{"", true, false, false};
  const auto take = [&](bool at_end) {
    piece.at_end = at_end;
    if (piece.text.size() >= best.text.size()) best = piece;
    piece = {};
  };
  for (size_t i = 0; i < glob.size(); ++i) {
    if (glob[i] == '*' || glob[i] == '?' || glob[i] == '[') {
      take(false);
      if (glob[i] == '[') return best;
      continue;
    }
    if (glob[i] == '\\' && ++i == glob.size()) return best;  // matches nothing
    piece.text.push_back(glob[i]);
  }
  take(true);
  return best;
}

// Paths at or below one that the components of `prefix` describe.
Patterns Below(std::string_view prefix) {
  std::string path;
  for (absl::string_view component : absl::StrSplit(ToAbsl(prefix), '/', absl::SkipEmpty())) {
    if (component.find_first_of("*?[\\") != absl::string_view::npos) {
      return {Begins(path + "/")};
    }
    path += StrCat("/", ToStd(component));
  }
  if (path.empty()) return {Begins("/")};
  return {Exactly(path), Begins(path + "/")};
}

Patterns OfName(Operator op, const std::string& text) {
  switch (op) {
    case Operator::kEqual:
    case Operator::kIn:
    case Operator::kIntersects:
      return {Exactly(text)};
    case Operator::kStartswith:
      return {Begins(text)};
    case Operator::kEndswith:
      return {Ends(text)};
    case Operator::kContains:
      return {Contains(text)};
    case Operator::kGlob:
      return {LongestPiece(text)};
    case Operator::kPmatch:
      return Below(text);
    default:
      return {PathPattern()};
  }
}

// The directory of a directory is the path itself; of a file in the root it is "/".
Patterns OfDirectory(Operator op, const std::string& text) {
  switch (op) {
    case Operator::kEqual:
    case Operator::kIn:
    case Operator::kIntersects:
      if (text == "/") return {PathPattern()};
      return {Exactly(text), Begins(text + "/")};
    case Operator::kEndswith:
      if (text.empty() || text == "/") return {PathPattern()};
      return {Ends(text), Contains(text + "/")};
    case Operator::kGlob: {
      PathPattern piece = LongestPiece(text);
      piece.at_end = false;
      return {piece};
    }
    case Operator::kStartswith:
    case Operator::kContains:
    case Operator::kPmatch:
      return OfName(op, text);
    default:
      return {PathPattern()};
  }
}

// The last component; null for directories.
Patterns OfFilename(Operator op, const std::string& text) {
  switch (op) {
    case Operator::kEqual:
    case Operator::kIn:
    case Operator::kIntersects:
      return {Ends("/" + text)};
    case Operator::kStartswith:
      return {Contains("/" + text)};
    case Operator::kEndswith:
    case Operator::kContains:
      return OfName(op, text);
    case Operator::kGlob: {
      PathPattern piece = LongestPiece(text);
      if (piece.text.empty()) return {piece};
      if (piece.at_begin) piece.text = StrCat("/", piece.text);
      piece.at_begin = false;
      return {piece};
    }
    default:
      return {PathPattern()};
  }
}

// As it was asked for. It may be relative, and `pmatch` does not look at slashes.
Patterns OfRaw(Operator op, const std::string& text) {
  if (op == Operator::kPmatch) return {PathPattern()};
  Patterns patterns = OfName(op, text);
  for (PathPattern& pattern : patterns) pattern.raw = true;
  return patterns;
}

struct PathField {
  std::string_view name;
  Patterns (*patterns)(Operator op, const std::string& text);
};
constexpr PathField kPathFields[] = {{"fd.name", OfName},
                                     {"evt.abspath", OfName},
                                     {"fd.directory", OfDirectory},
                                     {"fd.filename", OfFilename},
                                     {"fd.nameraw", OfRaw}};

// Also of a transformed field: the first that is one of a path.
const PathField* FieldOf(const Operand& operand) {
  if (operand.kind != Operand::Kind::kField) {
    for (const Operand& part : operand.parts) {
      if (const PathField* field = FieldOf(part)) return field;
    }
    return nullptr;
  }
  for (const PathField& field : kPathFields) {
    if (field.name == operand.field->name) return &field;
  }
  return nullptr;
}

}  // namespace

std::string PathPattern::ToText() const {
  return StrCat(raw ? "asked:" : "", at_begin ? "" : "*", text, at_end ? "" : "*");
}

bool IsOfPath(const Check& check) { return FieldOf(check.left) != nullptr; }

std::optional<std::vector<PathPattern>> PatternsOf(const Check& check) {
  const bool is_field = check.left.kind == Operand::Kind::kField && !check.left.arg.present;
  const PathField* field = is_field ? FieldOf(check.left) : nullptr;
  if (field == nullptr || check.right != nullptr || check.op->shape == Shape::kNothing) {
    return std::nullopt;
  }
  Patterns all;
  for (const Literal& literal : check.literals) {
    if (literal.items != nullptr) return std::nullopt;
    for (PathPattern& pattern : field->patterns(check.op->op, literal.text)) {
      if (pattern.text.empty()) return std::nullopt;
      all.push_back(std::move(pattern));
    }
  }
  return all;
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/match/term.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "common/rulelang/text_match.h"

namespace vakt {
namespace {

// Shorter texts are in most values; of longer ones the beginning will do.
constexpr size_t kMinPartBytes = 3;
constexpr size_t kMaxPartBytes = 256;

constexpr std::string_view kWildcards = "*?";
constexpr std::string_view kSetOrEscape = "[\\";

bool AddPart(std::string_view text, Term::Kind kind, Terms* out) {
  if (text.size() < kMinPartBytes) return false;
  if (text.size() > kMaxPartBytes) out->decide = false;
  out->terms.push_back({kind, std::string(text.substr(0, kMaxPartBytes))});
  return true;
}

bool AddEqual(const Literal& literal, Terms* out) {
  if (literal.items != nullptr) return false;  // too many to be looked up with others
  if (literal.tag == Value::Tag::kString) {
    out->terms.push_back({Term::Kind::kText, literal.text});
    return true;
  }
  Term term;
  if (literal.prefix_bits >= 0) {
    term.kind = Term::Kind::kNetwork;
    SetNetworkKey(literal.ip, literal.prefix_bits, &term.text);
  } else {
    char buffer[kNumberKeyBytes];
    term.kind = Term::Kind::kNumber;
    term.text = NumberKey(literal.value(), buffer);
    if (term.text.empty()) return false;
  }
  out->terms.push_back(std::move(term));
  return true;
}

// The longest run of ordinary characters, of those before the first set or escape.
bool AddGlob(std::string_view pattern, Case fold, Terms* out) {
  const std::string_view plain = pattern.substr(0, pattern.find_first_of(kSetOrEscape));
  const bool is_whole = plain.size() == pattern.size();
  size_t begin = 0, size = 0;
  for (size_t i = 0; i <= plain.size();) {
    const size_t end = std::min(plain.find_first_of(kWildcards, i), plain.size());
    if (end - i > size) begin = i, size = end - i;
    i = end + 1;
  }
  if (size == 0) return false;
  const std::string_view run = plain.substr(begin, size);
  const std::string_view before = plain.substr(0, begin), behind = plain.substr(begin + size);
  const auto only_stars = [](std::string_view text) {
    return text.find_first_not_of('*') == std::string_view::npos;
  };
  if (!is_whole || !only_stars(before) || !only_stars(behind)) out->decide = false;
  if (fold == Case::kIgnore) {
    if (before.empty() || behind.empty()) out->decide = false;
    return AddPart(run, Term::Kind::kPartIgnoringCase, out);
  }
  const bool at_end = is_whole && behind.empty();
  if (!before.empty() && !at_end) return AddPart(run, Term::Kind::kPart, out);
  const Term::Kind kind = !before.empty() ? Term::Kind::kSuffix
                          : at_end        ? Term::Kind::kText
                                          : Term::Kind::kPrefix;
  out->terms.push_back({kind, std::string(run)});
  return true;
}

// The components before the first that has a pattern in it.
bool AddPath(std::string_view path, Terms* out) {
  const size_t pattern = std::min(path.find_first_of(kWildcards), path.find_first_of(kSetOrEscape));
  if (pattern != std::string_view::npos) {
    path = path.substr(0, path.substr(0, pattern).rfind('/') + 1);
    out->decide = false;
  }
  Term term{Term::Kind::kPath, {}};
  SetPathKey(path, &term.text);
  out->terms.push_back(std::move(term));
  return true;
}

// RE2 knows which texts a match must contain: some of its atoms, in lower case.
bool AddRegex(const Literal& literal, Terms* out) {
  out->decide = false;
  if (literal.regex == nullptr) return false;
  re2::FilteredRE2 filter(static_cast<int>(kMinPartBytes));
  int id = 0;
  if (filter.Add(literal.regex->pattern(), literal.regex->options(), &id) != re2::RE2::NoError) {
    return false;
  }
  std::vector<std::string> atoms;
  filter.Compile(&atoms);
  return !atoms.empty() && std::all_of(atoms.begin(), atoms.end(), [&](const std::string& atom) {
    return AddPart(atom, Term::Kind::kPartIgnoringCase, out);
  });
}

bool AddLiteral(const Check& check, const Literal& literal, Terms* out) {
  switch (check.op->op) {
    case Operator::kEqual:
    case Operator::kIn:
    case Operator::kIntersects:
      return AddEqual(literal, out);
    case Operator::kStartswith:
    case Operator::kBstartswith:
      out->terms.push_back({Term::Kind::kPrefix, literal.text});
      return true;
    case Operator::kEndswith:
      out->terms.push_back({Term::Kind::kSuffix, literal.text});
      return true;
    case Operator::kContains:
    case Operator::kBcontains:
      return AddPart(literal.text, Term::Kind::kPart, out);
    case Operator::kIcontains:
      return AddPart(literal.text, Term::Kind::kPartIgnoringCase, out);
    case Operator::kGlob:
      return AddGlob(literal.text, Case::kSensitive, out);
    case Operator::kIglob:
      return AddGlob(literal.text, Case::kIgnore, out);
    case Operator::kPmatch:
      return AddPath(literal.text, out);
    case Operator::kRegex:
      return AddRegex(literal, out);
    default:
      return false;
  }
}

}  // namespace

double Term::Likelihood() const {
  const auto size = static_cast<double>(text.size());
  switch (kind) {
    case Term::Kind::kText:
    case Term::Kind::kNumber:
      return 0;
    case Term::Kind::kNetwork:
      return std::exp2((1 - size) / 6);  // of a /24: 1/16
    case Term::Kind::kPrefix:
    case Term::Kind::kPath:
      return std::exp2(-size / 2);  // of /usr/lib/: 1/23, for much lies there
    default:
      return std::exp2(-size);  // of .conf: 1/32
  }
}

Terms TermsOf(const Check& check) {
  Terms out;
  if (check.right != nullptr) return out;
  // `in` asks for all values of a list; oneof and allof for a certain number of constants.
  out.decide = !(check.op->op == Operator::kIn && check.left.is_list) &&
               (check.quantifier == Quantifier::kNone || check.quantifier == Quantifier::kAnyOf);
  for (const Literal& literal : check.literals) {
    if (!AddLiteral(check, literal, &out)) return {};
  }
  return out;
}

std::string_view NumberKey(const Value& value, char (&buffer)[kNumberKeyBytes]) {
  const auto number = [&](char type, uint64_t bits) -> std::string_view {
    buffer[0] = type;
    std::memcpy(buffer + 1, &bits, sizeof(bits));
    return {buffer, 1 + sizeof(bits)};
  };
  switch (value.tag) {
    case Value::Tag::kInt:
      return number(value.int_value < 0 ? '-' : '+', static_cast<uint64_t>(value.int_value));
    case Value::Tag::kUint:
      return number('+', value.uint_value);
    case Value::Tag::kBool:
      return number('?', value.bool_value ? 1 : 0);
    case Value::Tag::kIp:
      static_assert(1 + sizeof(value.ip.bytes) <= kNumberKeyBytes);
      buffer[0] = value.ip.ipv6 ? '6' : '4';
      std::memcpy(buffer + 1, value.ip.bytes.data(), value.ip.bytes.size());
      return {buffer, 1 + value.ip.bytes.size()};
    default:
      return {};
  }
}

void SetPathKey(std::string_view path, std::string* key) {
  key->assign(1, '/');
  while (!path.empty()) {
    const size_t size = std::min(path.find('/'), path.size());
    if (size > 0) key->append(path.substr(0, size)).push_back('/');
    path.remove_prefix(std::min(size + 1, path.size()));
  }
}

void SetNetworkKey(const IpAddress& ip, int bits, std::string* key) {
  key->assign(1, ip.ipv6 ? '6' : '4');
  for (int i = 0; i < bits; ++i) {
    key->push_back((ip.bytes[static_cast<size_t>(i) / 8] >> (7 - i % 8) & 1) != 0 ? '1' : '0');
  }
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/operators.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/rulelang/expr.h"
#include "common/rulelang/item_set.h"
#include "common/rulelang/text_match.h"

namespace vakt {
namespace {

bool IsNumber(const Value& value) {
  return value.tag == Value::Tag::kInt || value.tag == Value::Tag::kUint;
}

// -1, 0, 1; compares the numbers, whatever their signedness.
int CompareNumbers(const Value& a, const Value& b) {
  const auto less = [](const Value& x, const Value& y) {
    const bool x_signed = x.tag == Value::Tag::kInt;
    const bool y_signed = y.tag == Value::Tag::kInt;
    if (x_signed && y_signed) return x.int_value < y.int_value;
    if (x_signed) return std::cmp_less(x.int_value, y.uint_value);
    if (y_signed) return std::cmp_less(x.uint_value, y.int_value);
    return x.uint_value < y.uint_value;
  };
  if (less(a, b)) return -1;
  return less(b, a) ? 1 : 0;
}

bool InBlock(const IpAddress& ip, const IpAddress& block, int prefix_bits) {
  if (ip.ipv6 != block.ipv6) return false;
  const int bytes = prefix_bits / 8;
  const int rest = prefix_bits % 8;
  if (!std::equal(ip.bytes.begin(), ip.bytes.begin() + bytes, block.bytes.begin())) return false;
  if (rest == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - rest));
  return ((ip.bytes[bytes] ^ block.bytes[bytes]) & mask) == 0;
}

bool Equal(const Value& left, const Value& right, const Literal* literal) {
  if (literal != nullptr && literal->items != nullptr) return literal->items->Contains(left);
  if (IsNumber(left) && IsNumber(right)) return CompareNumbers(left, right) == 0;
  if (left.tag != right.tag) return false;
  switch (left.tag) {
    case Value::Tag::kString:
      return left.string == right.string;
    case Value::Tag::kDouble:
      return left.double_value == right.double_value;
    case Value::Tag::kBool:
      return left.bool_value == right.bool_value;
    case Value::Tag::kIp:
      if (literal != nullptr && literal->prefix_bits >= 0) {
        return InBlock(left.ip, right.ip, literal->prefix_bits);
      }
      return left.ip == right.ip;
    default:
      return false;
  }
}

bool NotEqual(const Value& left, const Value& right, const Literal* literal) {
  return !Equal(left, right, literal);
}

// Strings compare by bytes, everything else as numbers; other pairs do not compare.
template <typename Accept>
bool Compare(const Value& left, const Value& right, Accept accept) {
  if (IsNumber(left) && IsNumber(right)) return accept(CompareNumbers(left, right));
  if (left.tag == Value::Tag::kDouble && right.tag == Value::Tag::kDouble) {
    if (left.double_value < right.double_value) return accept(-1);
    return accept(left.double_value > right.double_value ? 1 : 0);
  }
  if (left.tag != Value::Tag::kString || right.tag != Value::Tag::kString) return false;
  return accept(left.string.compare(right.string));
}

bool Less(const Value& left, const Value& right, const Literal*) {
  return Compare(left, right, [](int order) { return order < 0; });
}
bool LessEqual(const Value& left, const Value& right, const Literal*) {
  return Compare(left, right, [](int order) { return order <= 0; });
}
bool Greater(const Value& left, const Value& right, const Literal*) {
  return Compare(left, right, [](int order) { return order > 0; });
}
bool GreaterEqual(const Value& left, const Value& right, const Literal*) {
  return Compare(left, right, [](int order) { return order >= 0; });
}

// The operators below are for strings alone: the type check admits no others, and the string of
// any other value is empty.
bool Contains(const Value& left, const Value& right, const Literal*) {
  return ContainsText(left.string, right.string);
}
bool Icontains(const Value& left, const Value& right, const Literal*) {
  return ContainsText(left.string, right.string, Case::kIgnore);
}
bool Startswith(const Value& left, const Value& right, const Literal*) {
  return left.string.starts_with(right.string);
}
bool Endswith(const Value& left, const Value& right, const Literal*) {
  return left.string.ends_with(right.string);
}
bool Glob(const Value& left, const Value& right, const Literal*) {
  return GlobMatch(right.string, left.string);
}
bool Iglob(const Value& left, const Value& right, const Literal*) {
  return GlobMatch(right.string, left.string, Case::kIgnore);
}
bool Regex(const Value& left, const Value&, const Literal* literal) {
  return literal != nullptr && literal->regex != nullptr &&
         re2::RE2::FullMatch(left.string, *literal->regex);
}
bool Pmatch(const Value& left, const Value& right, const Literal*) {
  return PathStartsWith(left.string, right.string);
}

constexpr FieldTypeSet kStrings = TypeBit(FieldType::kString);
constexpr FieldTypeSet kByteBuffers = TypeBit(FieldType::kBytes);
constexpr FieldTypeSet kNumbers = TypeBit(FieldType::kInt) | TypeBit(FieldType::kUint) |
                                  TypeBit(FieldType::kDouble) | TypeBit(FieldType::kPort) |
                                  TypeBit(FieldType::kAbsTime) | TypeBit(FieldType::kRelTime);
constexpr FieldTypeSet kAllTypes = kStrings | kByteBuffers | kNumbers | TypeBit(FieldType::kBool) |
                                   TypeBit(FieldType::kIp) | TypeBit(FieldType::kNet);

constexpr Shape kNothing = Shape::kNothing;
constexpr Shape kNumber = Shape::kNumber;
constexpr Shape kText = Shape::kText;
constexpr Shape kList = Shape::kList;

// clang-format off
constexpr std::array<OperatorRow, 19> kOperators = {{
//  op                       name           alias shape     word   hex    lists  types                    test
    {Operator::kExists,      "exists",      "",   kNothing, false, false, true,  kAllTypes,               nullptr,
     "the field has a value for this event"},
    {Operator::kEqual,       "=",           "==", kText,    false, false, false, kAllTypes,               Equal,
     "the values are the same; of a network: the address is in the block"},
    {Operator::kNotEqual,    "!=",          "",   kText,    false, false, false, kAllTypes,               NotEqual,
     "there is a value and it differs"},
    {Operator::kLess,        "<",           "",   kNumber,  false, false, false, kNumbers | kStrings,     Less,
     "less; strings compare by bytes"},
    {Operator::kLessEqual,   "<=",          "",   kNumber,  false, false, false, kNumbers | kStrings,     LessEqual,
     "less or equal"},
    {Operator::kGreater,     ">",           "",   kNumber,  false, false, false, kNumbers | kStrings,     Greater,
     "greater"},
    {Operator::kGreaterEqual, ">=",         "",   kNumber,  false, false, false, kNumbers | kStrings,     GreaterEqual,
     "greater or equal"},
    {Operator::kContains,    "contains",    "",   kText,    true,  false, false, kStrings | kByteBuffers, Contains,
     "the text is part of the value"},
    {Operator::kIcontains,   "icontains",   "",   kText,    true,  false, false, kStrings,                Icontains,
     "as contains; the case of ASCII letters does not count"},
    {Operator::kBcontains,   "bcontains",   "",   kText,    true,  true,  false, kByteBuffers,            Contains,
     "the bytes, given in hexadecimal, are part of the value"},
    {Operator::kStartswith,  "startswith",  "",   kText,    true,  false, false, kStrings | kByteBuffers, Startswith,
     "the value begins with the text"},
    {Operator::kBstartswith, "bstartswith", "",   kText,    true,  true,  false, kByteBuffers,            Startswith,
     "the value begins with the bytes, given in hexadecimal"},
    {Operator::kEndswith,    "endswith",    "",   kText,    true,  false, false, kStrings | kByteBuffers, Endswith,
     "the value ends with the text"},
    {Operator::kGlob,        "glob",        "",   kText,    true,  false, false, kStrings,                Glob,
     "the whole value matches the pattern of * ? [...]; * matches '/' too"},
    {Operator::kIglob,       "iglob",       "",   kText,    true,  false, false, kStrings,                Iglob,
     "as glob; the case of ASCII letters does not count"},
    {Operator::kRegex,       "regex",       "",   kText,    true,  false, false, kStrings,                Regex,
     "the whole value matches the RE2 expression"},
    {Operator::kIn,          "in",          "",   kList,    true,  false, true,  kAllTypes,               Equal,
     "the value is one of the list; of a list field: all values are"},
    {Operator::kIntersects,  "intersects",  "",   kList,    true,  false, true,  kAllTypes,               Equal,
     "the value, or some value of a list field, is one of the list"},
    {Operator::kPmatch,      "pmatch",      "",   kList,    true,  false, false, kStrings,                Pmatch,
     "the path is one of the listed paths or below one; components may be globs"},
}};
// clang-format on

constexpr bool InEnumOrder() {
  for (size_t i = 0; i < kOperators.size(); ++i) {
    if (kOperators[i].op != static_cast<Operator>(i)) return false;
  }
  return true;
}
static_assert(InEnumOrder());

}  // namespace

std::string_view QuantifierName(Quantifier quantifier) {
  switch (quantifier) {
    case Quantifier::kNone:
      return "";
    case Quantifier::kOneOf:
      return "oneof";
    case Quantifier::kAnyOf:
      return "anyof";
    case Quantifier::kAllOf:
      return "allof";
  }
  return "";
}

absl::Span<const OperatorRow> AllOperators() { return kOperators; }

const OperatorRow& OperatorOf(Operator op) { return kOperators[static_cast<size_t>(op)]; }

const OperatorRow* FindOperator(std::string_view name) {
  for (const OperatorRow& row : kOperators) {
    if (row.name == name || (!row.alias.empty() && row.alias == name)) return &row;
  }
  return nullptr;
}

}  // namespace vakt

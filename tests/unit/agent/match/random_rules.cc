// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/agent/match/random_rules.h"

#include <iterator>
#include <string_view>

#include "absl/strings/ascii.h"
#include "common/base/strings.h"
#include "common/event/kind.h"
#include "common/rulelang/parser.h"
#include "tests/support/sample_events.h"

namespace vakt {
namespace {

constexpr std::string_view kFrequent[] = {
    "evt.type",     "proc.name",    "proc.pname", "proc.aname", "proc.cmdline", "proc.args",
    "fd.name",      "fd.directory", "fd.sport",   "fd.sip",     "fd.net",       "fd.ip",
    "fd.port",      "fd.typechar",  "user.uid",   "evt.num",    "evt.rawres",   "evt.is_open_read",
    "container.id", "proc.tty",     "fd.snet"};

constexpr std::string_view kTypes[] = {"execve", "openat", "open", "connect", "accept4", "unlink"};

}  // namespace

std::string RandomRules::Text() {
  switch (Below(4)) {
    case 0:
      return std::string(SampleEvents::ProgramNames()[Below(8)]);
    case 1:
      return std::string(SampleEvents::Paths()[Below(SampleEvents::Paths().size())]);
    case 2:
      return std::string(SampleEvents::Arguments()[Below(SampleEvents::Arguments().size())]);
    default:
      return Part(SampleEvents::Paths()[Below(SampleEvents::Paths().size())]);
  }
}

// Its beginning, its end or something in the middle; sometimes in capitals.
std::string RandomRules::Part(std::string_view text) {
  const size_t begin = Below(2) == 0 ? 0 : Below(text.size() + 1);
  const size_t size = Below(2) == 0 ? text.size() : 1 + Below(8);
  const std::string part(text.substr(begin, size));
  return Below(8) == 0 ? absl::AsciiStrToUpper(part) : part;
}

std::string RandomRules::Constant(const FieldRow& field, const OperatorRow& op) {
  constexpr std::string_view kGlobs[] = {"*",       "/etc/*",     "?ash",    "*sh*",    "[a-n]*",
                                         "*.[!y]*", "*.conf",     "*passwd", "python?", "/*/shadow",
                                         "*hosts*", "*.so.[0-9]", "\\\\*",   "**",      "",
                                         "*tmp*a",  "*[!a]asswd", "/dev/**"};
  constexpr std::string_view kRegexes[] = {".*",
                                           "/etc/.*",
                                           "(ba)?sh",
                                           "[a-n]+",
                                           ".*[0-9]",
                                           ".*(passwd|shadow)",
                                           "(?i).*SYSTEM.*",
                                           ".*stat(us)?",
                                           "(/usr/bin/)?(bash|perl|python3)",
                                           "[^/]*",
                                           "(|.*hosts.*)",
                                           ".*\\\\.so.*",
                                           "-?-h?elp"};
  constexpr std::string_view kPaths[] = {
      "/",         "/etc",     "etc/", "/usr/*/bash", "/proc/*/status", "/tmp", "/home/alice",
      "/dev/shm/", "relative", "",     "/usr/l*"};
  constexpr std::string_view kAddresses[] = {"10.0.0.1", "127.0.0.2", "fd00:1::", "10.0.0.3"};
  constexpr std::string_view kBlocks[] = {"10.0.0.0/8", "127.0.0.0/30", "fd00::/16", "0.0.0.0/0"};
  constexpr std::string_view kPorts[] = {"22", "80", "443", "0x1F90", "ssh"};
  constexpr std::string_view kNumbers[] = {"0", "1", "3", "1000", "34816", "5000000000"};
  if (field.name == "evt.type" || field.name == "syscall.type") {
    return std::string(kTypes[Below(std::size(kTypes))]);
  }
  switch (field.type) {
    case FieldType::kBool:
      return Below(2) == 0 ? "true" : "false";
    case FieldType::kPort:
      return std::string(kPorts[Below(std::size(kPorts) - (op.shape == Shape::kNumber ? 1 : 0))]);
    case FieldType::kIp:
      return Quote(kAddresses[Below(std::size(kAddresses))]);
    case FieldType::kNet:
      return Quote(kBlocks[Below(std::size(kBlocks))]);
    case FieldType::kString:
    case FieldType::kBytes:
      break;
    default:
      return std::string(kNumbers[Below(std::size(kNumbers))]);
  }
  if (op.op == Operator::kRegex) return Quote(kRegexes[Below(std::size(kRegexes))]);
  if (op.op == Operator::kGlob || op.op == Operator::kIglob) {
    return Quote(kGlobs[Below(std::size(kGlobs))]);
  }
  if (op.op == Operator::kPmatch && Below(2) == 0) return Quote(kPaths[Below(std::size(kPaths))]);
  return op.hex ? "cafe" : Quote(Text());
}

const FieldRow& RandomRules::Field() {
  if (Below(4) != 0) return *FindField(kFrequent[Below(std::size(kFrequent))]);
  return AllFields()[Below(AllFields().size())];
}

const OperatorRow& RandomRules::OperatorFor(const FieldRow& field, bool is_list) {
  for (;;) {
    const OperatorRow& row = AllOperators()[Below(AllOperators().size())];
    // Order of strings has no constants: only numbers may stand there.
    if (row.shape == Shape::kNumber && field.type == FieldType::kString) continue;
    if ((row.types & TypeBit(field.type)) != 0 && (!is_list || row.takes_lists)) return row;
  }
}

std::string RandomRules::Transformed(std::string_view name) {
  switch (Below(5)) {
    case 0:
      return StrCat("basename(", name, ")");
    case 1:
      return StrCat("tolower(", name, ")");
    case 2:
      return StrCat("toupper(", name, ")");
    case 3:
      return StrCat("concat(proc.name, \"/\", ", name, ")");
    default:
      return StrCat("join(\":\", (proc.name, ", name, "))");
  }
}

std::string RandomRules::Check() {
  const FieldRow& field = Field();
  const bool has_arg =
      field.arg == ArgRule::kRequired || (field.arg != ArgRule::kNone && Below(2) == 0);
  const bool is_list = (field.flags & kFieldList) != 0 && !has_arg;
  std::string name = has_arg ? StrCat(field.name, "[", 1 + Below(3), "]") : std::string(field.name);
  if (has_arg && field.name == "evt.arg") name = Below(2) == 0 ? "evt.arg.flags" : "evt.arg.name";
  const OperatorRow& op = OperatorFor(field, is_list);
  if (op.shape == Shape::kNothing) return StrCat(name, " ", op.name);
  const bool plain_text = field.type == FieldType::kString &&
                          (field.flags & (kFieldNoTransform | kFieldList)) == 0 &&
                          field.name != "evt.type" && field.name != "syscall.type";
  if (plain_text && Below(6) == 0) name = Transformed(name);
  const bool takes_field = op.op == Operator::kEqual || op.op == Operator::kNotEqual ||
                           op.op == Operator::kContains || op.op == Operator::kStartswith ||
                           op.op == Operator::kEndswith || op.op == Operator::kIn;
  if (plain_text && takes_field && Below(6) == 0) {
    constexpr std::string_view kRight[] = {"val(proc.pname)", "val(proc.name)", "val(fd.filename)",
                                           "basename(proc.exepath)", "toupper(proc.name)"};
    return StrCat(name, " ", op.name, " ", kRight[Below(std::size(kRight))]);
  }
  const bool quantified = op.shape == Shape::kText && !is_list && Below(4) == 0;
  if (op.shape != Shape::kList && !quantified) {
    return StrCat(name, " ", op.name, " ", Constant(field, op));
  }
  constexpr std::string_view kQuantifiers[] = {"oneof", "anyof", "allof"};
  std::string text =
      StrCat(name, " ", op.name, " ", quantified ? kQuantifiers[Below(3)] : "", " (");
  const uint64_t count = Below(4);
  for (uint64_t i = 0; i < count; ++i) text += StrCat(i > 0 ? ", " : "", Constant(field, op));
  return text + ")";
}

std::string RandomRules::Condition(int depth) {
  if (depth == 0 || Below(4) == 0) return Check();
  if (Below(5) == 0) return StrCat("not (", Condition(depth - 1), ")");
  const std::string_view word = Below(2) == 0 ? " and " : " or ";
  std::string text = "(" + Condition(depth - 1);
  for (uint64_t i = 1 + Below(3); i > 0; --i) text += StrCat(word, Condition(depth - 1));
  return text + ")";
}

std::string RandomRules::PathCheck() {
  constexpr std::string_view kFields[] = {"fd.name", "fd.name", "fd.directory", "fd.filename",
                                          "fd.nameraw"};
  constexpr std::string_view kOperators[] = {"=", "startswith", "endswith", "contains"};
  constexpr std::string_view kGlobs[] = {"/etc/*",   "*/.ssh/*",        "/home/*/.bash*",
                                         "*.s[oh]*", "/proc/*/environ", "*"};
  const std::string_view field = kFields[Below(std::size(kFields))];
  std::string path(SampleEvents::Paths()[Below(SampleEvents::Paths().size())]);
  switch (Below(4)) {
    case 0:
      return StrCat(field, " glob ", Quote(kGlobs[Below(std::size(kGlobs))]));
    case 1:
      return StrCat(field, " pmatch (", Quote(path.substr(0, Below(path.size() + 1))), ")");
    case 2:
      path = path.substr(Below(path.size() + 1));
      break;
    default:
      path = path.substr(0, Below(path.size() + 1));
  }
  return StrCat(field, " ", kOperators[Below(std::size(kOperators))], " ", Quote(path));
}

std::string RandomRules::File(int rules) {
  std::string file;
  for (int i = 0; i < rules; ++i) {
    file += StrCat("- rule: r", i, "\n  desc: d\n  priority: ", Below(2) == 0 ? "INFO" : "ERROR",
                   "\n  output: o %proc.name\n  condition: >\n    ", Condition(3), "\n");
  }
  return file;
}

}  // namespace vakt

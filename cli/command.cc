// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/help.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/base/version.h"

namespace vakt {
namespace {

// A verb and the words that remain for its flags and operands.
struct Selection {
  const Verb* verb;
  std::vector<std::string> words;
};

// How many words at the start are flags of the collector's connection, and their values.
size_t LeadingFlagWords(absl::Span<const std::string> words) {
  const std::vector<FlagRow> flags = FlagsOf(Peer::kCollector);
  size_t count = 0;
  while (count < words.size()) {
    const std::string_view word = words[count];
    const size_t equals = word.find('=');
    if (FindFlag(flags, word.substr(0, equals)) == nullptr) break;
    count += equals == std::string_view::npos ? 2 : 1;
  }
  return std::min(count, words.size());
}

absl::StatusOr<Selection> SelectVerb(absl::Span<const std::string> words) {
  const size_t flags = LeadingFlagWords(words);
  Selection selection{nullptr, {words.begin(), words.begin() + flags}};
  words.remove_prefix(flags);
  if (words.empty()) return absl::InvalidArgumentError("no verb given: see vaktctl --help");
  const std::string& noun = words[0];
  size_t used = 2;
  if (words.size() > 1) selection.verb = FindVerb(noun, words[1]);
  if (selection.verb == nullptr) {
    selection.verb = FindVerb(noun, "");  // the noun is all, or can stand alone
    used = 1;
  }
  if (selection.verb == nullptr) {
    if (noun.starts_with('-')) {
      return absl::InvalidArgumentError(
          StrCat("unknown flag ", EscapeUtf8(noun), ": see vaktctl --help"));
    }
    if (NounHelp(noun).empty()) {
      return absl::InvalidArgumentError(
          StrCat("unknown verb \"", EscapeUtf8(noun), "\": see vaktctl --help"));
    }
    return absl::InvalidArgumentError(
        StrCat(words.size() > 1 ? StrCat("unknown verb \"", noun, " ", EscapeUtf8(words[1]), "\"")
                                : StrCat(noun, " needs a verb"),
               ": see vaktctl ", noun, " --help"));
  }
  selection.words.insert(selection.words.end(), words.begin() + used, words.end());
  return selection;
}

absl::StatusOr<Arguments> ParseFor(const Verb& verb, absl::Span<const std::string> words) {
  const std::string see = StrCat(": see vaktctl ", VerbTitle(verb), " --help");
  absl::StatusOr<Arguments> arguments = ParseArguments(words, FlagsOf(verb));
  if (!arguments.ok()) {
    return absl::InvalidArgumentError(StrCat(Message(arguments.status()), see));
  }
  const std::vector<std::string>& operands = arguments->operands();
  if (operands.size() < verb.min_operands) {
    return absl::InvalidArgumentError(StrCat(VerbTitle(verb), " needs ", verb.operands, see));
  }
  if (operands.size() > verb.max_operands) {
    return absl::InvalidArgumentError(
        StrCat("unexpected word \"", EscapeUtf8(operands[verb.max_operands]), "\"", see));
  }
  return arguments;
}

VerbResult Run(absl::Span<const std::string> words, Console& console) {
  VAKT_ASSIGN_OR_RETURN(const Selection selection, SelectVerb(words));
  VAKT_ASSIGN_OR_RETURN(Arguments arguments, ParseFor(*selection.verb, selection.words));
  std::string format;
  if (!selection.verb->formats.empty()) {
    const std::vector<FlagRow> flags = FlagsOf(*selection.verb);
    format = arguments.Choice(*FindFlag(flags, "--format"));
  }
  return selection.verb->run({*selection.verb, std::move(arguments), std::move(format), console});
}

// --help and --version win over everything else that is on the line. Empty when neither is there.
std::string AskedText(absl::Span<const std::string> words) {
  const auto end = std::find(words.begin(), words.end(), "--");
  if (std::any_of(words.begin(), end,
                  [](const std::string& word) { return word == "--help" || word == "-h"; })) {
    const absl::StatusOr<Selection> selection = SelectVerb(words);
    if (selection.ok()) return VerbHelp(*selection->verb);
    const std::string noun = words[0].starts_with('-') ? "" : NounHelp(words[0]);
    return noun.empty() ? GeneralHelp() : noun;
  }
  if (!words.empty() && words[0] == "--version") return StrCat("vaktctl ", kVersion, "\n");
  return "";
}

}  // namespace

int RunCommand(absl::Span<const std::string> words, Console& console) {
  VerbResult result = kSuccess;
  if (const std::string text = AskedText(words); !text.empty()) {
    console.Write(text);
  } else {
    result = Run(words, console);
  }
  const absl::Status flushed = console.Flush();
  const absl::Status& failed = result.ok() ? flushed : result.status();
  if (failed.ok()) return *result;
  console.Note(Message(failed));
  return absl::IsInvalidArgument(failed) ? kUsage : kFailure;
}

}  // namespace vakt

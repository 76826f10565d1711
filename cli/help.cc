// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/config/setting_table.h"

namespace vakt {
namespace {

constexpr size_t kTextColumn = 28;
constexpr std::string_view kValues =
    "TIME is 2026-01-31T08:00:00Z, 2026-01-31 or a duration ago; DURATION is 90s, 15m, 1h30m or "
    "7d;\nPRIORITY is emergency, alert, critical, error, warning, notice, informational or "
    "debug.\n";
constexpr std::string_view kExitStatus =
    "Exit status: 0 success, 1 failure, 2 wrong usage, 130 interrupted.\n";

// "  left      text"; the text on a line of its own when the left side is too long.
std::string HelpLine(std::string_view left, std::string_view text) {
  std::string line = StrCat("  ", left);
  if (line.size() + 2 > kTextColumn) {
    line += StrCat("\n", std::string(kTextColumn, ' '));
  } else {
    line.resize(kTextColumn, ' ');
  }
  return StrCat(line, text, "\n");
}

std::string Synopsis(const Verb& verb) {
  return verb.operands.empty() ? VerbTitle(verb) : StrCat(VerbTitle(verb), " ", verb.operands);
}

// What counts when the flag is not given: " [first]", " [$VAKT_COLLECTOR, 127.0.0.1:7443]".
std::string Otherwise(const FlagRow& flag) {
  if (!flag.choices.empty()) {
    return StrCat(" [", flag.choices.substr(0, flag.choices.find('|')), "]");
  }
  const SettingRow* setting = FindSettingByFlag(Program::kVaktctl, flag.name);
  if (setting == nullptr) return "";
  return StrCat(" [$", SettingEnvironmentName(*setting), setting->default_text.empty() ? "" : ", ",
                setting->default_text, "]");
}

std::string FlagLine(const FlagRow& flag) {
  const std::string_view placeholder = FlagPlaceholder(flag);
  return HelpLine(StrCat(flag.name, placeholder.empty() ? "" : " ", placeholder),
                  StrCat(flag.text, Otherwise(flag)));
}

std::string FlagLines(absl::Span<const FlagRow> flags) {
  std::string lines;
  for (const FlagRow& flag : flags) lines += FlagLine(flag);
  return lines;
}

// The flags that are not those of the verb's peer.
std::vector<FlagRow> OwnFlagsOf(const Verb& verb) {
  std::vector<FlagRow> flags = FlagsOf(verb);
  flags.resize(flags.size() - FlagsOf(verb.peer).size());
  return flags;
}

}  // namespace

std::string VerbHelp(const Verb& verb) {
  return StrCat("Usage: vaktctl ", Synopsis(verb), " [flags]\n\n", verb.text, "\n\n",
                FlagLines(FlagsOf(verb)), HelpLine("--help, -h", "Show this."), "\n", kValues, "\n",
                kExitStatus);
}

std::string NounHelp(std::string_view noun) {
  std::string lines;
  for (const Verb& verb : AllVerbs()) {
    if (verb.noun == noun) lines += HelpLine(Synopsis(verb), verb.text);
  }
  if (lines.empty()) return lines;
  return StrCat("Usage: vaktctl ", noun, " VERB [flags]\n\n", lines, "\nvaktctl ", noun,
                " VERB --help lists a verb's flags.\n");
}

std::string GeneralHelp() {
  std::string help =
      "Usage: vaktctl NOUN [VERB] [operands] [flags]\n\n"
      "Reads alerts from a collector, asks the agent on this node, and works on rule files.\n\n"
      "Verbs:\n";
  for (const Verb& verb : AllVerbs()) help += HelpLine(Synopsis(verb), verb.text);
  help += StrCat("\nFlags of verbs that ask the collector (alerts, nodes):\n",
                 FlagLines(FlagsOf(Peer::kCollector)));
  help +=
      StrCat("\nFlags of verbs that ask the agent (agent):\n", FlagLines(FlagsOf(Peer::kAgent)));
  for (const Verb& verb : AllVerbs()) {
    const std::vector<FlagRow> flags = OwnFlagsOf(verb);
    if (!flags.empty()) help += StrCat("\nFlags of ", VerbTitle(verb), ":\n", FlagLines(flags));
  }
  return StrCat(help, "\nFlags of every verb:\n",
                HelpLine("--help, -h", "Show the help of the noun or verb."),
                HelpLine("--version", "Print the version."), "\n", kValues, "\n", kExitStatus);
}

VerbResult ShowHelp(const Invocation& invocation) {
  const std::vector<std::string>& words = invocation.arguments.operands();
  std::string help = GeneralHelp();
  if (!words.empty()) {
    const Verb* verb = FindVerb(words[0], words.size() > 1 ? words[1] : "");
    help = verb != nullptr ? VerbHelp(*verb) : words.size() == 1 ? NounHelp(words[0]) : "";
  }
  if (help.empty()) {
    return absl::InvalidArgumentError(
        StrCat("no help for \"", EscapeUtf8(words[0]), words.size() > 1 ? " " : "",
               words.size() > 1 ? EscapeUtf8(words[1]) : "", "\": see vaktctl --help"));
  }
  invocation.console.Write(help);
  return kSuccess;
}

}  // namespace vakt

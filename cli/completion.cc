// SPDX-License-Identifier: Apache-2.0
// vaktctl completion bash: verbs, flags and choices, from the table of verbs.
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/verbs.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

std::string CaseLine(std::string_view pattern, std::string_view words) {
  return StrCat("    \"", pattern, "\") words=\"", words, "\" ;;\n");
}

// What may follow each noun: its verbs, or its flags when it has none.
std::string NounCases() {
  std::string cases;
  std::set<std::string_view> nouns;
  for (const Verb& verb : AllVerbs()) {
    if (verb.name.empty() || !nouns.insert(verb.noun).second) continue;
    std::vector<std::string> names;
    for (const Verb& other : AllVerbs()) {
      if (other.noun == verb.noun) names.emplace_back(other.name);
    }
    cases += CaseLine(verb.noun, absl::StrJoin(names, " "));
  }
  return cases;
}

std::string FlagCases() {
  std::string cases;
  for (const Verb& verb : AllVerbs()) {
    std::vector<std::string> names;
    for (const FlagRow& flag : FlagsOf(verb)) names.emplace_back(flag.name);
    names.emplace_back("--help");
    cases += CaseLine(VerbTitle(verb), absl::StrJoin(names, " "));
  }
  return cases;
}

// Values of the flags that have few.
std::string ChoiceCases() {
  std::string cases;
  for (const Verb& verb : AllVerbs()) {
    for (const FlagRow& flag : FlagsOf(verb)) {
      if (flag.choices.empty()) continue;
      cases += CaseLine(StrCat(VerbTitle(verb), " ", flag.name),
                        absl::StrReplaceAll(ToAbsl(flag.choices), {{"|", " "}}));
    }
  }
  return cases;
}

std::string Nouns() {
  std::vector<std::string> nouns;
  for (const Verb& verb : AllVerbs()) {
    if (nouns.empty() || nouns.back() != verb.noun) nouns.emplace_back(verb.noun);
  }
  return absl::StrJoin(nouns, " ");
}

// The word under the cursor is completed from `words`, or as a file name when there are none.
constexpr std::string_view kBegin = R"(_vaktctl() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local noun=${COMP_WORDS[1]} verb= words=
  case $noun in
    NOUNS_WITH_VERBS) verb="$noun ${COMP_WORDS[2]}" ;;
    *) verb=$noun ;;
  esac
  [[ ${COMP_WORDS[2]} == -* ]] && verb=$noun
  if [[ $COMP_CWORD -eq 1 ]]; then
    words="ALL_NOUNS"
  else
    case $verb\ $previous in
)";
constexpr std::string_view kEnd = R"(  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _vaktctl vaktctl
)";

}  // namespace

VerbResult CompletionBash(const Invocation& invocation) {
  std::set<std::string> with_verbs;
  for (const Verb& verb : AllVerbs()) {
    if (!verb.name.empty()) with_verbs.emplace(verb.noun);
  }
  const std::string begin = absl::StrReplaceAll(
      ToAbsl(kBegin),
      {{"NOUNS_WITH_VERBS", absl::StrJoin(with_verbs, "|")}, {"ALL_NOUNS", Nouns()}});
  invocation.console.Write(StrCat(begin, ChoiceCases(), "    esac\n  fi\n"));
  invocation.console.Write(
      StrCat("  if [[ -z $words && $COMP_CWORD -eq 2 ]]; then\n    case $noun in\n", NounCases(),
             "    esac\n  fi\n"));
  invocation.console.Write(
      StrCat("  if [[ -z $words && $current == -* ]]; then\n    case $verb in\n", FlagCases(),
             "    esac\n  fi\n"));
  invocation.console.Write(kEnd);
  return kSuccess;
}

}  // namespace vakt

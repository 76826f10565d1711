// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/text_match.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"

namespace vakt {
namespace {

unsigned char Fold(char c, Case fold) {
  return static_cast<unsigned char>(fold == Case::kIgnore ? absl::ascii_tolower(c) : c);
}

bool InClass(std::string_view name, unsigned char c) {
  if (name == "alnum") return absl::ascii_isalnum(c);
  if (name == "alpha") return absl::ascii_isalpha(c);
  if (name == "blank") return absl::ascii_isblank(c);
  if (name == "cntrl") return absl::ascii_iscntrl(c);
  if (name == "digit") return absl::ascii_isdigit(c);
  if (name == "graph") return absl::ascii_isgraph(c);
  if (name == "lower") return absl::ascii_islower(c);
  if (name == "print") return absl::ascii_isprint(c);
  if (name == "punct") return absl::ascii_ispunct(c);
  if (name == "space") return absl::ascii_isspace(c);
  if (name == "upper") return absl::ascii_isupper(c);
  if (name == "xdigit") return absl::ascii_isxdigit(c);
  return false;
}

// One element of a set: a class, or a character or range. Advances *i behind it.
bool InElement(std::string_view pattern, size_t* i, char c, Case fold) {
  if (pattern.substr(*i, 2) == "[:") {
    const size_t end = pattern.find(":]", *i + 2);
    if (end != std::string_view::npos) {
      const std::string_view name = pattern.substr(*i + 2, end - *i - 2);
      *i = end + 2;
      return InClass(name, static_cast<unsigned char>(c)) ||
             (fold == Case::kIgnore && InClass(name, absl::ascii_toupper(c)));
    }
  }
  const auto take = [&] {
    if (pattern[*i] == '\\' && *i + 1 < pattern.size()) ++*i;
    return Fold(pattern[(*i)++], fold);
  };
  const unsigned char low = take();
  unsigned char high = low;
  if (*i + 1 < pattern.size() && pattern[*i] == '-' && pattern[*i + 1] != ']') {
    ++*i;
    high = take();
  }
  const unsigned char folded = Fold(c, fold);
  return low <= folded && folded <= high;
}

// Where the set that begins at pattern[begin] == '[' ends, behind its ']'; npos when it does not
// end, in which case '[' is an ordinary character.
size_t MatchSet(std::string_view pattern, size_t begin, char c, Case fold, bool* matches) {
  size_t i = begin + 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < pattern.size(); first = false) {
    if (pattern[i] == ']' && !first) {
      *matches = found != negated;
      return i + 1;
    }
    found |= InElement(pattern, &i, c, fold);
  }
  return std::string_view::npos;
}

// Matches the one pattern element at *p, which is no '*', with `c`. Advances *p on a match.
bool MatchOne(std::string_view pattern, size_t* p, char c, Case fold) {
  if (pattern[*p] == '?') {
    ++*p;
    return true;
  }
  if (pattern[*p] == '[') {
    bool matches = false;
    const size_t end = MatchSet(pattern, *p, c, fold, &matches);
    if (end != std::string_view::npos) {
      if (matches) *p = end;
      return matches;
    }
  }
  size_t i = *p;
  if (pattern[i] == '\\') {
    if (++i == pattern.size()) return false;  // as fnmatch: a lone backslash at the end
  }
  if (Fold(pattern[i], fold) != Fold(c, fold)) return false;
  *p = i + 1;
  return true;
}

// Takes the next component of *path; false when there is none.
bool NextComponent(std::string_view* path, std::string_view* component) {
  const size_t begin = path->find_first_not_of('/');
  if (begin == std::string_view::npos) return false;
  path->remove_prefix(begin);
  *component = path->substr(0, path->find('/'));
  path->remove_prefix(component->size());
  return true;
}

}  // namespace

bool GlobMatch(std::string_view pattern, std::string_view text, Case fold) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;  // behind the last '*'
  size_t star_text = 0;                  // the text that the last '*' has not taken yet
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
    } else if (p < pattern.size() && MatchOne(pattern, &p, text[t], fold)) {
      ++t;
    } else if (star != std::string_view::npos) {
      p = star;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool ContainsText(std::string_view text, std::string_view part, Case fold) {
  if (fold == Case::kSensitive) return text.find(part) != std::string_view::npos;
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [](char a, char b) {
                       return absl::ascii_tolower(a) == absl::ascii_tolower(b);
                     }) != text.end() ||
         part.empty();
}

bool PathStartsWith(std::string_view path, std::string_view prefix) {
  std::string_view wanted;
  std::string_view component;
  while (NextComponent(&prefix, &wanted)) {
    if (!NextComponent(&path, &component) || !GlobMatch(wanted, component)) return false;
  }
  return true;
}

}  // namespace vakt

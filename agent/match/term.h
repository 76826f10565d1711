// SPDX-License-Identifier: Apache-2.0
// What a check looks for in a value, in a form that many checks can be looked up by at once.
//
//   proc.name in (nc, ncat)      text "nc" or text "ncat"                 decides
//   fd.name startswith /etc/     prefix "/etc/"                           decides
//   fd.name glob /etc/*.conf     suffix ".conf"                           must be there
//   proc.args regex .*(nc|sh)..  part "nc" or ...                         must be there
//   fd.snet = 10.0.0.0/8         network "400001010"                      decides
//
// Ownership: values. Threads: thread-safe functions.
#ifndef VAKT_AGENT_MATCH_TERM_H_
#define VAKT_AGENT_MATCH_TERM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/rulelang/expr.h"

namespace vakt {

struct Term {
  enum class Kind : uint8_t {
    kText,              // the value is this text
    kNumber,            // the value has this NumberKey
    kPrefix,            // it begins with this text
    kSuffix,            // it ends with this text
    kPath,              // its PathKey begins with this one
    kNetwork,           // its NetworkKey begins with this one
    kPart,              // this text is part of it
    kPartIgnoringCase,  // likewise, whatever the case of ASCII letters
  };
  static constexpr size_t kKinds = 8;

  Kind kind = Kind::kText;
  std::string text;

  // How often a value can be expected to have it, by its length alone.
  double Likelihood() const;
};

// A check holds only if one of its terms is found in one of the values of its left side.
struct Terms {
  std::vector<Term> terms;  // empty: it cannot be looked up
  bool decide = false;      // the converse holds too
};
Terms TermsOf(const Check& check);

// Bytes of a number, truth value or address such that two values are equal exactly if their keys
// are; empty for other values. `buffer` holds them.
constexpr size_t kNumberKeyBytes = 17;
std::string_view NumberKey(const Value& value, char (&buffer)[kNumberKeyBytes]);

// Sets *key to a slash and the path's components, each with a slash behind it: /etc/ssh/.
void SetPathKey(std::string_view path, std::string* key);

// Sets *key to the address family and the first bits, one character each: 400001010.
void SetNetworkKey(const IpAddress& ip, int bits, std::string* key);

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_TERM_H_

// SPDX-License-Identifier: Apache-2.0
// Alerts as terms of the store's full-text index, and conditions as questions to it. The index may
// only find too much, never too little: what it finds is asked again by the condition itself.
//
// A term is a word of the alert's output (a run of ASCII letters, digits and bytes from 0x80, in
// lower case), or one that stands for a field and its exact value.
//
// What is indexed may only change together with a migration that builds the index anew: entries
// are removed by their terms.
//
// Threads: pure functions.
#ifndef VAKT_COLLECTOR_FILTER_SEARCH_TERMS_H_
#define VAKT_COLLECTOR_FILTER_SEARCH_TERMS_H_

#include <string>
#include <string_view>
#include <vector>

#include "common/rulelang/expr.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

// The words of a text, in lower case, each once, in order.
std::vector<std::string> WordsOf(std::string_view text);

// All terms of an alert, separated by blanks.
std::string SearchTermsOf(const v1::Alert& alert);

// An expression of SQLite's FTS5 that holds for all alerts for which the condition and the words
// do; empty when the index cannot help. `condition` may be null.
std::string SearchExpression(const Expr* condition, const std::vector<std::string>& words);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_FILTER_SEARCH_TERMS_H_

// SPDX-License-Identifier: Apache-2.0
// What /etc/passwd and /etc/group say, and the same in a recording. Bytes are untrusted: a line
// that is none is left out. Thread-safe.
#ifndef VAKT_AGENT_ENRICH_ACCOUNT_FILE_H_
#define VAKT_AGENT_ENRICH_ACCOUNT_FILE_H_

#include <string_view>

#include "common/event/account.h"
#include "vakt/v1/recording.pb.h"

namespace vakt {

using AccountList = google::protobuf::RepeatedPtrField<v1::NodeFacts::Account>;

// Of several lines with one id the first counts, as it does for getpwuid(3).
AccountMap ParsePasswd(std::string_view text);
AccountMap ParseGroups(std::string_view text);

// Appends them, sorted by id; at most `max`.
void AccountsToProto(const AccountMap& accounts, AccountList* out, int max = 1 << 24);
AccountMap AccountsFromProto(const AccountList& accounts);

}  // namespace vakt

#endif  // VAKT_AGENT_ENRICH_ACCOUNT_FILE_H_

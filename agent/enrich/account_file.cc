// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/account_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "common/base/text.h"

namespace vakt {
namespace {

template <size_t kCount>
bool SplitColons(std::string_view line, std::array<std::string_view, kCount>* fields) {
  for (size_t i = 0; i < kCount; ++i) {
    const size_t colon = line.find(':');
    if ((colon == std::string_view::npos) != (i + 1 == kCount)) return false;
    (*fields)[i] = line.substr(0, colon);
    if (colon != std::string_view::npos) line.remove_prefix(colon + 1);
  }
  return true;
}

bool ParseId(std::string_view text, uint32_t* id) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *id);
  return error == std::errc() && end == text.data() + text.size();
}

// name:password:uid:gid:comment:home:shell
void ParsePasswdLine(std::string_view line, AccountMap* accounts) {
  std::array<std::string_view, 7> fields;
  uint32_t uid;
  if (!SplitColons(line, &fields) || !ParseId(fields[2], &uid)) return;
  accounts->try_emplace(
      uid, Account{SharedString(fields[0]), SharedString(fields[5]), SharedString(fields[6])});
}

// name:password:gid:members
void ParseGroupLine(std::string_view line, AccountMap* accounts) {
  std::array<std::string_view, 4> fields;
  uint32_t gid;
  if (!SplitColons(line, &fields) || !ParseId(fields[2], &gid)) return;
  accounts->try_emplace(gid, Account{SharedString(fields[0]), {}, {}});
}

template <typename ParseLine>
AccountMap ParseLines(std::string_view text, ParseLine parse_line) {
  AccountMap accounts;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    parse_line(text.substr(0, end), &accounts);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return accounts;
}

}  // namespace

AccountMap ParsePasswd(std::string_view text) { return ParseLines(text, ParsePasswdLine); }

AccountMap ParseGroups(std::string_view text) { return ParseLines(text, ParseGroupLine); }

void AccountsToProto(const AccountMap& accounts, AccountList* out, int max) {
  const std::map<uint32_t, Account> sorted(accounts.begin(), accounts.end());
  for (const auto& [id, account] : sorted) {
    if (out->size() >= max) return;
    v1::NodeFacts::Account* added = out->Add();
    added->set_id(id);
    added->set_name(EscapeUtf8(account.name));
    added->set_home(EscapeUtf8(account.home));
    added->set_shell(EscapeUtf8(account.shell));
  }
}

AccountMap AccountsFromProto(const AccountList& accounts) {
  AccountMap out;
  for (const v1::NodeFacts::Account& account : accounts) {
    out.try_emplace(account.id(),
                    Account{SharedString(account.name()), SharedString(account.home()),
                            SharedString(account.shell())});
  }
  return out;
}

}  // namespace vakt

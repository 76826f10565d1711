// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/account_table.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr std::string_view kUnknown = "<NA>";
constexpr uint64_t kLookEveryNs = 1'000'000'000;
constexpr size_t kMaxFileBytes = 16 << 20;

Account UnknownAccount() {
  return {SharedString(kUnknown), SharedString(kUnknown), SharedString(kUnknown)};
}

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

// name:password:uid:gid:comment:home:shell. Of several lines with one id the first counts, as it
// does for getpwuid(3).
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

void AddAccounts(const AccountMap& accounts,
                 google::protobuf::RepeatedPtrField<v1::NodeFacts::Account>* out) {
  const std::map<uint32_t, Account> sorted(accounts.begin(), accounts.end());
  for (const auto& [id, account] : sorted) {
    v1::NodeFacts::Account* added = out->Add();
    added->set_id(id);
    added->set_name(EscapeUtf8(account.name));
    added->set_home(EscapeUtf8(account.home));
    added->set_shell(EscapeUtf8(account.shell));
  }
}

}  // namespace

AccountTable::AccountTable(const AccountFiles& files) : unknown_(UnknownAccount()) {
  users_.path = files.passwd_path;
  users_.parse_line = ParsePasswdLine;
  groups_.path = files.group_path;
  groups_.parse_line = ParseGroupLine;
  Reload(&users_);
  Reload(&groups_);
}

AccountTable::AccountTable(const v1::NodeFacts& node) : unknown_(UnknownAccount()) {
  for (const v1::NodeFacts::Account& user : node.users()) {
    users_.accounts.try_emplace(
        user.id(),
        Account{SharedString(user.name()), SharedString(user.home()), SharedString(user.shell())});
  }
  for (const v1::NodeFacts::Account& group : node.groups()) {
    groups_.accounts.try_emplace(group.id(), Account{SharedString(group.name()), {}, {}});
  }
}

void AccountTable::ReloadIfChanged(uint64_t now_boot_ns) {
  if (now_boot_ns < next_look_boot_ns_) return;
  next_look_boot_ns_ = now_boot_ns + kLookEveryNs;
  const bool users_changed = Reload(&users_);
  const bool groups_changed = Reload(&groups_);
  if (users_changed || groups_changed) ++generation_;
}

bool AccountTable::Reload(Source* source) {
  if (source->path.empty()) return false;
  struct stat st;
  // While the file is missing (a node is being set up) the last names stay.
  if (stat(source->path.c_str(), &st) != 0) return false;
  const int64_t mtime_ns = int64_t{st.st_mtim.tv_sec} * 1'000'000'000 + st.st_mtim.tv_nsec;
  if (mtime_ns == source->mtime_ns && st.st_ino == source->ino) return false;
  const absl::StatusOr<std::string> text = ReadFile(source->path, kMaxFileBytes);
  if (!text.ok()) {
    if (LogEvery("enrich.accounts", absl::Minutes(10))) LogWarning(Message(text.status()));
    return false;
  }
  source->mtime_ns = mtime_ns;
  source->ino = st.st_ino;
  source->accounts.clear();
  for (std::string_view rest = *text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    source->parse_line(rest.substr(0, end), &source->accounts);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return true;
}

const Account& AccountTable::Find(const Source& source, uint32_t id) const {
  const auto found = source.accounts.find(id);
  return found == source.accounts.end() ? unknown_ : found->second;
}

const Account& AccountTable::User(uint32_t uid) const { return Find(users_, uid); }

const Account& AccountTable::Group(uint32_t gid) const { return Find(groups_, gid); }

void AccountTable::ToProto(v1::NodeFacts* node) const {
  AddAccounts(users_.accounts, node->mutable_users());
  AddAccounts(groups_.accounts, node->mutable_groups());
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/account_table.h"

#include <sys/stat.h>

#include <utility>

#include "agent/enrich/account_file.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/status.h"

namespace vakt {
namespace {

constexpr std::string_view kUnknown = "<NA>";
constexpr uint64_t kLookEveryNs = 1'000'000'000;
constexpr size_t kMaxFileBytes = 16 << 20;

Account UnknownAccount() {
  return {SharedString(kUnknown), SharedString(kUnknown), SharedString(kUnknown)};
}

}  // namespace

AccountTable::AccountTable(const AccountFiles& files) : unknown_(UnknownAccount()) {
  users_.path = files.passwd_path;
  users_.parse = ParsePasswd;
  groups_.path = files.group_path;
  groups_.parse = ParseGroups;
  Reload(&users_);
  Reload(&groups_);
}

AccountTable::AccountTable(const v1::NodeFacts& node) : unknown_(UnknownAccount()) {
  users_.accounts = AccountsFromProto(node.users());
  groups_.accounts = AccountsFromProto(node.groups());
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
  source->accounts = source->parse(*text);
  return true;
}

const Account& AccountTable::Find(const Source& source, uint32_t id) const {
  const auto found = source.accounts.find(id);
  return found == source.accounts.end() ? unknown_ : found->second;
}

const Account& AccountTable::User(uint32_t uid) const { return Find(users_, uid); }

const Account& AccountTable::Group(uint32_t gid) const { return Find(groups_, gid); }

void AccountTable::ToProto(v1::NodeFacts* node) const {
  AccountsToProto(users_.accounts, node->mutable_users());
  AccountsToProto(groups_.accounts, node->mutable_groups());
}

}  // namespace vakt

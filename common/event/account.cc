// SPDX-License-Identifier: Apache-2.0
#include "common/event/account.h"

#include "common/event/container.h"
#include "common/event/process.h"

namespace vakt {
namespace {

constexpr std::string_view kUnknown = "<NA>";

std::string_view OrUnknown(std::string_view text) { return text.empty() ? kUnknown : text; }

AccountText TextOf(const Account& account) {
  return {OrUnknown(account.name), OrUnknown(account.home), OrUnknown(account.shell)};
}

AccountText In(const AccountMap* accounts, uint32_t id) {
  if (accounts != nullptr) {
    const auto found = accounts->find(id);
    if (found != accounts->end()) return TextOf(found->second);
  }
  return {id == 0 ? "root" : kUnknown, kUnknown, kUnknown};
}

}  // namespace

AccountText UserIn(const Container& container, uint32_t uid) {
  return In(container.accounts ? &container.accounts->users : nullptr, uid);
}

std::string_view GroupNameIn(const Container& container, uint32_t gid) {
  return In(container.accounts ? &container.accounts->groups : nullptr, gid).name;
}

AccountText UserOf(const Process& process) {
  if (process.container != nullptr) return UserIn(*process.container, process.euid);
  return {OrUnknown(process.user_name), OrUnknown(process.user_home),
          OrUnknown(process.user_shell)};
}

std::string_view GroupNameOf(const Process& process) {
  if (process.container != nullptr) return GroupNameIn(*process.container, process.egid);
  return OrUnknown(process.group_name);
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
// Users and groups by number: those of the node, or of a container's own files.
//
// Threads: thread-compatible.
#ifndef VAKT_COMMON_EVENT_ACCOUNT_H_
#define VAKT_COMMON_EVENT_ACCOUNT_H_

#include <cstdint>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "common/base/shared_string.h"

namespace vakt {

struct Account {
  SharedString name;
  SharedString home;   // users only
  SharedString shell;  // users only
};

using AccountMap = absl::flat_hash_map<uint32_t, Account>;  // by id

struct Accounts {
  AccountMap users;
  AccountMap groups;
};

struct Container;
struct Process;

struct AccountText {
  std::string_view name;
  std::string_view home;
  std::string_view shell;
};

// Of a process's effective user and group: by the container's files when it is in one, by the
// node's elsewhere. "<NA>" when there is none; of a container whose files were not read, too, but
// for root, which has that name everywhere: the node's names are other people's there.
AccountText UserOf(const Process& process);
std::string_view GroupNameOf(const Process& process);

// The same of any id in a container.
AccountText UserIn(const Container& container, uint32_t uid);
std::string_view GroupNameIn(const Container& container, uint32_t gid);

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_ACCOUNT_H_

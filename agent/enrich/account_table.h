// SPDX-License-Identifier: Apache-2.0
// Names for user and group ids, from the node's files or, in a replay, from the recording. Those
// inside containers are the containers' own (account_reader.h).
//
// Threads: pipeline thread only.
#ifndef VAKT_AGENT_ENRICH_ACCOUNT_TABLE_H_
#define VAKT_AGENT_ENRICH_ACCOUNT_TABLE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "common/event/account.h"
#include "vakt/v1/recording.pb.h"

namespace vakt {

struct AccountFiles {
  std::string passwd_path = "/etc/passwd";
  std::string group_path = "/etc/group";
};

class AccountTable {
 public:
  // Reads the files now and again when they change. One that cannot be read names nobody.
  explicit AccountTable(const AccountFiles& files);
  // The accounts of a recording.
  explicit AccountTable(const v1::NodeFacts& node);

  // Looks, at most once a second of event time, whether the files have changed.
  void ReloadIfChanged(uint64_t now_boot_ns);

  // With the name "<NA>" (and home and shell) when there is none for the id.
  const Account& User(uint32_t uid) const;
  const Account& Group(uint32_t gid) const;

  // Grows with each reload: names that were looked up before are to be looked up again.
  uint32_t generation() const { return generation_; }

  // Appends all accounts, sorted by id, for a recording.
  void ToProto(v1::NodeFacts* node) const;

 private:
  // One file: what it held, and when it was read (to tell whether it has changed).
  struct Source {
    std::string path;  // empty: not from a file
    AccountMap (*parse)(std::string_view text) = nullptr;
    AccountMap accounts;
    int64_t mtime_ns = -1;
    uint64_t ino = 0;
  };

  bool Reload(Source* source);
  const Account& Find(const Source& source, uint32_t id) const;

  Source users_;
  Source groups_;
  const Account unknown_;
  uint32_t generation_ = 1;
  uint64_t next_look_boot_ns_ = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_ENRICH_ACCOUNT_TABLE_H_

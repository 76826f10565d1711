// SPDX-License-Identifier: Apache-2.0
// user.* and group.*: the credentials that the kernel checks (effective), at the moment of the
// event.
#include <string_view>

#include "common/event/account.h"
#include "common/event/fields.h"

namespace vakt {
namespace {

constexpr std::string_view kUnknownName = "<NA>";
constexpr uint32_t kUnsetLoginUid = 0xffffffff;

void PutName(std::string_view name, Extractor& out) {
  out.Add(Value::String(name.empty() ? kUnknownName : name));
}

}  // namespace

void UserUid(const Event& event, const FieldArg&, Extractor& out) {
  out.Add(Value::Uint(event.task.euid));
}

void UserUidBefore(const Event& event, const FieldArg&, Extractor& out) {
  if (event.kind != Kind::process_credentials) return;
  const CredentialChange& change = event.process_credentials;
  if (change.before_known) out.Add(Value::Uint(change.euid_before));
}

void UserName(const Event& event, const FieldArg&, Extractor& out) {
  PutName(event.process == nullptr ? kUnknownName : UserOf(*event.process).name, out);
}

void UserHomedir(const Event& event, const FieldArg&, Extractor& out) {
  PutName(event.process == nullptr ? kUnknownName : UserOf(*event.process).home, out);
}

void UserShell(const Event& event, const FieldArg&, Extractor& out) {
  PutName(event.process == nullptr ? kUnknownName : UserOf(*event.process).shell, out);
}

void UserLoginuid(const Event& event, const FieldArg&, Extractor& out) {
  const uint32_t uid = event.process == nullptr ? kUnsetLoginUid : event.process->login_uid;
  out.Add(Value::Int(uid == kUnsetLoginUid ? -1 : static_cast<int64_t>(uid)));
}

void UserLoginname(const Event& event, const FieldArg&, Extractor& out) {
  PutName(event.process == nullptr ? kUnknownName : event.process->login_name, out);
}

void GroupGid(const Event& event, const FieldArg&, Extractor& out) {
  out.Add(Value::Uint(event.task.egid));
}

void GroupName(const Event& event, const FieldArg&, Extractor& out) {
  PutName(event.process == nullptr ? kUnknownName : GroupNameOf(*event.process), out);
}

}  // namespace vakt

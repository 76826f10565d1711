// SPDX-License-Identifier: Apache-2.0
#include "common/event/event_params.h"

#include <array>
#include <vector>

#include "common/base/strings.h"
#include "common/event/params.h"

namespace vakt {
namespace {

std::array<absl::Span<const TypeParams>, 4> AllFamilies() {
  return {ProcessParams(), CallParams(), FileParams(), NetworkParams()};
}

// Parameters of event types that Falco has and that our probes do not report yet, each between
// blanks.
constexpr std::string_view kOtherParams =
    " arg arg2_int arg2_str backlog cap cmd data dirfd1 dirfd2 domain egid euid events fd1 fd2"
    " fd_in fd_out fdin fdout fds filedes flag how id img in_fd initval interest_mask length"
    " level linkdirfd linkpath locktype maxevents msgcontrol nativeID new_root newcur newdir"
    " newdirfd newfd newmax newpath next nstype offset olddir olddirfd oldfd oldpath op"
    " operation option optlen optname out_fd pathname pid_fd prot proto put_old quota_fmt"
    " request resource rgid ruid sgid sigmask signal size source special submit suid target"
    " target_fd time timeout type uargs val whence ";

// Parameters whose raw value is a text, likewise.
constexpr std::string_view kTextParams =
    " args cgroups cmdline comm cwd description dir env exe filename img linkpath msgcontrol name"
    " new_root newpath oldpath path pathname prog_name put_old special target trusted_exepath tuple"
    " type_name uargs ";

bool Names(std::string_view names, std::string_view name) {
  return !name.empty() && names.find(StrCat(" ", name, " ")) != std::string_view::npos;
}

}  // namespace

absl::Span<const ParamRow> EventParams(const Event& event) {
  static const auto* const by_type = [] {
    auto* table = new std::vector<absl::Span<const ParamRow>>(AllEventTypes().size());
    for (const auto& family : AllFamilies()) {
      for (const TypeParams& row : family) (*table)[FindEventType(row.type)->id] = row.params;
    }
    return table;
  }();
  return event.type < by_type->size() ? (*by_type)[event.type] : absl::Span<const ParamRow>();
}

bool IsEventParam(std::string_view name) {
  for (const auto& family : AllFamilies()) {
    for (const TypeParams& row : family) {
      for (const ParamRow& param : row.params) {
        if (param.name == name) return true;
      }
    }
  }
  return Names(kOtherParams, name);
}

FieldType RawParamType(std::string_view name) {
  return Names(kTextParams, name) ? FieldType::kString : FieldType::kInt;
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "common/ruletest/script_keys.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/strings/numbers.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/event/event_names.h"
#include "common/event/payload.h"
#include "common/ruletest/script_values.h"

namespace vakt {
namespace {

constexpr KindSet kPrograms = KindBit(Kind::process_seed) | KindBit(Kind::process_exec);
constexpr KindSet kExec = KindBit(Kind::process_exec);
constexpr KindSet kOpen = KindBit(Kind::file_open);
constexpr KindSet kChanges = kFileChangeKinds;
constexpr KindSet kNetwork = kNetworkKinds;
constexpr KindSet kCalls = KindsWith(Payload::kCall);
constexpr KindSet kActs = KindsWith(Payload::kAct);
constexpr KindSet kCredentials = KindsWith(Payload::kCredentials);
constexpr KindSet kAll = ~KindSet{0};

constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kMaxSeconds = 1'000'000'000;
constexpr size_t kContainerIdDigits = 64;

v1::Task& TaskOf(EventDraft& draft) { return draft.process.task; }
v1::ProcessExec& ImageOf(EventDraft& draft) { return draft.process.image; }
v1::ProcessFacts& FactsOf(EventDraft& draft) { return *draft.process.image.mutable_facts(); }

// Setters of plain members: a protobuf setter and the part of the draft that it belongs to.
template <auto part, auto setter>
absl::Status Number(const YamlNode& value, EventDraft& draft) {
  uint32_t number = 0;
  VAKT_RETURN_IF_ERROR(ReadUint32(value, &number));
  (part(draft).*setter)(number);
  return absl::OkStatus();
}

template <auto part, auto setter>
absl::Status Flag(const YamlNode& value, EventDraft& draft) {
  bool flag = false;
  VAKT_RETURN_IF_ERROR(ReadBool(value, &flag));
  (part(draft).*setter)(flag);
  return absl::OkStatus();
}

template <auto part, std::string* (std::remove_reference_t<
                                   decltype(part(std::declval<EventDraft&>()))>::*mutable_text)()>
absl::Status Text(const YamlNode& value, EventDraft& draft) {
  return ReadText(value, (part(draft).*mutable_text)());
}

// pid and ppid are read before all others (EventScript::FindOrStart).
absl::Status AlreadyRead(const YamlNode&, EventDraft&) { return absl::OkStatus(); }

absl::Status SetComm(const YamlNode& value, EventDraft& draft) {
  draft.has_comm = true;
  return ReadText(value, draft.process.task.mutable_comm());
}

absl::Status SetUid(const YamlNode& value, EventDraft& draft) {
  uint32_t uid = 0;
  VAKT_RETURN_IF_ERROR(ReadUint32(value, &uid));
  draft.process.task.set_uid(uid);
  draft.process.task.set_euid(uid);
  return absl::OkStatus();
}

absl::Status SetGid(const YamlNode& value, EventDraft& draft) {
  uint32_t gid = 0;
  VAKT_RETURN_IF_ERROR(ReadUint32(value, &gid));
  draft.process.task.set_gid(gid);
  draft.process.task.set_egid(gid);
  return absl::OkStatus();
}

absl::Status SetCapabilities(const YamlNode& value, EventDraft& draft) {
  uint64_t capabilities = 0;
  VAKT_RETURN_IF_ERROR(ReadNumber(value, std::numeric_limits<uint64_t>::max(), &capabilities));
  draft.process.task.set_cap_effective(capabilities);
  FactsOf(draft).set_cap_permitted(capabilities);
  return absl::OkStatus();
}

absl::Status SetExe(const YamlNode& value, EventDraft& draft) {
  return ReadText(value, ImageOf(draft).mutable_exe()->mutable_path());
}

absl::Status SetArgv(const YamlNode& value, EventDraft& draft) {
  if (!value.is_sequence()) return absl::InvalidArgumentError("expected a list of arguments");
  ImageOf(draft).clear_argv();
  for (const YamlNode& item : value.items) {
    VAKT_RETURN_IF_ERROR(ReadText(item, ImageOf(draft).add_argv()));
  }
  return absl::OkStatus();
}

absl::Status SetEnv(const YamlNode& value, EventDraft& draft) {
  if (!value.is_sequence()) return absl::InvalidArgumentError("expected a list of NAME=VALUE");
  std::string& env = *ImageOf(draft).mutable_env();
  for (const YamlNode& item : value.items) {
    std::string entry;
    VAKT_RETURN_IF_ERROR(ReadText(item, &entry));
    env.append(entry).push_back('\0');
  }
  return absl::OkStatus();
}

// "0123456789ab" becomes a cgroup of Docker's, the id padded with zeros.
absl::Status SetContainer(const YamlNode& value, EventDraft& draft) {
  std::string id;
  VAKT_RETURN_IF_ERROR(ReadText(value, &id));
  if (id.empty() || id.size() > kContainerIdDigits ||
      id.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Invalid("expected up to 64 hex digits (quoted, when they look like a number)", value);
  }
  id.resize(kContainerIdDigits, '0');
  draft.process.SetCgroup(StrCat("/system.slice/docker-", id, ".scope"));
  return absl::OkStatus();
}

absl::Status SetCgroup(const YamlNode& value, EventDraft& draft) {
  std::string path;
  VAKT_RETURN_IF_ERROR(ReadText(value, &path));
  draft.process.SetCgroup(path);
  return absl::OkStatus();
}

absl::Status SetType(const YamlNode& value, EventDraft& draft) {
  if (FindEventType(value.text) == nullptr) return Invalid("expected an event type", value);
  draft.event.set_type(value.text);
  return absl::OkStatus();
}

absl::Status SetResult(const YamlNode& value, EventDraft& draft) {
  for (int64_t error = 1; error < 256; ++error) {
    if (!value.text.empty() && ErrnoName(error) == value.text) {
      draft.event.set_result(-error);
      return absl::OkStatus();
    }
  }
  int64_t number = 0;
  if (!absl::SimpleAtoi(value.text, &number)) {
    return Invalid("expected a number or an error's name, such as ENOENT", value);
  }
  draft.event.set_result(number);
  return absl::OkStatus();
}

absl::Status SetAfter(const YamlNode& value, EventDraft& draft) {
  uint64_t seconds = 0;
  VAKT_RETURN_IF_ERROR(ReadNumber(value, kMaxSeconds, &seconds));
  draft.after_ns = seconds * kNsPerSecond;
  return absl::OkStatus();
}

v1::FileOpen& OpenOf(EventDraft& draft) { return *draft.event.mutable_file_open(); }

absl::Status SetPath(const YamlNode& value, EventDraft& draft) {
  return ReadText(value, OpenOf(draft).mutable_file()->mutable_path());
}

v1::FileChange& ChangeOf(EventDraft& draft) { return draft.change; }

absl::Status SetChangePath(const YamlNode& value, EventDraft& draft) {
  return ReadText(value, draft.change.mutable_file()->mutable_path());
}

absl::Status SetUnixPath(const YamlNode& value, EventDraft& draft) {
  return ReadText(value, draft.network.mutable_path());
}

absl::Status SetFamily(const YamlNode& value, EventDraft& draft) {
  for (uint32_t family = 0; !FamilyName(family).empty(); ++family) {
    if (FamilyName(family) != value.text) continue;
    draft.network.set_family(family);
    return absl::OkStatus();
  }
  return Invalid("expected AF_INET, AF_PACKET and so on", value);
}

absl::Status SetOpenFlags(const YamlNode& value, EventDraft& draft) {
  uint32_t flags = 0;
  std::string_view rest = value.text;
  do {
    const std::string_view name = rest.substr(0, rest.find('|'));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    const std::optional<uint32_t> flag = FindOpenFlag(name);
    if (!flag.has_value()) return Invalid("expected O_RDWR|O_CREAT or the like", value);
    flags |= *flag;
  } while (!rest.empty());
  OpenOf(draft).set_flags(flags);
  OpenOf(draft).set_created((flags & O_CREAT) != 0);  // of a new file, as mode is
  return absl::OkStatus();
}

absl::Status SetFileType(const YamlNode& value, EventDraft& draft) {
  const struct {
    std::string_view name;
    uint32_t mode;
  } types[] = {{"file", S_IFREG | 0644},
               {"directory", S_IFDIR | 0755},
               {"pipe", S_IFIFO | 0600},
               {"device", S_IFBLK | 0600}};
  for (const auto& type : types) {
    if (type.name != value.text) continue;
    OpenOf(draft).mutable_file()->set_mode(type.mode);
    return absl::OkStatus();
  }
  return Invalid("expected file, directory, pipe or device", value);
}

// While the draft is made `local` is the client, whichever side the process is on.
absl::Status SetFrom(const YamlNode& value, EventDraft& draft) {
  return ReadEndpoint(value, draft.network.mutable_local());
}
absl::Status SetTo(const YamlNode& value, EventDraft& draft) {
  return ReadEndpoint(value, draft.network.mutable_remote());
}

absl::Status SetTransport(const YamlNode& value, EventDraft& draft) {
  if (value.text != "tcp" && value.text != "udp") return Invalid("expected tcp or udp", value);
  draft.network.set_transport(value.text == "tcp" ? v1::TRANSPORT_TCP : v1::TRANSPORT_UDP);
  return absl::OkStatus();
}

absl::Status SetChild(const YamlNode& value, EventDraft& draft) {
  return ReadUint32(value, &draft.child_pid);
}

absl::Status SetExitCode(const YamlNode& value, EventDraft& draft) {
  uint64_t code = 0;
  VAKT_RETURN_IF_ERROR(ReadNumber(value, 255, &code));
  draft.event.mutable_process_exit()->set_exit_code(static_cast<int32_t>(code));
  return absl::OkStatus();
}

absl::Status SetSignal(const YamlNode& value, EventDraft& draft) {
  uint64_t signal = 0;
  VAKT_RETURN_IF_ERROR(ReadNumber(value, 64, &signal));
  draft.event.mutable_process_exit()->set_signal(static_cast<int32_t>(signal));
  return absl::OkStatus();
}

// All three have them, and one of them is used.
absl::Status SetArgs(const YamlNode& value, EventDraft& draft) {
  constexpr int kMaxArgs = 6;
  if (!value.is_sequence() || value.items.size() > kMaxArgs) {
    return absl::InvalidArgumentError("expected a list of at most six numbers");
  }
  for (const YamlNode& item : value.items) {
    uint64_t number = 0;
    VAKT_RETURN_IF_ERROR(ReadNumber(item, std::numeric_limits<uint64_t>::max(), &number));
    draft.call.add_args(number);
    draft.act.add_args(number);
    draft.credentials.add_args(number);
  }
  return absl::OkStatus();
}

absl::Status SetCallText(const YamlNode& value, EventDraft& draft) {
  VAKT_RETURN_IF_ERROR(ReadText(value, draft.call.mutable_text()));
  draft.act.set_text(draft.call.text());
  return absl::OkStatus();
}

absl::Status SetCallPath(const YamlNode& value, EventDraft& draft) {
  draft.call.mutable_file()->set_mode(S_IFREG | 0644);
  return ReadText(value, draft.call.mutable_file()->mutable_path());
}

absl::Status SetTarget(const YamlNode& value, EventDraft& draft) {
  uint64_t pid = 0;
  VAKT_RETURN_IF_ERROR(ReadNumber(value, std::numeric_limits<int32_t>::max(), &pid));
  draft.act.mutable_target()->set_pid(static_cast<uint32_t>(pid));
  draft.act.mutable_target()->set_tid(static_cast<uint32_t>(pid));
  return absl::OkStatus();
}

absl::Status SetCallOrigin(const YamlNode& value, EventDraft& draft) {
  std::string name;
  VAKT_RETURN_IF_ERROR(ReadText(value, &name));
  v1::UserStack::Origin origin = v1::UserStack::ORIGIN_UNSPECIFIED;
  if (name == "file") {
    origin = v1::UserStack::ORIGIN_FILE;
  } else if (name == "anonymous") {
    origin = v1::UserStack::ORIGIN_ANONYMOUS;
  } else if (name != "unknown") {
    return Invalid("expected file, anonymous or unknown", value);
  }
  draft.event.mutable_user_stack()->set_origin(origin);
  return absl::OkStatus();
}

absl::Status SetCallFile(const YamlNode& value, EventDraft& draft) {
  return ReadText(value, draft.event.mutable_user_stack()->mutable_origin_name());
}

constexpr ScriptKeyRow kKeys[] = {
    {"pid", kAll, "Process id; names the process in later events. 100.", AlreadyRead},
    {"ppid", kPrograms, "Process id of the parent. As before, or 1.", AlreadyRead},
    {"tid", kAll, "Thread id. pid.", Number<TaskOf, &v1::Task::set_tid>},
    {"comm", kAll, "Name. Last component of exe, at most 15 bytes.", SetComm},
    {"uid", kAll, "User id, real and effective. As before, the parent's, or 0.", SetUid},
    {"gid", kAll, "Group id, real and effective. As uid.", SetGid},
    {"euid", kAll, "Effective user id, after uid. uid.", Number<TaskOf, &v1::Task::set_euid>},
    {"caps", kAll, "Effective and permitted capabilities as a number. As uid.", SetCapabilities},
    {"type", kAll, "Event type: openat2, execveat, accept4. The usual one of the kind.", SetType},
    {"after_s", kAll, "Seconds since the event before. A millisecond.", SetAfter},
    {"call_origin", kStackKinds, "Where the call came from: file, anonymous or unknown. Not told.",
     SetCallOrigin},
    {"call_file", kStackKinds, "Name of the file that is mapped there. None.", SetCallFile},
    {"exe", kPrograms, "Path of the executable as the kernel resolved it.", SetExe},
    {"argv", kPrograms, "Arguments with argv[0]. The last component of exe.", SetArgv},
    {"env", kPrograms, "Environment, a list of NAME=VALUE. Empty.", SetEnv},
    {"filename", kExec, "Path that was asked for. exe.",
     Text<ImageOf, &v1::ProcessExec::mutable_filename>},
    {"cwd", kPrograms, "Working directory. /.", Text<ImageOf, &v1::ProcessExec::mutable_cwd>},
    {"login_uid", kPrograms, "Audit login user id. As uid, or unset.",
     Number<FactsOf, &v1::ProcessFacts::set_login_uid>},
    {"tty", kPrograms, "Device number of the terminal. As uid.",
     Number<FactsOf, &v1::ProcessFacts::set_tty>},
    {"ns_pid", kPrograms, "Process id in its own namespace. pid.",
     Number<FactsOf, &v1::ProcessFacts::set_ns_pid>},
    {"sid", kPrograms, "Session id. As uid.", Number<FactsOf, &v1::ProcessFacts::set_session_id>},
    {"container", kPrograms, "Container id, up to 64 hex digits. As uid, or the host.",
     SetContainer},
    {"cgroup", kPrograms, "Control group path, instead of container.", SetCgroup},
    {"mnt_ns", kPrograms, "Mount namespace, as a number. As uid.",
     Number<TaskOf, &v1::Task::set_mnt_ns>},
    {"upper_layer", kPrograms, "The executable is not from the image. false.",
     Flag<ImageOf, &v1::ProcessExec::set_exe_upper_layer>},
    {"memfd", kPrograms, "The executable is a memfd. false.",
     Flag<ImageOf, &v1::ProcessExec::set_exe_memfd>},
    {"unlinked", kPrograms, "The executable was deleted. false.",
     Flag<ImageOf, &v1::ProcessExec::set_exe_unlinked>},
    {"writable", kPrograms, "Its user may write the executable. false.",
     Flag<ImageOf, &v1::ProcessExec::set_exe_writable>},
    {"child", KindBit(Kind::process_fork), "Process id of the new process.", SetChild},
    {"path", kOpen, "Path as the kernel resolved it.", SetPath},
    {"raw", kOpen, "Path as the program passed it. path.",
     Text<OpenOf, &v1::FileOpen::mutable_name_raw>},
    {"flags", kOpen, "O_WRONLY|O_CREAT and so on. O_RDONLY.", SetOpenFlags},
    {"mode", kOpen, "Mode of a new file. 0.", Number<OpenOf, &v1::FileOpen::set_create_mode>},
    {"file_type", kOpen, "file, directory, pipe or device. file.", SetFileType},
    {"path", kChanges, "Absolute path that the call names; of two: the old name, the mount point.",
     SetChangePath},
    {"raw", kChanges, "Path as the program passed it. path.",
     Text<ChangeOf, &v1::FileChange::mutable_name_raw>},
    {"other", kChanges, "Of two absolute paths: the new name, what is mounted.",
     Text<ChangeOf, &v1::FileChange::mutable_other_path>},
    {"text", kChanges, "A link's target, an attribute's name, a file system type.",
     Text<ChangeOf, &v1::FileChange::mutable_text>},
    {"flags", kChanges, "Flags as a number. 0.", Number<ChangeOf, &v1::FileChange::set_flags>},
    {"mode", kChanges, "Permissions as a number, 04755. 0.",
     Number<ChangeOf, &v1::FileChange::set_mode>},
    {"result", kOpen | kChanges | kNetwork | kCalls | kActs | kCredentials,
     "ENOENT and so on, or a number. Success.", SetResult},
    {"from", kNetwork, "The client: address:port. 10.0.0.5:40000.", SetFrom},
    {"to", kNetwork, "The server: address:port.", SetTo},
    {"transport", kNetwork, "tcp or udp. udp for send and receive, else tcp.", SetTransport},
    {"path", kNetwork, "Name of a unix socket, instead of from and to; @name if abstract.",
     SetUnixPath},
    {"family", KindBit(Kind::network_socket), "AF_INET, AF_PACKET and so on. AF_INET.", SetFamily},
    {"args", kCalls | kActs | kCredentials, "The call's arguments, as numbers. 0.", SetArgs},
    {"text", kCalls | kActs, "The call's string. Empty.", SetCallText},
    {"file", kCalls, "Path of the file behind the call's descriptor. None.", SetCallPath},
    {"target", kActs, "Process id of the process acted upon.", SetTarget},
    {"code", KindBit(Kind::process_exit), "Exit code. 0.", SetExitCode},
    {"signal", KindBit(Kind::process_exit), "Signal that ended it. 0.", SetSignal},
};

}  // namespace

const std::vector<ScriptKeyRow>& AllScriptKeys() {
  static const auto* const all = [] {
    auto* rows = new std::vector<ScriptKeyRow>(std::begin(kKeys), std::end(kKeys));
    rows->insert(rows->end(), FlowScriptKeys().begin(), FlowScriptKeys().end());
    return rows;
  }();
  return *all;
}

const ScriptKeyRow* FindScriptKey(std::string_view name, Kind kind) {
  for (const ScriptKeyRow& row : AllScriptKeys()) {
    if (row.name == name && (row.kinds & KindBit(kind)) != 0) return &row;
  }
  return nullptr;
}

std::string ScriptKeyNames(Kind kind) {
  std::string names;
  for (const ScriptKeyRow& row : AllScriptKeys()) {
    if ((row.kinds & KindBit(kind)) == 0) continue;
    if (!names.empty()) names += ", ";
    names += row.name;
  }
  return names;
}

}  // namespace vakt

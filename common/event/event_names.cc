// SPDX-License-Identifier: Apache-2.0
#include "common/event/event_names.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>

#include <iterator>

namespace vakt {
namespace {

// By bit number: linux/capability.h.
constexpr std::string_view kCapabilities[] = {"CAP_CHOWN",
                                              "CAP_DAC_OVERRIDE",
                                              "CAP_DAC_READ_SEARCH",
                                              "CAP_FOWNER",
                                              "CAP_FSETID",
                                              "CAP_KILL",
                                              "CAP_SETGID",
                                              "CAP_SETUID",
                                              "CAP_SETPCAP",
                                              "CAP_LINUX_IMMUTABLE",
                                              "CAP_NET_BIND_SERVICE",
                                              "CAP_NET_BROADCAST",
                                              "CAP_NET_ADMIN",
                                              "CAP_NET_RAW",
                                              "CAP_IPC_LOCK",
                                              "CAP_IPC_OWNER",
                                              "CAP_SYS_MODULE",
                                              "CAP_SYS_RAWIO",
                                              "CAP_SYS_CHROOT",
                                              "CAP_SYS_PTRACE",
                                              "CAP_SYS_PACCT",
                                              "CAP_SYS_ADMIN",
                                              "CAP_SYS_BOOT",
                                              "CAP_SYS_NICE",
                                              "CAP_SYS_RESOURCE",
                                              "CAP_SYS_TIME",
                                              "CAP_SYS_TTY_CONFIG",
                                              "CAP_MKNOD",
                                              "CAP_LEASE",
                                              "CAP_AUDIT_WRITE",
                                              "CAP_AUDIT_CONTROL",
                                              "CAP_SETFCAP",
                                              "CAP_MAC_OVERRIDE",
                                              "CAP_MAC_ADMIN",
                                              "CAP_SYSLOG",
                                              "CAP_WAKE_ALARM",
                                              "CAP_BLOCK_SUSPEND",
                                              "CAP_AUDIT_READ",
                                              "CAP_PERFMON",
                                              "CAP_BPF",
                                              "CAP_CHECKPOINT_RESTORE"};

// Falco's open flags, in the order in which it prints them; that order matters, because a name
// takes its bits with it (O_RDWR is O_RDONLY and O_WRONLY). O_LARGEFILE is left out: a 64-bit
// kernel sets it on every file.
struct OpenFlag {
  std::string_view name;
  uint32_t falco;
  uint32_t linux_mask;
  uint32_t linux_value;
};
constexpr OpenFlag kOpenFlags[] = {
    {"O_DIRECTORY", 1u << 10, O_DIRECTORY, O_DIRECTORY},
    {"O_DIRECT", 1u << 9, O_DIRECT, O_DIRECT},
    {"O_TRUNC", 1u << 8, O_TRUNC, O_TRUNC},
    {"O_SYNC", 1u << 7, O_SYNC, O_SYNC},
    {"O_NONBLOCK", 1u << 6, O_NONBLOCK, O_NONBLOCK},
    {"O_EXCL", 1u << 5, O_EXCL, O_EXCL},
    {"O_DSYNC", 1u << 4, O_DSYNC, O_DSYNC},
    {"O_APPEND", 1u << 3, O_APPEND, O_APPEND},
    {"O_CREAT", 1u << 2, O_CREAT, O_CREAT},
    {"O_RDWR", 3u, O_ACCMODE, O_RDWR},
    {"O_WRONLY", 2u, O_ACCMODE, O_WRONLY},
    {"O_RDONLY", 1u, O_ACCMODE, O_RDONLY},
    {"O_CLOEXEC", 1u << 12, O_CLOEXEC, O_CLOEXEC},
    {"O_TMPFILE", 1u << 13, O_TMPFILE, O_TMPFILE},
};

constexpr struct {
  std::string_view name;
  uint64_t value;
} kResolveFlags[] = {
    {"RESOLVE_BENEATH", RESOLVE_BENEATH},
    {"RESOLVE_IN_ROOT", RESOLVE_IN_ROOT},
    {"RESOLVE_NO_MAGICLINKS", RESOLVE_NO_MAGICLINKS},
    {"RESOLVE_NO_SYMLINKS", RESOLVE_NO_SYMLINKS},
    {"RESOLVE_NO_XDEV", RESOLVE_NO_XDEV},
    {"RESOLVE_CACHED", RESOLVE_CACHED},
};

void AppendName(std::string_view name, std::string_view separator, std::string& out) {
  if (!out.empty()) out.append(separator);
  out.append(name);
}

}  // namespace

std::string_view ErrnoName(int64_t error) {
  switch (error) {  // kernel-internal: seen when a signal interrupts the call
    case 512:
      return "ERESTARTSYS";
    case 513:
      return "ERESTARTNOINTR";
    case 514:
      return "ERESTARTNOHAND";
    case 516:
      return "ERESTART_RESTARTBLOCK";
  }
  if (error <= 0 || error > 511) return {};
  if (error == EOPNOTSUPP) return "EOPNOTSUPP";  // the C library prefers its other name, ENOTSUP
  const char* name = strerrorname_np(static_cast<int>(error));
  return name == nullptr ? std::string_view() : std::string_view(name);
}

std::string CapabilityNames(uint64_t capabilities) {
  std::string out;
  for (size_t bit = 0; bit < std::size(kCapabilities); ++bit) {
    if (capabilities >> bit & 1) AppendName(kCapabilities[bit], " ", out);
  }
  return out;
}

uint64_t FindCapability(std::string_view name) {
  for (size_t bit = 0; bit < std::size(kCapabilities); ++bit) {
    if (kCapabilities[bit] == name) return uint64_t{1} << bit;
  }
  return 0;
}

uint32_t OpenFlagsFalco(uint32_t linux_flags) {
  uint32_t out = 0;
  for (const OpenFlag& flag : kOpenFlags) {
    if ((linux_flags & flag.linux_mask) == flag.linux_value) out |= flag.falco;
  }
  return out;
}

std::string OpenFlagNames(uint32_t linux_flags) {
  std::string out;
  uint32_t rest = OpenFlagsFalco(linux_flags);
  for (const OpenFlag& flag : kOpenFlags) {
    if ((rest & flag.falco) != flag.falco) continue;
    AppendName(flag.name, "|", out);
    rest &= ~flag.falco;
  }
  return out;
}

std::optional<uint32_t> FindOpenFlag(std::string_view name) {
  for (const OpenFlag& flag : kOpenFlags) {
    if (flag.name == name) return flag.linux_value;
  }
  return std::nullopt;
}

std::string FlagNames(uint64_t flags, absl::Span<const FlagName> names) {
  std::string out;
  for (const FlagName& flag : names) {
    if ((flags & flag.value) != 0) AppendName(flag.name, "|", out);
  }
  return out;
}

std::string ModeNames(uint32_t mode) {
  static constexpr FlagName kNames[] = {{"S_IXOTH", 01},    {"S_IWOTH", 02},    {"S_IROTH", 04},
                                        {"S_IXGRP", 010},   {"S_IWGRP", 020},   {"S_IRGRP", 040},
                                        {"S_IXUSR", 0100},  {"S_IWUSR", 0200},  {"S_IRUSR", 0400},
                                        {"S_ISVTX", 01000}, {"S_ISGID", 02000}, {"S_ISUID", 04000}};
  return FlagNames(mode, kNames);
}

std::string_view FamilyName(uint32_t family) {
  // By number: linux/socket.h.
  static constexpr std::string_view kFamilies[] = {
      "AF_UNSPEC",     "AF_UNIX",      "AF_INET",     "AF_AX25",  "AF_IPX",     "AF_APPLETALK",
      "AF_NETROM",     "AF_BRIDGE",    "AF_ATMPVC",   "AF_X25",   "AF_INET6",   "AF_ROSE",
      "AF_DECnet",     "AF_NETBEUI",   "AF_SECURITY", "AF_KEY",   "AF_NETLINK", "AF_PACKET",
      "AF_ASH",        "AF_ECONET",    "AF_ATMSVC",   "AF_RDS",   "AF_SNA",     "AF_IRDA",
      "AF_PPPOX",      "AF_WANPIPE",   "AF_LLC",      "AF_IB",    "AF_MPLS",    "AF_CAN",
      "AF_TIPC",       "AF_BLUETOOTH", "AF_IUCV",     "AF_RXRPC", "AF_ISDN",    "AF_PHONET",
      "AF_IEEE802154", "AF_CAIF",      "AF_ALG",      "AF_NFC",   "AF_VSOCK",   "AF_KCM",
      "AF_QIPCRTR",    "AF_SMC",       "AF_XDP",      "AF_MCTP"};
  return family < std::size(kFamilies) ? kFamilies[family] : std::string_view();
}

std::string ResolveFlagNames(uint64_t resolve) {
  std::string out;
  for (const auto& flag : kResolveFlags) {
    if ((resolve & flag.value) != 0) AppendName(flag.name, "|", out);
  }
  return out;
}

}  // namespace vakt

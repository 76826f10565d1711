// SPDX-License-Identifier: Apache-2.0
// Extractors behind the rows of the field table; nobody else includes this.
//
// One file per family: fields_evt.cc, fields_proc.cc, fields_fd.cc and so on. An extractor adds
// what it knows and nothing when the value is null.
#ifndef VAKT_COMMON_EVENT_FIELDS_H_
#define VAKT_COMMON_EVENT_FIELDS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "common/event/container.h"
#include "common/event/event.h"
#include "common/event/field_table.h"
#include "common/event/process.h"

namespace vakt {

using Extract = void(const Event& event, const FieldArg& arg, Extractor& out);

// For fields that nothing on this side can fill.
inline void Nothing(const Event&, const FieldArg&, Extractor&) {}

inline void Put(const Value& value, Extractor& out) {
  if (!value.is_null()) out.Add(value);
}

// ---- fields_evt.cc
Extract EvtNum, EvtTime, EvtTimeSeconds, EvtTimeIso8601, EvtDatetime, EvtDatetimeSeconds;
Extract EvtRawtime, EvtRawtimeSeconds, EvtSource, EvtHostname, EvtDir, EvtType, EvtTypeIs;
Extract SyscallType, EvtCategory, EvtCpu, EvtArgs, EvtArg, EvtRawArg, EvtRes, EvtRawres, EvtFailed;
Extract EvtFalse, EvtOne, EvtCountError, EvtCountErrorFile, EvtCountErrorNet;
Extract EvtAbspath;
Extract EvtIsOpenRead, EvtIsOpenWrite, EvtIsOpenExec, EvtIsOpenCreate, EvtKind, EvtAbi;
Extract EvtCallOrigin, EvtCallFile;

// ---- fields_proc.cc
// One property of a process. Strings point into the process.
using ProcessProperty = Value(const Process& process);
ProcessProperty ProcName, ProcExe, ProcExepath, ProcArgs, ProcCmdline, ProcExeline, ProcCwd;
ProcessProperty ProcPid, ProcPpid, ProcVpid, ProcSid, ProcVpgid, ProcPgid, ProcTty, ProcCookie;
ProcessProperty ProcCmdnargs, ProcCmdlenargs, ProcIsExeWritable, ProcIsExeUpperLayer;
ProcessProperty ProcArgsTruncated, ProcIsExeFromMemfd, ProcIsExeUnlinked, ProcIsSidLeader,
    ProcIsVpgidLeader;
ProcessProperty ProcIsPgidLeader, ProcExeIno, ProcExeInoCtime, ProcExeInoMtime;
ProcessProperty ThreadCgroups, ProcScript;

// Another process seen from the acting one; null when it is not known.
using ProcessRelation = const Process*(const Event& event);
ProcessRelation Self, Parent, SessionLeader, GroupLeader, NsGroupLeader;
ProcessRelation Target;  // the process that the acting one does something to

template <ProcessRelation relation, ProcessProperty property>
void Of(const Event& event, const FieldArg&, Extractor& out) {
  if (const Process* process = relation(event)) Put(property(*process), out);
}

// How many steps up are looked at: bounds the cost of one check, deeper than any sane process tree.
inline constexpr int kMaxAncestors = 1024;

// [N]: N steps up, 0 being the process itself. Without: every ancestor, nearest first.
template <ProcessProperty property>
void OfAncestors(const Event& event, const FieldArg& arg, Extractor& out) {
  const Process* process = event.process;
  for (int depth = 0; process != nullptr && depth <= kMaxAncestors; ++depth) {
    if (arg.present ? depth == arg.index : depth > 0) Put(property(*process), out);
    if (arg.present && depth >= arg.index) return;
    process = process->parent;
  }
}

// These need the event or the argument too.
Extract ProcArgsAt, ProcEnv, ProcAenv, ProcDuration, ProcPpidDuration, ProcPidTs, ProcPpidTs,
    ProcCtimeToStart;
Extract ProcCtimeToPidns, ProcPidnsStart, ProcLoginShell;
// The arguments of the process without argv[0], one value each: what getopt() makes of proc.args.
const FieldRow& ProcArgvField();
Extract ThreadCapPermitted, ThreadCapInheritable, ThreadCapEffective;
Extract ThreadTid, ThreadIsMain, ThreadVtid;
Extract TargetName, TargetPid;

// CLOCK_REALTIME of a moment on the event's CLOCK_BOOTTIME.
int64_t WallNs(const Event& event, uint64_t boot_ns);
// Start of the first process of the acting process's pid namespace; 0 when not known.
uint64_t PidNamespaceStart(const Event& event);

// ---- fields_fd.cc
Extract FdNum, FdType, FdTypechar, FdName, FdDirectory, FdFilename, FdIp, FdCip, FdSip, FdLip;
Extract FdRip, FdPort, FdCport, FdSport, FdLport, FdRport, FdL4proto, FdSockfamily, FdIsServer;
Extract FdUid, FdContainerName, FdContainerDirectory, FdCproto, FdSproto, FdLproto, FdRproto;
Extract FdConnected, FdNameChanged, FdDev, FdDevMajor, FdDevMinor, FdIno, FdNameraw, FdNlink;
Extract FdPathStatus, FdOuterName, FdArgMismatch;

// "127.0.0.1:40000->127.0.0.1:80", "::1:40000->::1:80": client first.
std::string_view ConnectionName(const Event& event, Extractor& out);
std::string EndpointName(const Endpoint& endpoint, bool ipv6);
// The device number as stat(2) reports it (new_encode_dev), from the kernel's s_dev.
uint32_t EncodeDevice(uint32_t dev);
// 'f', 'd', 'p', '4', '6', 'u' unix, 'n' netlink, 'o' another socket; 0 when the event has no file
// descriptor.
char FdTypecharOf(const Event& event);
// The path or connection name, empty when the event has neither.
std::string_view FdNameOf(const Event& event, Extractor& out);

// ---- fields_fs.cc
Extract FsPathName, FsPathNameraw, FsPathSource, FsPathSourceraw, FsPathTarget, FsPathTargetraw;
Extract FsPathStatus;
std::string_view PathStatusName(PathStatus status);  // "ok"; fields_fd.cc

// ---- fields_flow.cc
// One property of a flow. Null when the flow does not have it.
using FlowProperty = Value(const FlowReport& flow);
FlowProperty FlowStateText, FlowDirectionText, FlowClassText, FlowProto, FlowLip, FlowRip;
FlowProperty FlowLport, FlowRport, FlowDuration, FlowRateOut, FlowRateIn, FlowRhythmPeriod;
FlowProperty FlowRhythmJitter, FlowWorkloadAge, FlowAsNumber;
Extract FlowNames, FlowNameSources, FlowPeer, FlowTlsSni, FlowTlsJa4;

template <FlowProperty property>
void OfFlow(const Event& event, const FieldArg&, Extractor& out) {
  if (event.kind == Kind::network_flow) Put(property(event.flow), out);
}

// A member of the report: a number or a flag.
template <auto member>
Value FlowMember(const FlowReport& flow) {
  if constexpr (std::is_same_v<std::decay_t<decltype(flow.*member)>, bool>) {
    return Value::Bool(flow.*member);
  } else if constexpr (std::is_same_v<std::decay_t<decltype(flow.*member)>, std::string_view>) {
    return (flow.*member).empty() ? Value() : Value::String(flow.*member);
  } else {
    return Value::Uint(flow.*member);
  }
}

template <uint64_t FlowSums::*member>
Value FlowCount(const FlowReport& flow) {
  return Value::Uint(flow.sums.*member);
}

// ---- fields_dns.cc
Extract DnsAddresses, DnsAliases, DnsAnswers, DnsDomain, DnsEntropy, DnsLabels, DnsLongestLabel;
Extract DnsName, DnsNameLength, DnsRcode, DnsServer, DnsSize, DnsSubdomain, DnsTruncated, DnsTtl;
Extract DnsType;

// ---- fields_user.cc
Extract UserUid, UserUidBefore, UserName, UserHomedir, UserShell, UserLoginuid, UserLoginname;
Extract GroupGid, GroupName;

// ---- fields_container.cc
Extract ContainerId, ContainerFullId, ContainerName, ContainerType, ContainerStart,
    ContainerDuration;
Extract ContainerMetadata, ContainerNsMismatch, ContainerPrivileged, ContainerCapabilities;
Extract ContainerMounts, ContainerMountOne, ContainerMountDest, ContainerMountMode,
    ContainerMountPropagation, ContainerMountRdwr, ContainerMountSource;
Extract K8sPodAddress, K8sPodShortSandboxId, K8sDeploymentName, K8sReplicaSetName,
    K8sReplicationControllerName;

// The container of the acting process; null on the host.
const Container* ContainerOf(const Event& event);
const Pod* PodOf(const Event& event);

template <auto part>
void Put(const auto* whole, Extractor& out) {
  if (whole != nullptr && !(whole->*part).empty()) out.Add(Value::String(whole->*part));
}

template <std::string Container::*part>
void ContainerText(const Event& event, const FieldArg&, Extractor& out) {
  Put<part>(ContainerOf(event), out);
}

template <std::string Pod::*part>
void PodText(const Event& event, const FieldArg&, Extractor& out) {
  Put<part>(PodOf(event), out);
}

template <bool Pod::*part>
void PodFlag(const Event& event, const FieldArg&, Extractor& out) {
  if (const Pod* pod = PodOf(event)) out.Add(Value::Bool(pod->*part));
}

void PutLabel(const Labels& labels, const FieldArg& key, Extractor& out);
void PutLabels(const Labels& labels, Extractor& out);  // "key:value", each one value

template <Labels Container::*part>
void ContainerLabel(const Event& event, const FieldArg& key, Extractor& out) {
  if (const Container* container = ContainerOf(event)) PutLabel(container->*part, key, out);
}

template <Labels Container::*part>
void ContainerLabels(const Event& event, const FieldArg&, Extractor& out) {
  if (const Container* container = ContainerOf(event)) PutLabels(container->*part, out);
}

template <Labels Pod::*part>
void PodLabel(const Event& event, const FieldArg& key, Extractor& out) {
  if (const Pod* pod = PodOf(event)) PutLabel(pod->*part, key, out);
}

template <Labels Pod::*part>
void PodLabels(const Event& event, const FieldArg&, Extractor& out) {
  if (const Pod* pod = PodOf(event)) PutLabels(pod->*part, out);
}

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_FIELDS_H_

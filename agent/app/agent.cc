// SPDX-License-Identifier: Apache-2.0
#include "agent/app/agent.h"
#include "agent/app/replay.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <random>
#include <utility>

#include "agent/app/probe_status.h"
#include "agent/app/proc_argv.h"
#include "agent/app/replay.h"
#include "agent/sensor/scope.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/node.h"
#include "common/base/sha256.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/version.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

constexpr std::chrono::seconds kTick{1};
// While alerts wait for the container runtime: how exactly their time ends.
constexpr absl::Duration kHeldTick = absl::Milliseconds(20);
constexpr absl::Duration kStopDrain = absl::Seconds(2);

// Ahead of ordinary processes, so that a busy machine does not delay detection (an exec's alert
// comes after 0.5 ms instead of 1.2 on two CPUs) and a flood cannot starve it. A nice value that it
// was started with stays.
void RaisePriority() {
  constexpr int kNice = -10;
  errno = 0;
  if (getpriority(PRIO_PROCESS, 0) != 0 || errno != 0) return;
  if (setpriority(PRIO_PROCESS, 0, kNice) != 0) {
    LogInfo("running at normal priority: raising it needs CAP_SYS_NICE");
  }
}

// Without a spool nothing persists an epoch: a random one keeps alert uids unique.
uint64_t RandomEpoch() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32 | device()) >> 1;
}

}  // namespace

Agent::Agent(const AgentOptions& options) : options_(options) {}

absl::StatusOr<std::unique_ptr<Agent>> Agent::Start(const AgentOptions& options) {
  auto agent = std::unique_ptr<Agent>(new Agent(options));
  agent->started_boot_ns_ = RealClock().BootNs();
  RaisePriority();  // before there are threads: they inherit it
  VAKT_RETURN_IF_ERROR(agent->DividePrivileges());
  VAKT_RETURN_IF_ERROR(agent->LoadRules());
  VAKT_RETURN_IF_ERROR(agent->OpenOutputs());
  VAKT_RETURN_IF_ERROR(agent->StartSensor());
  agent->StartContainers();
  VAKT_RETURN_IF_ERROR(agent->Seed());
  VAKT_RETURN_IF_ERROR(agent->StartFlows());
  VAKT_RETURN_IF_ERROR(agent->StartServices());
  return agent;
}

absl::Status Agent::LoadRules() {
  VAKT_ASSIGN_OR_RETURN(active_, CompileRuleFiles(rule_source(), &item_files_));
  TellRules();
  return absl::OkStatus();
}

RuleSource Agent::rule_source() const {
  return {options_.rule_paths,      options_.match_mode,    options_.priority_floor,
          options_.rule_selections, options_.static_fields, options_.output_additions};
}

void Agent::TellRules() const {
  if (active_.rules->rules.empty()) LogWarning("no rule is enabled: nothing will be detected");
  LogInfo(StrCat("rules: ", active_.summary));
}

absl::Status Agent::OpenOutputs() {
  VAKT_RETURN_IF_ERROR(MakeDirectories(options_.state_dir, 0700));
  VAKT_ASSIGN_OR_RETURN(node_.boot_id, BootId());
  node_.agent_version = std::string(kVersion);
  absl::StatusOr<Tier> tier = Tier::kTracepoint;
  hooks_->Do([&] { tier = DecideTier(options_.tier); });  // by loading a program
  VAKT_ASSIGN_OR_RETURN(tier_, tier);
  node_.tier = std::string(TierName(tier_));
  VAKT_RETURN_IF_ERROR(BeginHistory());
  if (!options_.collectors.empty()) {
    codec_ = std::make_unique<TombstoneCodec>(node_.boot_id);
    SpoolOptions spool;
    spool.codec = codec_.get();
    spool.dir = options_.state_dir + "/spool";
    spool.max_bytes = options_.spool_max_bytes;
    VAKT_ASSIGN_OR_RETURN(spool_, Spool::Open(spool));
  }
  node_.hostname = options_.node_name.empty() ? Hostname() : options_.node_name;
  node_.boot_to_wall_ns = clock_watch_.boot_to_wall_ns();
  node_.kernel_release = KernelRelease();
  if (const auto digest = Sha256OfFile("/proc/self/exe"); digest.ok()) {
    node_.program_digest.assign(digest->begin(), digest->end());
  } else {
    LogWarning(StrCat("the collector is not told which program runs: ", Message(digest.status())));
  }
  node_.epoch = spool_ ? spool_->epoch() : RandomEpoch();
  if (!options_.alerts_path.empty()) {
    VAKT_ASSIGN_OR_RETURN(alert_log_, AlertLog::Open(options_.alerts_path, options_.alerts_format));
  }
  delivery_ = std::make_unique<Delivery>(node_.boot_id, node_.epoch, spool_.get(), alert_log_.get(),
                                         RealClock());
  auto accounts = std::make_unique<AccountTable>(AccountFiles{});
  if (!options_.record_path.empty()) {
    VAKT_ASSIGN_OR_RETURN(recorder_, RecordingWriter::Create(options_.record_path,
                                                             NodeFactsToProto(node_, *accounts)));
  }
  pipeline_ = std::make_unique<Pipeline>(node_, std::move(accounts), std::move(active_.matcher),
                                         delivery_.get());
  pipeline_->SetRecorder(recorder_.get());
  return absl::OkStatus();
}

absl::Status Agent::StartSensor() {
  KernelSensorOptions sensor;
  sensor.kinds = pipeline_->matcher().kinds();
  sensor.tier = tier_;
  sensor.flows = options_.flows;
  sensor.strict = options_.strict;
  sensor.user_stacks = options_.user_stacks;
  sensor.ring_bytes = options_.ring_bytes;
  sensor.disabled_probes = options_.disabled_probes;
  sensor.pin_path = options_.pin_path;
  if (spool_ && !options_.pin_path.empty()) {  // nothing was given to it yet
    sensor.written_epoch = spool_->newest().epoch;
    sensor.written_seq = spool_->newest().seq;
  }
  sensor.rules = StrCat(active_.rules->hash, " ", node_.agent_version);
  if (!options_.scope.empty()) {
    VAKT_ASSIGN_OR_RETURN(sensor.scope, ScopeOf(options_.scope));
  }
  absl::StatusOr<std::unique_ptr<KernelSensor>> started;
  hooks_->Do([&] { started = KernelSensor::Start(sensor); });
  VAKT_ASSIGN_OR_RETURN(sensor_, std::move(started));
  sensor_->CaptureEnvironment(active_.rules->read_environment());
  if (options_.prefilter) {
    prefilter_ = std::make_unique<PrefilterFeed>(sensor_.get());
    VAKT_RETURN_IF_ERROR(prefilter_->Install(std::move(active_.prefilter)).status());
    pipeline_->SetObserver(prefilter_.get());
  }
  if (spool_ && !options_.pin_path.empty()) {
    delivery_->SkipAlerts(sensor_->takeover().told_alerts);
    delivery_->SetOnNumbered(
        [this](uint64_t seq, uint64_t key) { sensor_->NoteAlert(node_.epoch, seq, key); });
  }
  skipped_runs_ = sensor_->takeover().skipped_told;
  ReadPrograms();
  map_bytes_ = sensor_->MapBytes();  // all maps are allocated whole: it stays so
  return absl::OkStatus();
}

// Before the running processes are listed, so that the runtime's list comes about when they do.
void Agent::StartContainers() {
  if (options_.container_sockets.empty()) return;
  CriOptions cri;
  cri.sockets = options_.container_sockets;
  containers_ = std::make_unique<CriClient>(std::move(cri), [this] { sensor_->Wake(); });
  pipeline_->SetContainerSource(
      containers_.get(), static_cast<uint64_t>(absl::ToInt64Nanoseconds(options_.container_wait)));
}

absl::Status Agent::Seed() {
  const absl::Status status = sensor_->Seed([this](RawRecord record) {
    Event event;
    if (!pipeline_->Decode(record, &event)) return;
    const std::string argv = ReadProcArgv(event.task.pid);
    const std::string env =
        active_.rules->read_environment() ? ReadProcEnv(event.task.pid) : std::string();
    event.process_exec.argv = argv;
    event.process_exec.env = env;
    pipeline_->OnEvent(event);
  });
  if (!status.ok()) {
    LogWarning(
        StrCat("running processes could not be listed, they will be known from their first "
               "event: ",
               Message(status)));
  }
  return absl::OkStatus();
}

absl::Status Agent::StartFlows() {
  if (!options_.flows) {
    if ((pipeline_->matcher().kinds() & kFlowKinds) != 0) {
      LogWarning("rules over flows and names do not fire: flows are off (--flows)");
    }
    return absl::OkStatus();
  }
  FlowStageOptions stage;
  stage.flow = options_.flow;
  stage.cluster = options_.cluster_blocks;
  stage.files = options_.flow_files;
  stage.memory_path = options_.state_dir + "/workloads";
  VAKT_ASSIGN_OR_RETURN(
      flows_, FlowStage::Start(std::move(stage), sensor_.get(), pipeline_.get(), delivery_.get()));
  return absl::OkStatus();
}

absl::Status Agent::StartServices() {
  SendLifecycle(v1::Lifecycle::WHAT_START, StrCat("kernel ", node_.kernel_release));
  ReportHistory();
  ReportBlindSpots();
  if (options_.canary) {
    canary_ = Canary::Start(sensor_.get(), options_.state_dir, [this] {
      std::vector<ProbeReport> restored;
      hooks_->Do([&] { restored = sensor_->RestoreHooks(); });
      return restored;
    });
  }
  Publish();
  VAKT_RETURN_IF_ERROR(StartReloader());
  AdminCalls calls;
  calls.status = [this] { return Status(); };
  calls.stats = [this] { return Stats(); };
  calls.reload = [this] { return ReloadAndWait(); };
  calls.programs = [this](absl::Duration measure) { return Programs(measure); };
  VAKT_ASSIGN_OR_RETURN(admin_,
                        AdminServer::Start(options_.state_dir + "/admin.sock", std::move(calls)));
  if (!options_.collectors.empty()) {
    UplinkOptions uplink;
    uplink.collectors = options_.collectors;
    uplink.ca_file = options_.tls_ca;
    uplink.cert_file = options_.tls_cert;
    uplink.key_file = options_.tls_key;
    uplink.server_name_override = options_.tls_server_name;
    uplink.heartbeat = options_.heartbeat;
    uplink_ = std::make_unique<Uplink>(
        uplink, spool_.get(), [this] { return MakeHello(); }, [this] { return MakeHeartbeat(); });
    VAKT_RETURN_IF_ERROR(uplink_->Start());
  }
  last_turn_ = std::chrono::steady_clock::now();
  Publish();
  VAKT_RETURN_IF_ERROR(StartDoors());
  if (!options_.ready_file.empty()) {
    VAKT_RETURN_IF_ERROR(WriteFileAtomically(options_.ready_file, StrCat(getpid(), "\n"), 0644));
  }
  return absl::OkStatus();
}

void Agent::ReportBlindSpots() {
  int attached = 0;
  for (const ProbeReport& report : sensor_->Report()) {
    if (report.state == ProbeReport::State::kAttached) ++attached;
    if (!IsBlind(report)) continue;
    LogWarning(StrCat("probe ", report.probe->program, " (", report.probe->target, ") ",
                      ProbeStateName(report.state), ": ", report.detail, "; ",
                      report.probe->blind_spot));
    v1::Gap gap;
    gap.set_class_(v1::Gap::CLASS_DEGRADED);
    gap.set_kind(std::string(KindStem(report.probe->kind)));
    gap.set_reason(StrCat(report.probe->blind_spot, ": ", report.detail));
    FromWallNs(RealClock().WallNs(), gap.mutable_begin());
    pipeline_->OnGap(gap);
  }
  LogInfo(StrCat("probes: ", attached,
                 " attached; processes: ", pipeline_->enricher().processes().size()));
}

// What the canary found.
void Agent::ReportBlindness() {
  if (!canary_) return;
  for (const v1::Gap& gap : canary_->TakeGaps()) {
    LogWarning(StrCat(gap.kind(), ": ", gap.reason()));
    pipeline_->OnGap(gap);
  }
}

void Agent::SendLifecycle(v1::Lifecycle::What what, const std::string& detail,
                          const std::string& old_rule_set_hash) {
  v1::Lifecycle note;
  note.set_what(what);
  FromWallNs(RealClock().WallNs(), note.mutable_time());
  note.set_detail(detail);
  note.set_agent_version(node_.agent_version);
  note.set_rule_set_hash(active_.rules->hash);
  note.set_previous_rule_set_hash(old_rule_set_hash);
  delivery_->OnLifecycle(note);
}

void Agent::ReportLosses() {
  losses_.clear();
  sensor_->TakeLosses(&losses_);
  for (const Loss& loss : losses_) {
    v1::Gap gap;
    gap.set_class_(v1::Gap::CLASS_LOSS);
    FromWallNs(loss.begin_boot_ns + node_.boot_to_wall_ns, gap.mutable_begin());
    FromWallNs(loss.end_boot_ns + node_.boot_to_wall_ns, gap.mutable_end());
    gap.set_count(loss.count);
    gap.set_reason(std::string(loss.reason));
    gap.set_kind(std::string(KindStem(loss.kind)));
    gap.set_lane(loss.lane == Lane::CRITICAL ? "critical" : "bulk");
    gap.set_cpu(loss.cpu);
    sensor_->NoteLoss(node_.epoch, delivery_->next_seq(), loss);
    pipeline_->OnGap(gap);
  }
}

void Agent::ReadPrograms() {
  if (auto programs = sensor_->Programs(absl::ZeroDuration()); programs.ok()) {
    programs_ = *std::move(programs);
  }
}

// Runs that the kernel left out took no number: only its own counter tells of them.
void Agent::ReportSkippedRuns() {
  uint64_t skipped = 0;
  for (const ProgramStats& program : programs_) skipped += program.skipped;
  if (skipped <= skipped_runs_) return;
  v1::Gap gap;
  gap.set_class_(v1::Gap::CLASS_LOSS);
  gap.set_count(skipped - skipped_runs_);
  gap.set_reason("the kernel did not run a probe because one was running on that CPU");
  FromWallNs(RealClock().WallNs() - std::chrono::nanoseconds(kTick).count(), gap.mutable_begin());
  FromWallNs(RealClock().WallNs(), gap.mutable_end());
  skipped_runs_ = skipped;
  pipeline_->OnGap(gap);
  sensor_->NoteSkipped(skipped);
}

absl::Status Agent::StartReloader() {
  RuleReloader::Hooks hooks;
  hooks.watch_kinds = [this](KindSet kinds) { hooks_->Do([&] { sensor_->SetKinds(kinds); }); };
  hooks.wake_pipeline = [this] { sensor_->Wake(); };
  VAKT_ASSIGN_OR_RETURN(
      reloader_, RuleReloader::Start(rule_source(), active_.rules->hash, std::move(item_files_),
                                     pipeline_->matcher().kinds(), std::move(hooks)));
  return absl::OkStatus();
}

void Agent::Reload() {
  if (reloader_) reloader_->Request();
  if (flows_) flows_->ReloadFiles();
}

absl::Status Agent::ReloadAndWait() {
  constexpr absl::Duration kTimeout = absl::Seconds(20);
  if (flows_) flows_->ReloadFiles();
  return reloader_->RequestAndWait(kTimeout);
}

// Leaves the old one in its place. Where that fails everything is sent, which costs more and misses
// nothing.
void Agent::InstallPrefilter(std::unique_ptr<Prefilter>* prefilter) {
  if (!prefilter_) return;
  auto old = prefilter_->Install(std::move(*prefilter));
  if (old.ok()) {
    *prefilter = *std::move(old);
    return;
  }
  sensor_->DisablePrefilter();
  LogWarning(StrCat("the kernel sends every event: ", Message(old.status())));
}

void Agent::TakeNewRules() {
  RuleReloader::Update* update = reloader_->Take();
  if (update == nullptr) return;
  const int64_t begin_ns = RealClock().BootNs();
  std::unique_ptr<Matcher> old;
  rules_error_ = Message(update->status);
  if (!update->status.ok()) {
    ++reloads_refused_;
    SendLifecycle(v1::Lifecycle::WHAT_RELOAD_FAILED, rules_error_);
  } else if (update->active.matcher != nullptr) {
    ++reloads_;
    const std::string old_hash = active_.rules->hash;
    evaluations_before_ += pipeline_->matcher().evaluations();
    old = pipeline_->SetMatcher(std::move(update->active.matcher));
    InstallPrefilter(&update->active.prefilter);
    sensor_->CaptureEnvironment(update->active.rules->read_environment());
    sensor_->NoteRules(StrCat(update->active.rules->hash, " ", node_.agent_version));
    std::swap(active_, update->active);  // the old rule set is freed by who gave the new one
    SendLifecycle(v1::Lifecycle::WHAT_RELOAD, active_.summary, old_hash);
  }
  reload_pause_ns_ = static_cast<uint64_t>(RealClock().BootNs() - begin_ns);
  Publish();
  reloader_->Done(std::move(old));
}

void Agent::Tick() {
  ReadPrograms();
  ReportSkippedRuns();
  ReportBlindness();
  CheckClock();
  run_stamp_->Beat(RealClock().WallNs());
  pipeline_->Tick(static_cast<uint64_t>(RealClock().BootNs()));
  if (flows_) flows_->Tick(static_cast<uint64_t>(RealClock().BootNs()), node_.boot_to_wall_ns);
  delivery_->Tick();
  Publish();
}

void Agent::OnRecord(RawRecord record) {
  if (!flows_ || !flows_->OnRecord(record, node_.boot_to_wall_ns)) pipeline_->OnRecord(record);
}

void Agent::Settle() {
  sensor_->Settle({.seen = pipeline_->counters().events,
                   .decided = pipeline_->events_decided(),
                   .given = delivery_->next_seq() - 1,
                   .written = delivery_->written_seq()});
}

absl::Status Agent::Run() {
  auto next_tick = std::chrono::steady_clock::now() + kTick;
  while (!stop_.load(std::memory_order_acquire)) {
    pipeline_->TakeContainers(static_cast<uint64_t>(RealClock().BootNs()));
    Settle();
    const absl::Duration patience = pipeline_->holds_events() ? kHeldTick : absl::FromChrono(kTick);
    for (RawRecord record : sensor_->Next(patience)) OnRecord(record);
    if (flows_) flows_->Collect(node_.boot_to_wall_ns);
    ReportLosses();
    TakeNewRules();
    if (publish_wanted_.exchange(false)) Publish();
    // Not the wall clock, which may be set back by years.
    const auto now = std::chrono::steady_clock::now();
    last_turn_ = now;
    if (now < next_tick) continue;
    next_tick = now + kTick;
    Tick();
  }
  for (;;) {  // what is in the rings was seen: it counts
    const auto rest = sensor_->Next(absl::ZeroDuration());
    if (rest.empty()) break;
    for (RawRecord record : rest) OnRecord(record);
  }
  ReportLosses();
  if (flows_) flows_->Finish(node_.boot_to_wall_ns);  // rules may fire on the last ones
  pipeline_->Finish();
  SendLifecycle(v1::Lifecycle::WHAT_STOP, "stopped on request");
  Tick();
  run_stamp_->Stop(RealClock().WallNs());
  if (spool_) spool_->Flush();
  Settle();
  if (uplink_) uplink_->Stop(kStopDrain);
  if (!options_.ready_file.empty()) unlink(options_.ready_file.c_str());
  return recorder_ ? recorder_->Close() : absl::OkStatus();
}

Agent::~Agent() {
  health_server_.reset();  // their calls use what follows
  metrics_server_.reset();
  admin_.reset();
  containers_.reset();  // it wakes the sensor
  reloader_.reset();
  uplink_.reset();
}

void Agent::Stop() {
  stop_.store(true, std::memory_order_release);
  sensor_->Wake();
}

}  // namespace vakt

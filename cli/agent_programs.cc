// SPDX-License-Identifier: Apache-2.0
// vaktctl agent programs
#include <grpcpp/client_context.h>

#include <string>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "vakt/v1/control.grpc.pb.h"

namespace vakt {
namespace {

std::string PerRun(const v1::Program& program) {
  if (program.runs() == 0) return "-";
  return StrCat(program.run_time_ns() / program.runs());
}

// Of one CPU, while it was measured.
std::string Share(const v1::Program& program, uint64_t measured_ns) {
  if (measured_ns == 0) return "-";
  return absl::StrFormat("%.3f %%", 100.0 * static_cast<double>(program.run_time_ns()) /
                                        static_cast<double>(measured_ns));
}

void PrintForPeople(const v1::Programs& programs, Console& console) {
  TextTable table({"PROGRAM", "VERIFIED", "BYTES", "RUNS", "NS/RUN", "OF A CPU", "SKIPPED"});
  for (const v1::Program& program : programs.programs()) {
    table.AddRow(
        {{program.name(), Style::kBold},
         {StrCat(program.verified_instructions())},
         {StrCat(program.jited_bytes())},
         {StrCat(program.runs())},
         {PerRun(program)},
         {Share(program, programs.measured_ns())},
         {StrCat(program.skipped()), program.skipped() == 0 ? Style::kPlain : Style::kRed}});
  }
  table.Print(console);
}

}  // namespace

VerbResult AgentPrograms(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const Connection agent, Connection::ToAgent(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, agent.Dial());
  const absl::Duration measure = invocation.arguments.Duration("--measure", absl::ZeroDuration());
  const auto stub = v1::AgentControl::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout + measure));
  v1::GetProgramsRequest request;
  request.set_measure_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(measure)));
  v1::Programs answer;
  const grpc::Status status = stub->GetPrograms(&context, request, &answer);
  if (!status.ok()) return agent.Failure(status);
  if (invocation.json()) {
    invocation.console.Line(ProtoJson(answer));
  } else {
    PrintForPeople(answer, invocation.console);
  }
  return kSuccess;
}

}  // namespace vakt

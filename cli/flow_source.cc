// SPDX-License-Identifier: Apache-2.0
#include "cli/flow_source.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "cli/connection.h"
#include "cli/flow_text.h"
#include "cli/time_text.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "vakt/v1/flows_query.grpc.pb.h"

namespace vakt {
namespace {

constexpr uint32_t kPageRecords = 1000;  // the most that the collector gives

// "same-node" to CLASS_SAME_NODE.
absl::StatusOr<int> EnumNumber(const google::protobuf::EnumDescriptor& type, std::string_view flag,
                               const std::string& text) {
  std::string word = absl::AsciiStrToLower(text);
  std::replace(word.begin(), word.end(), '_', '-');
  std::string known;
  for (int i = 0; i < type.value_count(); ++i) {
    const int number = type.value(i)->number();
    const std::string choice = EnumWord(type, number);
    if (choice == word) return number;
    if (number != 0) known += StrCat(known.empty() ? "" : ", ", choice);
  }
  return absl::InvalidArgumentError(
      StrCat(flag, ": \"", EscapeUtf8(text), "\" is none of ", known));
}

}  // namespace

absl::StatusOr<v1::FlowFilter> FlowFilterFromFlags(const Arguments& arguments, absl::Time now,
                                                   absl::Duration window) {
  v1::FlowFilter filter;
  if (arguments.Has("--since") || window != absl::InfiniteDuration()) {
    *filter.mutable_since() = ToTimestamp(arguments.Moment("--since", now, now - window));
  }
  if (arguments.Has("--until")) {
    *filter.mutable_until() = ToTimestamp(arguments.Moment("--until", now, now));
  }
  for (std::string& text : arguments.Texts("--node")) filter.add_nodes(std::move(text));
  for (std::string& text : arguments.Texts("--namespace")) filter.add_namespaces(std::move(text));
  for (std::string& text : arguments.Texts("--pod")) filter.add_pods(std::move(text));
  for (std::string& text : arguments.Texts("--container")) filter.add_containers(std::move(text));
  for (std::string& text : arguments.Texts("--executable")) {
    filter.add_executables(std::move(text));
  }
  for (std::string& text : arguments.Texts("--remote")) filter.add_remotes(std::move(text));
  for (const std::string& text : arguments.Texts("--port")) {
    uint32_t port = 0;
    if (!absl::SimpleAtoi(text, &port) || port > 65535) {
      return absl::InvalidArgumentError(
          StrCat("--port: \"", EscapeUtf8(text), "\" is no number from 0 to 65535"));
    }
    filter.add_ports(port);
  }
  for (const std::string& text : arguments.Texts("--class")) {
    VAKT_ASSIGN_OR_RETURN(const int number,
                          EnumNumber(*v1::Flow::Class_descriptor(), "--class", text));
    filter.add_classes(static_cast<v1::Flow::Class>(number));
  }
  for (const std::string& text : arguments.Texts("--direction")) {
    VAKT_ASSIGN_OR_RETURN(const int number,
                          EnumNumber(*v1::Flow::Direction_descriptor(), "--direction", text));
    filter.add_directions(static_cast<v1::Flow::Direction>(number));
  }
  if (arguments.Has("--external")) filter.add_classes(v1::Flow::CLASS_EXTERNAL);
  return filter;
}

absl::Status ForEachFlow(const Invocation& invocation, v1::ListFlowsRequest request,
                         const std::function<bool(const v1::StoredRecord&)>& take) {
  VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, collector.Dial());
  const auto stub = v1::Flows::NewStub(channel);
  request.set_page_size(kPageRecords);
  do {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    v1::ListFlowsResponse response;
    if (const grpc::Status status = stub->ListFlows(&context, request, &response); !status.ok()) {
      return collector.Failure(status);
    }
    for (const v1::StoredRecord& record : response.records()) {
      if (!take(record)) return absl::OkStatus();
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

}  // namespace vakt

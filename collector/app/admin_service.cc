// SPDX-License-Identifier: Apache-2.0
#include "collector/app/admin_service.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/base/text.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

constexpr uint32_t kDefaultPageSize = 100;
constexpr uint32_t kMaxPageSize = 1000;
constexpr int64_t kMalformedPageSize = 50;  // times what is kept of one: below gRPC's 4 MiB

absl::StatusOr<AuditQuery> QueryOf(const v1::ListAuditRequest& request, const Store& store) {
  AuditQuery query;
  if (request.has_since()) query.since_ns = ToWallNs(request.since());
  if (request.has_until()) query.until_ns = ToWallNs(request.until());
  query.user = request.user();
  query.method = request.method();
  query.max_entries =
      request.page_size() == 0 ? kDefaultPageSize : std::min(request.page_size(), kMaxPageSize);
  if (!request.page_token().empty()) {
    VAKT_ASSIGN_OR_RETURN(query.before_id, store.IdOf(request.page_token()));
  }
  return query;
}

v1::MalformedRecord ToProto(MalformedRow row) {
  v1::MalformedRecord out;
  FromWallNs(row.received_ns, out.mutable_received());
  if (row.place.seq != 0) {
    out.mutable_gap()->set_epoch(static_cast<uint64_t>(row.place.epoch));
    out.mutable_gap()->set_seq(static_cast<uint64_t>(row.place.seq));
  }
  out.set_reason(EscapeUtf8(row.record.reason));
  out.set_size_bytes(static_cast<uint64_t>(row.size_bytes));
  out.set_bytes(std::move(row.record.bytes));
  return out;
}

}  // namespace

grpc::Status AdminService::ListAudit(grpc::ServerContext* call, const v1::ListAuditRequest* request,
                                     v1::ListAuditResponse* response) {
  return front_.Serve("Admin/ListAudit", *call, *request,
                      [&](const Caller&, uint64_t* records) -> absl::Status {
                        VAKT_ASSIGN_OR_RETURN(const AuditQuery query, QueryOf(*request, store_));
                        VAKT_ASSIGN_OR_RETURN(AuditPage page, store_.ListAudit(query));
                        *records = page.entries.size();
                        for (v1::AuditEntry& entry : page.entries)
                          *response->add_entries() = std::move(entry);
                        if (!page.at_end)
                          response->set_next_page_token(store_.CursorOf(page.last_id));
                        return absl::OkStatus();
                      });
}

grpc::Status AdminService::ListMalformed(grpc::ServerContext* call,
                                         const v1::ListMalformedRequest* request,
                                         v1::ListMalformedResponse* response) {
  return front_.Serve("Admin/ListMalformed", *call, *request,
                      [&](const Caller&, uint64_t* records) -> absl::Status {
                        int64_t before_id = std::numeric_limits<int64_t>::max();
                        if (!request->page_token().empty()) {
                          VAKT_ASSIGN_OR_RETURN(before_id, store_.IdOf(request->page_token()));
                        }
                        VAKT_ASSIGN_OR_RETURN(
                            std::vector<MalformedRow> rows,
                            store_.ListMalformed({request->cluster(), request->node()}, before_id,
                                                 kMalformedPageSize));
                        for (MalformedRow& row : rows)
                          *response->add_records() = ToProto(std::move(row));
                        if (rows.size() == kMalformedPageSize) {
                          response->set_next_page_token(store_.CursorOf(rows.back().id));
                        }
                        *records = rows.size();
                        return absl::OkStatus();
                      });
}

grpc::Status AdminService::Backup(grpc::ServerContext* call, const v1::BackupRequest* request,
                                  v1::BackupResponse* response) {
  return front_.Serve(
      "Admin/Backup", *call, *request, [&](const Caller&, uint64_t* records) -> absl::Status {
        if (!IsIdentitySegment(request->name())) {
          return absl::InvalidArgumentError(
              "name may hold letters, digits, '-', '.' and '_', at most 253 of them");
        }
        VAKT_ASSIGN_OR_RETURN(const BackupResult result, store_.Backup(request->name()));
        *records = result.records;
        response->set_path(result.path);
        response->set_bytes(result.bytes);
        response->set_records(result.records);
        return absl::OkStatus();
      });
}

}  // namespace vakt

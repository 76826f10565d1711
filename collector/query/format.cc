// SPDX-License-Identifier: Apache-2.0
#include "collector/query/format.h"

#include "common/alert/ocsf_json.h"

namespace vakt {

void InFormat(v1::Format format, v1::StoredRecord* record) {
  if (format != v1::FORMAT_OCSF) return;
  AppendOcsfJson(*record, record->mutable_ocsf_json());
  record->clear_record();
}

}  // namespace vakt

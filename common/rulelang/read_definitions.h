// SPDX-License-Identifier: Apache-2.0
// The reading phase: documents of rule files to tables of definitions. An item may define, append
// to or replace; a file sees what earlier ones defined.
//
// Threads: thread-compatible functions.
#ifndef VAKT_COMMON_RULELANG_READ_DEFINITIONS_H_
#define VAKT_COMMON_RULELANG_READ_DEFINITIONS_H_

#include "common/rulelang/definitions.h"
#include "common/rulelang/diagnostics.h"
#include "common/rulelang/item_reader.h"
#include "common/rulelang/load.h"
#include "common/rulelang/source_text.h"
#include "common/rulelang/yaml_reader.h"

namespace vakt {

// Reads one document. Counts items in *result.
void ReadDefinitions(const YamlNode& document, const SourceFile& file, Definitions* definitions,
                     Diagnostics* diagnostics, FileResult* result);

// Each reads one item whose name has been read; errors go to the item's diagnostics.
void ReadRule(const ItemReader& item, Definitions* definitions);                // read_rule.cc
void ReadRequiredEngineVersion(const ItemReader& item, const YamlNode& value);  // versions.cc
void ReadRequiredPluginVersions(const ItemReader& item, const YamlNode& value);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_READ_DEFINITIONS_H_

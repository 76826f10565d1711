// SPDX-License-Identifier: Apache-2.0
#include "common/base/version.h"

static_assert(vakt::kVersion == VAKT_PROJECT_VERSION,
              "common/base/version.h and project() in CMakeLists.txt name different versions");

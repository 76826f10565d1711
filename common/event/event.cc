// SPDX-License-Identifier: Apache-2.0
#include "common/event/event.h"

namespace vakt {

void Reset(Event* event) {
  switch (event->kind) {
    case Kind::none:
      break;
    case Kind::process_fork:
      event->process_fork = {};
      break;
    case Kind::process_exec:
    case Kind::process_seed:
      event->process_exec = {};
      break;
    case Kind::process_exit:
      event->process_exit = {};
      break;
    case Kind::file_open:
      event->file_open = {};
      break;
    case Kind::network_connect:
    case Kind::network_accept:
      event->network = {};
      break;
  }
  static_cast<EventHead&>(*event) = {};
}

}  // namespace vakt

// SPDX-License-Identifier: Apache-2.0
#include "common/event/event.h"

namespace vakt {

void Reset(Event* event) {
  switch (PayloadOf(event->kind)) {
    case Payload::kNone:
      break;
    case Payload::kFork:
      event->process_fork = {};
      break;
    case Payload::kExec:
      event->process_exec = {};
      break;
    case Payload::kExit:
      event->process_exit = {};
      break;
    case Payload::kCall:
      event->call = {};
      break;
    case Payload::kAct:
      event->process_act = {};
      break;
    case Payload::kCredentials:
      event->process_credentials = {};
      break;
    case Payload::kOpen:
      event->file_open = {};
      break;
    case Payload::kChange:
      event->file_change = {};
      break;
    case Payload::kNetwork:
      event->network = {};
      break;
    case Payload::kFlow:
      event->flow = {};
      break;
    case Payload::kDns:
      event->dns = {};
      break;
  }
  if (event->user_stack.captured) event->user_stack = {};
  static_cast<EventHead&>(*event) = {};
}

}  // namespace vakt

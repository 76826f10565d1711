// SPDX-License-Identifier: Apache-2.0
// A small machine for field tests: a container's shell that runs curl, below a host's systemd, and
// one event of each kind in it.
#ifndef VAKT_TESTS_UNIT_COMMON_EVENT_WORLD_H_
#define VAKT_TESTS_UNIT_COMMON_EVENT_WORLD_H_

#include <memory>

#include "common/event/container.h"
#include "common/event/event.h"
#include "common/event/node_facts.h"
#include "common/event/process.h"

namespace vakt {

// Owns what its events point to. Not copyable: events hold pointers into it.
struct World {
  World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  NodeFacts node;
  std::shared_ptr<Container> app;  // of the shell and curl: a pod of a deployment
  Process init;                    // host, pid 1
  Process entry;                   // first process of the container's pid namespace, ns pid 1
  Process shell;                   // bash in the container, leader of its session
  Process curl;                    // the acting process of most events
  Process worker;                  // of a privileged container in the host's namespaces
  Process cron;  // on the host, without a command line, no names known, parent not known

  Event exec;  // curl, from bash
  Event worker_exec;
  Event hidden_exec;   // cron, by execveat of an unlinked memfd
  Event fork;          // by the shell
  Event exit;          // of curl
  Event open;          // /etc/shadow for reading, by a relative path
  Event create;        // creat("/tmp/run.sh")
  Event directory;     // openat2 of a directory
  Event failed_open;   // ENOENT
  Event connect;       // IPv4 TCP, by curl
  Event accept;        // IPv6 TCP
  Event refused;       // UDP, descriptor not known
  Event created;       // a file that did not exist, in a root directory of its own
  Event rewritten;     // an open whose argument names another file, though no link may be followed
  Event rename;        // renameat2 in the working directory
  Event fchmod;        // of /etc/shadow
  Event symlink;       // to /etc/shadow
  Event mount;         // a tmpfs on /mnt
  Event listen;        // IPv4 TCP, on every address
  Event send;          // IPv4 UDP, from a socket without an address
  Event unix_connect;  // of the container runtime
  Event packet;        // socket(AF_PACKET)
  Event dup;           // a connection onto standard input
  Event trace;         // curl attaches to the shell
  Event signalled;     // cron ends a process of which only its name and number are known
  Event become_root;   // setuid(0) by curl
  Event unshared;      // unshare, refused
  Event program;       // bpf: a program is loaded
  Event flow;          // of curl to a server outside: tcp, by name
  Event served;        // an IPv6 flow that came in
  Event folded_flow;   // stands for flows without room
  Event lookup;        // of a name in a domain of a country
  Event failed_lookup;
  Event bare;  // knows nothing
};

}  // namespace vakt

#endif  // VAKT_TESTS_UNIT_COMMON_EVENT_WORLD_H_

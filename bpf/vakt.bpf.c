// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* The BPF object: all families of probes as one translation unit, so that they share maps and
 * subprograms. Which of its programs are loaded is the agent's choice. */
#include "bpf/probes/process.bpf.c"
#include "bpf/probes/act.bpf.c"
#include "bpf/probes/call.bpf.c"
#include "bpf/probes/file.bpf.c"
#include "bpf/probes/file_change.bpf.c"
#include "bpf/probes/network.bpf.c"
#include "bpf/probes/socket.bpf.c"
#include "bpf/probes/datagram.bpf.c"
#include "bpf/probes/flow_tcp.bpf.c"
#include "bpf/probes/flow_payload.bpf.c"
#include "bpf/probes/flow_datagram.bpf.c"
#include "bpf/probes/flow_seed.bpf.c"
#include "bpf/probes/traffic.bpf.c"
#include "bpf/probes/io_uring.bpf.c"
#include "bpf/probes/compat.bpf.c"
#include "bpf/probes/seed.bpf.c"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* x86-64 system-call numbers (arch/x86/entry/syscalls/syscall_64.tbl) that the probes name. */
#ifndef VAKT_BPF_SYSCALL_NR_H
#define VAKT_BPF_SYSCALL_NR_H

#define SYS_open 2
#define SYS_mmap 9
#define SYS_mprotect 10
#define SYS_dup 32
#define SYS_dup2 33
#define SYS_socket 41
#define SYS_connect 42
#define SYS_sendto 44
#define SYS_recvfrom 45
#define SYS_sendmsg 46
#define SYS_recvmsg 47
#define SYS_bind 49
#define SYS_listen 50
#define SYS_clone 56
#define SYS_fork 57
#define SYS_vfork 58
#define SYS_execve 59
#define SYS_fcntl 72
#define SYS_creat 85
#define SYS_ptrace 101
#define SYS_setpgid 109
#define SYS_setsid 112
#define SYS_personality 135
#define SYS_sched_setparam 142
#define SYS_sched_setscheduler 144
#define SYS_prctl 157
#define SYS_chroot 161
#define SYS_settimeofday 164
#define SYS_swapon 167
#define SYS_swapoff 168
#define SYS_reboot 169
#define SYS_init_module 175
#define SYS_delete_module 176
#define SYS_sched_setaffinity 203
#define SYS_clock_settime 227
#define SYS_kexec_load 246
#define SYS_add_key 248
#define SYS_request_key 249
#define SYS_keyctl 250
#define SYS_openat 257
#define SYS_unshare 272
#define SYS_dup3 292
#define SYS_perf_event_open 298
#define SYS_recvmmsg 299
#define SYS_prlimit64 302
#define SYS_open_by_handle_at 304
#define SYS_sendmmsg 307
#define SYS_setns 308
#define SYS_process_vm_readv 310
#define SYS_process_vm_writev 311
#define SYS_finit_module 313
#define SYS_sched_setattr 314
#define SYS_seccomp 317
#define SYS_memfd_create 319
#define SYS_kexec_file_load 320
#define SYS_bpf 321
#define SYS_execveat 322
#define SYS_userfaultfd 323
#define SYS_pkey_mprotect 329
#define SYS_io_uring_setup 425
#define SYS_io_uring_enter 426
#define SYS_clone3 435
#define SYS_openat2 437
#define SYS_pidfd_getfd 438
#define SYS_memfd_secret 447

#define VAKT_SYSCALLS 512 /* a power of two above them all */

#endif /* VAKT_BPF_SYSCALL_NR_H */

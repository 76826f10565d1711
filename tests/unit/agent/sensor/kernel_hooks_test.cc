// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/kernel_hooks.h"

#include <gtest/gtest.h>
#include <linux/btf.h>

#include <cstring>
#include <string>

namespace vakt {
namespace {

constexpr ProbeRow kSubmit = {"uring_submit", Kind::file_open, HookType::kBtfTracepoint,
                              "io_uring_submit_req", ""};
constexpr ProbeRow kSent = {"network_sent", Kind::network_accept, HookType::kBtfTracepoint,
                            "sock_send_length", ""};
constexpr ProbeRow kUnix = {"network_connect_unix", Kind::network_connect, HookType::kCgroup,
                            "connect_unix", ""};
constexpr ProbeRow kCall = {"file_open", Kind::file_open, HookType::kSyscallTracepoint,
                            "sys_exit_openat", ""};

// Type information without types, with these names.
std::string Btf(std::initializer_list<std::string> names) {
  btf_header header = {};
  header.magic = BTF_MAGIC;
  header.version = BTF_VERSION;
  header.hdr_len = sizeof(header);
  std::string strings(1, '\0');
  for (const std::string& name : names) strings += name + '\0';
  header.str_len = static_cast<__u32>(strings.size());
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) + strings;
}

TEST(KernelHooksTest, NamesWhatAKernelLacks) {
  const std::string btf = Btf({"task_struct", "btf_trace_io_uring_submit_req", "sock_send_length"});
  const KernelHooks hooks = KernelHooks::Parse(btf, false);
  EXPECT_EQ(hooks.WhyMissing(kSubmit), "");
  EXPECT_EQ(hooks.WhyMissing(kSent), "this kernel has no such tracepoint");
  EXPECT_EQ(hooks.WhyMissing(kUnix), "this kernel has no such hook");
  EXPECT_EQ(hooks.WhyMissing(kCall), "") << "a system call is looked up in tracefs";
  EXPECT_EQ(KernelHooks::Parse(btf, true).WhyMissing(kUnix), "");
}

TEST(KernelHooksTest, AFormerNameServesWhereItIsTheOnlyOne) {
  const KernelHooks before = KernelHooks::Parse(Btf({"btf_trace_io_uring_submit_sqe"}), true);
  EXPECT_EQ(before.WhyMissing(kSubmit), "");
  EXPECT_EQ(before.FormerNameOf(kSubmit.target), "io_uring_submit_sqe");
  const KernelHooks both = KernelHooks::Parse(
      Btf({"btf_trace_io_uring_submit_sqe", "btf_trace_io_uring_submit_req"}), true);
  EXPECT_EQ(both.FormerNameOf(kSubmit.target), "");
  const KernelHooks neither = KernelHooks::Parse(Btf({"btf_trace_sock_send_length"}), true);
  EXPECT_EQ(neither.FormerNameOf(kSubmit.target), "");
  EXPECT_NE(neither.WhyMissing(kSubmit), "");
}

TEST(KernelHooksTest, WhatIsNotKnownIsLeftToTheLoader) {
  const std::string whole = Btf({"btf_trace_sys_exit"});
  for (size_t size = 0; size < sizeof(btf_header); ++size) {
    EXPECT_EQ(KernelHooks::Parse(whole.substr(0, size), true).WhyMissing(kSent), "") << size;
  }
  std::string outside = whole;
  const __u32 far = 0xfffffff0;
  std::memcpy(outside.data() + offsetof(btf_header, str_off), &far, sizeof(far));
  EXPECT_EQ(KernelHooks::Parse(outside, true).WhyMissing(kSent), "");
  const KernelHooks cut = KernelHooks::Parse(whole.substr(0, whole.size() - 1), true);
  EXPECT_NE(cut.WhyMissing(kSent), "") << "the last name has no end";
  EXPECT_EQ(KernelHooks().WhyMissing(kUnix), "");
}

}  // namespace
}  // namespace vakt

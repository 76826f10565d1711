// SPDX-License-Identifier: Apache-2.0
// The probes and the agent see the same layouts: sizes and member offsets of this compiler against
// the type information of the built BPF object. Needs no root.
#include <bpf/btf.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <string>

#include "bpf/wire/wire.h"

namespace vakt {
namespace {

struct BtfDeleter {
  void operator()(btf* b) const { btf__free(b); }
};

class WireLayout : public ::testing::Test {
 protected:
  void SetUp() override {
    btf_.reset(btf__parse_elf(VAKT_BINARY_DIR "/generated/bpf/vakt.bpf.o", nullptr));
    ASSERT_NE(btf_, nullptr) << "no type information in the BPF object";
  }

  const btf_type* Struct(const char* name) {
    const int id = btf__find_by_name_kind(btf_.get(), name, BTF_KIND_STRUCT);
    EXPECT_GT(id, 0) << "the object has no struct " << name;
    return id > 0 ? btf__type_by_id(btf_.get(), static_cast<__u32>(id)) : nullptr;
  }

  void ExpectSize(const char* name, size_t size) {
    if (const btf_type* type = Struct(name)) {
      EXPECT_EQ(type->size, size) << name;
    }
  }

  void ExpectOffset(const char* name, const char* member, size_t offset) {
    const btf_type* type = Struct(name);
    if (type == nullptr) return;
    const btf_member* members = btf_members(type);
    for (int i = 0; i < btf_vlen(type); ++i) {
      if (std::string(btf__name_by_offset(btf_.get(), members[i].name_off)) != member) continue;
      EXPECT_EQ(btf_member_bit_offset(type, static_cast<__u32>(i)), offset * 8)
          << name << "." << member;
      return;
    }
    ADD_FAILURE() << name << " has no member " << member;
  }

  std::unique_ptr<btf, BtfDeleter> btf_;
};

#define EXPECT_SAME_SIZE(type) ExpectSize(#type, sizeof(type))
#define EXPECT_SAME_OFFSET(type, member) ExpectOffset(#type, #member, offsetof(type, member))

TEST_F(WireLayout, EveryKindHasOneSize) {
  EXPECT_SAME_SIZE(vakt_header);
  EXPECT_SAME_SIZE(vakt_task);
  EXPECT_SAME_SIZE(vakt_process_facts);
  EXPECT_SAME_SIZE(vakt_file);
  EXPECT_SAME_SIZE(vakt_process_fork);
  EXPECT_SAME_SIZE(vakt_process_exec);
  EXPECT_SAME_SIZE(vakt_process_exit);
  EXPECT_SAME_SIZE(vakt_process_seed);
  EXPECT_SAME_SIZE(vakt_file_open);
  EXPECT_SAME_SIZE(vakt_file_change);
  EXPECT_SAME_SIZE(vakt_network);
  EXPECT_SAME_SIZE(vakt_call);
  EXPECT_SAME_SIZE(vakt_process_act);
  EXPECT_SAME_SIZE(vakt_process_credentials);
  EXPECT_SAME_SIZE(vakt_stack);
  EXPECT_SAME_SIZE(vakt_frame);
}

TEST_F(WireLayout, TheSharedMapsHaveOneLayout) {
  EXPECT_SAME_SIZE(vakt_control);
  EXPECT_SAME_SIZE(vakt_cpu_state);
  EXPECT_SAME_OFFSET(vakt_control, stack_kinds);
  EXPECT_SAME_OFFSET(vakt_control, scope_cgroup_id);
  EXPECT_SAME_OFFSET(vakt_control, consumer_sleeps);
  EXPECT_SAME_OFFSET(vakt_control, scratch_slots);
  EXPECT_SAME_OFFSET(vakt_cpu_state, hits);
  EXPECT_SAME_OFFSET(vakt_cpu_state, filtered);
  EXPECT_SAME_OFFSET(vakt_cpu_state, submitted);
  EXPECT_SAME_OFFSET(vakt_cpu_state, lost);
}

TEST_F(WireLayout, MembersLieWhereTheDecoderReadsThem) {
  EXPECT_SAME_OFFSET(vakt_header, seq);
  EXPECT_SAME_OFFSET(vakt_header, boot_ns);
  EXPECT_SAME_OFFSET(vakt_task, cgroup_id);
  EXPECT_SAME_OFFSET(vakt_task, comm);
  EXPECT_SAME_OFFSET(vakt_process_exec, exe);
  EXPECT_SAME_OFFSET(vakt_process_exec, argv);
  EXPECT_SAME_OFFSET(vakt_process_exec, flags);
  EXPECT_SAME_OFFSET(vakt_process_seed, size);
  EXPECT_SAME_OFFSET(vakt_process_fork, clone_flags);
  EXPECT_SAME_OFFSET(vakt_call, file);
  EXPECT_SAME_OFFSET(vakt_call, syscall_nr);
  EXPECT_SAME_OFFSET(vakt_process_act, target);
  EXPECT_SAME_OFFSET(vakt_process_act, text);
  EXPECT_SAME_OFFSET(vakt_process_credentials, credentials);
  EXPECT_SAME_OFFSET(vakt_file_open, name_raw);
  EXPECT_SAME_OFFSET(vakt_file_open, resolve);
  EXPECT_SAME_OFFSET(vakt_file_open, facts);
  EXPECT_SAME_OFFSET(vakt_file_change, other_raw);
  EXPECT_SAME_OFFSET(vakt_file_change, facts);
  EXPECT_SAME_OFFSET(vakt_file_change, number);
  EXPECT_SAME_SIZE(vakt_dns_answer);
  EXPECT_SAME_SIZE(vakt_payload);
  EXPECT_SAME_SIZE(vakt_stream_piece);
  EXPECT_SAME_OFFSET(vakt_flow_socket, direction);
  EXPECT_SAME_OFFSET(vakt_network, remote_addr);
  EXPECT_SAME_OFFSET(vakt_network, path);
  EXPECT_SAME_OFFSET(vakt_network, result);
}

}  // namespace
}  // namespace vakt

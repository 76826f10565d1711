# vakt_bpf_skeleton(name SOURCE a.bpf.c HEADERS ...): compiles the BPF object and generates its
# libbpf skeleton, <binary dir>/generated/bpf/vakt.skel.h. HEADERS are what SOURCE includes of ours;
# vakt_wire.h beside it has the hash of those in wire/: two agents with the same one write the same
# records.

find_program(BPF_CLANG NAMES clang-19 clang-16 clang-15 clang-14 clang REQUIRED)
find_program(BPFTOOL bpftool PATHS /usr/sbin /sbin REQUIRED)

function(vakt_bpf_skeleton name)
  cmake_parse_arguments(ARG "" "SOURCE" "HEADERS" ${ARGN})
  set(out ${CMAKE_BINARY_DIR}/generated/bpf)
  file(MAKE_DIRECTORY ${out})
  list(TRANSFORM ARG_HEADERS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  add_custom_command(  # bpftool gen object drops DWARF and keeps BTF
    OUTPUT ${out}/vakt.skel.h
    COMMAND ${BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror
            -Wno-unused-function -Wno-unused-parameter -D__TARGET_ARCH_x86
            -I${CMAKE_SOURCE_DIR} -c ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_SOURCE} -o ${out}/vakt.debug.o
    COMMAND ${BPFTOOL} gen object ${out}/vakt.bpf.o ${out}/vakt.debug.o
    COMMAND sh -c "'${BPFTOOL}' gen skeleton '${out}/vakt.bpf.o' name vakt_bpf > '${out}/vakt.skel.h'"
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_SOURCE} ${ARG_HEADERS} VERBATIM)
  set(wire ${ARG_HEADERS})
  list(FILTER wire INCLUDE REGEX "/wire/")
  list(JOIN wire "' '" wire_files)
  add_custom_command(
    OUTPUT ${out}/vakt_wire.h
    COMMAND sh -c "echo \"#define VAKT_WIRE_HASH \\\"$(cat '${wire_files}' | sha256sum | cut -c1-64)\\\"\" > '${out}/vakt_wire.h'"
    DEPENDS ${wire} VERBATIM)
  add_custom_target(${name}_generate DEPENDS ${out}/vakt.skel.h ${out}/vakt_wire.h)
  add_library(${name} INTERFACE)
  add_dependencies(${name} ${name}_generate)
  target_include_directories(${name} SYSTEM INTERFACE ${out})
endfunction()

# vakt_bpf_skeleton(name PROBES a.bpf.c ... HEADERS ...): compiles each probe file, links them into
# one BPF object and generates its libbpf skeleton, <binary dir>/generated/bpf/vakt.skel.h.

find_program(BPF_CLANG NAMES clang-19 clang-16 clang-15 clang-14 clang REQUIRED)
find_program(BPFTOOL bpftool PATHS /usr/sbin /sbin REQUIRED)

function(vakt_bpf_skeleton name)
  cmake_parse_arguments(ARG "" "" "PROBES;HEADERS" ${ARGN})
  set(out ${CMAKE_BINARY_DIR}/generated/bpf)
  file(MAKE_DIRECTORY ${out})
  list(TRANSFORM ARG_HEADERS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE header_paths)
  foreach(probe ${ARG_PROBES})
    get_filename_component(stem ${probe} NAME_WE)
    add_custom_command(
      OUTPUT ${out}/${stem}.bpf.o
      COMMAND ${BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror
              -Wno-unused-function -Wno-unused-parameter -D__TARGET_ARCH_x86
              -I${CMAKE_SOURCE_DIR} -c ${CMAKE_CURRENT_SOURCE_DIR}/${probe} -o ${out}/${stem}.bpf.o
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${probe} ${header_paths} VERBATIM)
    list(APPEND objects ${out}/${stem}.bpf.o)
  endforeach()
  add_custom_command(  # bpftool gen object drops DWARF and keeps BTF
    OUTPUT ${out}/vakt.linked.o ${out}/vakt.skel.h
    COMMAND ${BPFTOOL} gen object ${out}/vakt.linked.o ${objects}
    COMMAND sh -c "'${BPFTOOL}' gen skeleton '${out}/vakt.linked.o' name vakt_bpf > '${out}/vakt.skel.h'"
    DEPENDS ${objects} VERBATIM)
  add_custom_target(${name}_generate DEPENDS ${out}/vakt.skel.h)
  add_library(${name} INTERFACE)
  add_dependencies(${name} ${name}_generate)
  target_include_directories(${name} SYSTEM INTERFACE ${out})
endfunction()

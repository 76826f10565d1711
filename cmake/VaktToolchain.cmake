# Compiler launcher, linker, warnings, hardening and sanitizers for every target.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

# Our own code: warnings are errors. Generated code gets VAKT_GENERATED_OPTIONS instead.
set(VAKT_WARNINGS -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers)
set(VAKT_GENERATED_OPTIONS -w)

add_compile_options(-fstack-protector-strong -fno-omit-frame-pointer)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-D_FORTIFY_SOURCE=2)
endif()
add_link_options(-Wl,-z,relro,-z,now)

if(VAKT_SANITIZE)
  add_compile_options(-fsanitize=${VAKT_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${VAKT_SANITIZE})
endif()

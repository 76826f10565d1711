# vakt_proto(name MESSAGES a.proto ... SERVICES b.proto ...): two libraries,
#   name            messages only (protobuf): what the pipeline and the CLI need
#   name_grpc       services (gRPC), for the edges alone

function(vakt_proto name)
  cmake_parse_arguments(ARG "" "" "MESSAGES;SERVICES" ${ARGN})
  set(out ${CMAKE_BINARY_DIR}/generated/proto)
  file(MAKE_DIRECTORY ${out})
  get_target_property(plugin gRPC::grpc_cpp_plugin LOCATION)
  foreach(proto ${ARG_MESSAGES} ${ARG_SERVICES})
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    add_custom_command(
      OUTPUT ${out}/${stem}.pb.cc ${out}/${stem}.pb.h
      COMMAND protobuf::protoc --cpp_out=${out} -I${CMAKE_CURRENT_SOURCE_DIR} ${proto}
      WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
      DEPENDS ${proto} ${ARG_MESSAGES} VERBATIM)
    list(APPEND message_sources ${out}/${stem}.pb.cc ${out}/${stem}.pb.h)
  endforeach()
  foreach(proto ${ARG_SERVICES})
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    add_custom_command(
      OUTPUT ${out}/${stem}.grpc.pb.cc ${out}/${stem}.grpc.pb.h
      COMMAND protobuf::protoc --grpc_out=${out} --plugin=protoc-gen-grpc=${plugin}
              -I${CMAKE_CURRENT_SOURCE_DIR} ${proto}
      WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
      DEPENDS ${proto} ${ARG_MESSAGES} VERBATIM)
    list(APPEND service_sources ${out}/${stem}.grpc.pb.cc ${out}/${stem}.grpc.pb.h)
  endforeach()
  add_library(${name} STATIC ${message_sources})
  target_compile_options(${name} PRIVATE ${VAKT_GENERATED_OPTIONS})
  target_include_directories(${name} SYSTEM PUBLIC ${out})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf)
  add_library(${name}_grpc STATIC ${service_sources})
  target_compile_options(${name}_grpc PRIVATE ${VAKT_GENERATED_OPTIONS})
  target_link_libraries(${name}_grpc PUBLIC ${name} gRPC::grpc++)
endfunction()

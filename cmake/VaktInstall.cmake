# SPDX-License-Identifier: Apache-2.0
# Who gets what: cmake --install build --prefix /usr --component agent|collector|analyst. An analyst
# reads alerts elsewhere: vakt-symbols brings libraries (libbpfcc's) that no node should carry.
include(GNUInstallDirs)

install(TARGETS vakt-agent vaktctl COMPONENT agent)
install(DIRECTORY rules DESTINATION ${CMAKE_INSTALL_DATADIR}/vakt COMPONENT agent
        FILES_MATCHING PATTERN "*.yaml" PATTERN "*.test.yaml" EXCLUDE)
install(TARGETS vakt-collector vaktctl COMPONENT collector)
foreach(component agent collector)
  install(FILES daemonset/systemd/vakt-${component}.service DESTINATION lib/systemd/system COMPONENT ${component})
  install(FILES daemonset/systemd/${component}.yaml DESTINATION ${CMAKE_INSTALL_DOCDIR}/${component}
          COMPONENT ${component})
endforeach()
install(TARGETS vaktctl vakt-symbols COMPONENT analyst)

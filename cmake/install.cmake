# The installed tree: the command, and the package behind find_package(ringfort).
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/ringfort")

set_target_properties(ringfort_api PROPERTIES EXPORT_NAME ringfort)
foreach(layer specs platform messages actors)
  set_target_properties(ringfort_${layer} PROPERTIES EXPORT_NAME ${layer})
endforeach()
# platform and actors are archives to link, without headers: nobody outside sees them.
install(TARGETS ringfort_specs ringfort_platform ringfort_messages ringfort_actors ringfort_api
  EXPORT ringfort-targets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
foreach(layer specs messages api)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${layer}/"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/ringfort/${layer}" FILES_MATCHING PATTERN "*.hpp")
endforeach()
if(TARGET ringfort)
  install(TARGETS ringfort RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

configure_package_config_file(cmake/ringfort-config.cmake.in
  "${PROJECT_BINARY_DIR}/ringfort-config.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/ringfort-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(EXPORT ringfort-targets NAMESPACE ringfort:: DESTINATION "${package_dir}")
install(FILES cmake/FindCAF.cmake "${PROJECT_BINARY_DIR}/ringfort-config.cmake"
  "${PROJECT_BINARY_DIR}/ringfort-config-version.cmake" DESTINATION "${package_dir}")

# Finds the C++ Actor Framework and defines CAF::core and, where it is there, CAF::io.
#
# CAF 1.x brings its own CMake package with these very targets, which is used if present. Debian's
# 0.17 packages hold only headers and shared libraries, so the targets are made here.

find_package(CAF CONFIG QUIET)
if(TARGET CAF::core)
  set(CAF_FOUND TRUE)
  return()
endif()

include(CMakeFindDependencyMacro)
include(FindPackageHandleStandardArgs)
find_dependency(Threads)

find_path(CAF_INCLUDE_DIR NAMES caf/all.hpp DOC "Folder that holds caf/")
foreach(_caf_part core io)
  string(TOUPPER ${_caf_part} _caf_upper)
  find_library(CAF_${_caf_upper}_LIBRARY NAMES caf_${_caf_part} DOC "The library caf_${_caf_part}")
  mark_as_advanced(CAF_${_caf_upper}_LIBRARY)
  if(CAF_${_caf_upper}_LIBRARY)
    set(CAF_${_caf_part}_FOUND TRUE)
  endif()
endforeach()
mark_as_advanced(CAF_INCLUDE_DIR)

# The header counts in one number: 1706 is 0.17.6, 10100 is 1.1.0.
if(EXISTS "${CAF_INCLUDE_DIR}/caf/config.hpp")
  file(STRINGS "${CAF_INCLUDE_DIR}/caf/config.hpp" _caf_line REGEX "define +CAF_VERSION +[0-9]+")
  if(_caf_line MATCHES "CAF_VERSION +([0-9]+)")
    set(_caf_number "${CMAKE_MATCH_1}")
    math(EXPR _caf_major "${_caf_number} / 10000")
    math(EXPR _caf_minor "${_caf_number} / 100 % 100")
    math(EXPR _caf_patch "${_caf_number} % 100")
    set(CAF_VERSION "${_caf_major}.${_caf_minor}.${_caf_patch}")
  endif()
endif()

find_package_handle_standard_args(CAF
  REQUIRED_VARS CAF_CORE_LIBRARY CAF_INCLUDE_DIR
  VERSION_VAR CAF_VERSION
  HANDLE_COMPONENTS
  REASON_FAILURE_MESSAGE "On Debian and Ubuntu: apt-get install libcaf-dev")

if(CAF_FOUND)
  add_library(CAF::core UNKNOWN IMPORTED)
  set_target_properties(CAF::core PROPERTIES
    IMPORTED_LOCATION "${CAF_CORE_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES Threads::Threads)
  if(CAF_io_FOUND)
    add_library(CAF::io UNKNOWN IMPORTED)
    set_target_properties(CAF::io PROPERTIES
      IMPORTED_LOCATION "${CAF_IO_LIBRARY}"
      INTERFACE_LINK_LIBRARIES CAF::core)
  endif()
endif()

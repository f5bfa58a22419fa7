# How one folder becomes one link target, and how the helper gets into the platform library.
#
# A target's include directory is a "view": <build>/view/<layer>/ringfort/<layer>, a symbolic link
# to the layer's folder and nothing beside it. Headers of other layers are reachable only through
# targets that are linked, so including upwards ends as "No such file or directory".

# Warnings and sanitizers for all that we compile, except what must stay static and bare.
function(ringfort_compile target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 reports "text" + std::string as overlapping memory (GCC bug 105651).
    target_compile_options(${target} PRIVATE -Wno-restrict -Wno-maybe-uninitialized)
  endif()
  if(RINGFORT_SANITIZE)
    # Not "null": CAF 0.17 binds *nullptr to a reference of an empty tuple (init_fun_factory.hpp);
    # a null pointer that is really used still ends as a report of AddressSanitizer.
    target_compile_options(${target} PRIVATE -fsanitize=${RINGFORT_SANITIZE} -fno-sanitize=null
      -fno-sanitize-recover=all -fno-omit-frame-pointer)
    # INTERFACE as well: whoever links an instrumented archive needs its runtime.
    target_link_options(${target} PUBLIC -fsanitize=${RINGFORT_SANITIZE})
  endif()
endfunction()

# Sets <out> to the files that match the globs below <dir>; never to nothing, so that a folder
# whose first source is still to be written configures and links.
function(ringfort_sources out dir)
  list(TRANSFORM ARGN PREPEND "${dir}/")
  file(GLOB found CONFIGURE_DEPENDS ${ARGN})
  list(REMOVE_ITEM found "${dir}/main.cpp")
  if(NOT found)
    set(found "${PROJECT_BINARY_DIR}/empty.cpp")
    file(CONFIGURE OUTPUT "${found}" CONTENT "// No source yet.\n")
  endif()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# Links <build>/view/<name>/ringfort/<name> to <dir> and sets <out> to the view.
function(ringfort_view out name dir)
  set(view "${PROJECT_BINARY_DIR}/view/${name}")
  file(MAKE_DIRECTORY "${view}/ringfort")
  if(NOT IS_SYMLINK "${view}/ringfort/${name}")
    file(CREATE_LINK "${dir}" "${view}/ringfort/${name}" SYMBOLIC)
  endif()
  set(${out} "${view}" PARENT_SCOPE)
endfunction()

# ringfort_layer(<name> [SOURCES <glob>...] [CAF_HEADERS] [PUBLIC <dep>...] [PRIVATE <dep>...])
# A dep is a layer's name or a library. CAF_HEADERS shares one precompiled <caf/all.hpp>.
function(ringfort_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "CAF_HEADERS" "" "SOURCES;PUBLIC;PRIVATE")
  if(NOT arg_SOURCES)
    set(arg_SOURCES *.cpp)
  endif()
  ringfort_sources(sources "${PROJECT_SOURCE_DIR}/${name}" ${arg_SOURCES})
  ringfort_view(view ${name} "${PROJECT_SOURCE_DIR}/${name}")

  set(target ringfort_${name})
  add_library(${target} STATIC ${sources})
  add_library(ringfort::${name} ALIAS ${target})
  ringfort_compile(${target})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${view}> $<INSTALL_INTERFACE:include>)
  foreach(scope PUBLIC PRIVATE)
    foreach(dep IN LISTS arg_${scope})
      if(TARGET ringfort_${dep})
        set(dep ringfort_${dep})
      endif()
      target_link_libraries(${target} ${scope} ${dep})
    endforeach()
  endforeach()
  if(arg_CAF_HEADERS)
    ringfort_caf_headers(${target})
  endif()
endfunction()

# <caf/all.hpp> costs seconds in each file: parse it once for all targets that ask.
# Configure with -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON to see whether headers stand alone.
function(ringfort_caf_headers target)
  if(TARGET ringfort_messages AND NOT target STREQUAL "ringfort_messages")
    target_precompile_headers(${target} REUSE_FROM ringfort_messages)
  else()
    target_precompile_headers(${target} PRIVATE <caf/all.hpp> <algorithm> <chrono> <cstdint>
      <filesystem> <functional> <map> <memory> <optional> <string> <string_view> <unordered_map>
      <utility> <variant> <vector>)
  endif()
endfunction()

# Makes syscall_rows.inc of platform/linux/syscalls.txt for <target>.
function(ringfort_syscall_table target)
  if(NOT RINGFORT_OS STREQUAL "linux")
    return()
  endif()
  set(table "${PROJECT_SOURCE_DIR}/platform/linux/syscalls.txt")
  set(script "${PROJECT_SOURCE_DIR}/cmake/syscall_table.cmake")
  set(rows "${PROJECT_BINARY_DIR}/syscalls/syscall_rows.inc")
  add_custom_command(OUTPUT "${rows}" DEPENDS "${table}" "${script}" VERBATIM
    COMMAND "${CMAKE_COMMAND}" -DTABLE=${table} -DOUTPUT=${rows} -P "${script}")
  target_sources(${target} PRIVATE "${rows}")
  target_include_directories(${target} PRIVATE "${PROJECT_BINARY_DIR}/syscalls")
endfunction()

# Builds platform/shim/*.cpp as the static program ringfort-shim<suffix>, which speaks this version of
# the protocol, and puts its stripped image and that number into <target>, under the names that
# platform/linux/zygote_process.cpp and platform/protocol.cpp know. A program that has them itself
# takes none from its libraries.
function(ringfort_embed_shim target protocol suffix)
  if(NOT RINGFORT_OS STREQUAL "linux")
    return()
  endif()
  set(shim "ringfort-shim${suffix}")
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/platform/shim/*.cpp")
  set(image "${PROJECT_BINARY_DIR}/shim/${shim}.image")
  add_executable(${shim} ${sources})
  target_include_directories(${shim} PRIVATE "${PROJECT_BINARY_DIR}/view/platform")
  target_compile_definitions(${shim} PRIVATE RINGFORT_PROTOCOL_VERSION=${protocol})
  target_compile_options(${shim} PRIVATE -Wall -Wextra -Werror -Os -fno-exceptions
    -fno-rtti -fno-threadsafe-statics -fno-asynchronous-unwind-tables -ffunction-sections
    -fdata-sections)
  # No C++ runtime at all: what allocates or throws does not link.
  target_link_options(${shim} PRIVATE -static -nodefaultlibs -Wl,--gc-sections)
  target_link_libraries(${shim} PRIVATE -Wl,--start-group -lc -lgcc -lgcc_eh -Wl,--end-group)
  set_target_properties(${shim} PROPERTIES
    POSITION_INDEPENDENT_CODE OFF RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/shim")
  add_custom_command(OUTPUT "${image}" DEPENDS ${shim} VERBATIM
    COMMAND "${CMAKE_STRIP}" -o "${image}" $<TARGET_FILE:${shim}>)

  set(assembly "${PROJECT_BINARY_DIR}/shim/image${suffix}.S")
  file(CONFIGURE OUTPUT "${assembly}" @ONLY CONTENT [[
    .section .rodata.ringfort_shim_image, "a"
    .balign 64
    .global ringfort_shim_image_begin
ringfort_shim_image_begin:
    .incbin "@image@"
    .global ringfort_shim_image_end
ringfort_shim_image_end:
    .global ringfort_shim_protocol
ringfort_shim_protocol:
    .byte @protocol@
    .section .note.GNU-stack, "", %progbits
]])
  set_source_files_properties("${assembly}" PROPERTIES OBJECT_DEPENDS "${image}")
  target_sources(${target} PRIVATE "${assembly}" "${image}")
endfunction()

# Builds <source> as the static program <name> and puts its image into <target>, between the symbols
# ringfort_<name>_begin and ringfort_<name>_end. ARGN are further options to compile and link it.
function(ringfort_embed_program target name source)
  add_executable(${name} "${source}")
  target_compile_options(${name} PRIVATE -Wall -Wextra -Werror -Os ${ARGN})
  target_link_options(${name} PRIVATE -static -s ${ARGN})
  set_target_properties(${name} PROPERTIES
    POSITION_INDEPENDENT_CODE OFF RUNTIME_OUTPUT_DIRECTORY "${RINGFORT_BIN_DIR}")
  set(image "${RINGFORT_BIN_DIR}/${name}")
  set(assembly "${PROJECT_BINARY_DIR}/programs/${name}.S")
  file(CONFIGURE OUTPUT "${assembly}" @ONLY CONTENT [[
    .section .rodata.ringfort_@name@, "a"
    .balign 64
    .global ringfort_@name@_begin
ringfort_@name@_begin:
    .incbin "@image@"
    .global ringfort_@name@_end
ringfort_@name@_end:
    .section .note.GNU-stack, "", %progbits
]])
  set_source_files_properties("${assembly}" PROPERTIES OBJECT_DEPENDS "${image}")
  target_sources(${target} PRIVATE "${assembly}")
  add_dependencies(${target} ${name})
endfunction()

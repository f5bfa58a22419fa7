// Lines for a shell that give a machine what it lacks, as exact as a survey allows. Pure. Empty
// where none is known.
#pragma once

#include "ringfort/platform/host_survey.hpp"

#include <string>

namespace ringfort::platform {

std::string newer_kernel(const HostSurvey& survey);
std::string enable_landlock(const HostSurvey& survey);
/// For a call that fails though the kernel should have it: the filter around us, else the kernel.
std::string allow_call(const HostSurvey& survey);
std::string allow_user_namespaces(const HostSurvey& survey);
std::string allow_network_namespaces(const HostSurvey& survey);
std::string unmask_proc();
/// A cgroup in which this user may set a memory limit.
std::string give_memory_cgroup(const HostSurvey& survey);
std::string give_reflink(const DataDirSurvey& data_dir);
std::string give_data_dir(const HostSurvey& survey);

/// `text` as one word of a shell.
std::string shell_word(const std::string& text);

}  // namespace ringfort::platform

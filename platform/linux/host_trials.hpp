// What a machine allows, found by doing it in a child that is thrown away. Nothing stays behind.
#pragma once

#include "ringfort/platform/host_survey.hpp"

#include <string>

namespace ringfort::platform {

Trial try_landlock();        ///< landlock(7): a domain without rules, then an open that must fail
Trial try_seccomp();         ///< seccomp(2): a filter, then a call that must fail
Trial try_pidfd();           ///< pidfd_open(2)
Trial try_close_range();     ///< close_range(2)
Trial try_openat2();         ///< openat2(2)
Trial try_memfd();           ///< a memfd that may be executed
Trial try_user_namespace();  ///< unshare(2) of a user namespace
/// With own id maps and a private mount tree in it: what AppArmor's switch takes away.
Trial try_namespace_rights();
Trial try_overlay(bool root);  ///< an overlay mount in an own mount namespace

/// One cgroup directory, made and removed. `survey.directory` is where.
void try_cgroup(CgroupSurvey& survey);

/// Finds place, and tries a file and a clone of it there. `data_dir` is absolute.
DataDirSurvey survey_data_dir(const std::string& data_dir, const std::string& mountinfo);

}  // namespace ringfort::platform

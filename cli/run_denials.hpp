// What `ringfort run` itself can say of denials: the policy of its container, and the files that
// the command line named.
#pragma once

#include "ringfort/api/access.hpp"
#include "ringfort/cli/job.hpp"
#include "ringfort/messages/answers.hpp"

#include <string>
#include <vector>

namespace ringfort::cli {

/// By the policy of a container that `run` has made.
Result<AccessJudge> judge_of(const Job& job, const Created& created, const std::string& data_dir,
                             const JobFlags& flags);

/// A file of the host that a word of a command may mean.
struct NamedFile {
  std::string path;  ///< absolute
  bool is_relative = false;
  bool operator==(const NamedFile&) const = default;
};

/// Words, also those within a word (`--file=x`, `sh -c "cat x"`), as paths below `directory`; each
/// once, options left out. Pure: whether the files are there is not looked at.
std::vector<NamedFile> named_files(const Arguments& words, const std::string& directory);

/// Those that the host has. An empty `directory`: relative words mean no file of the host's.
std::vector<NamedFile> named_files_there(const Arguments& words, const std::string& directory);

/// Those of `files` that the policy hides, at most 4: probable reasons of an unhappy end, since
/// what the program wrote went past ringfort. `directory` as above.
std::vector<AccessAnswer> named_denials(const AccessJudge& judge,
                                        const std::vector<NamedFile>& files,
                                        const std::string& directory);

}  // namespace ringfort::cli

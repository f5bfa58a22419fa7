#include "ringfort/cli/run_denials.hpp"

#include "ringfort/cli/paths.hpp"

#include <algorithm>
#include <string_view>

#include <unistd.h>

namespace ringfort::cli {
namespace {

constexpr std::size_t kMostLooks = 256;
constexpr std::size_t kMostNamed = 4;

/// What a shell and the habits of options put between the parts of a word.
constexpr std::string_view kBetween = " \t\n=;|&<>()'\"";

}  // namespace

Result<AccessJudge> judge_of(const Job& job, const Created& created, const std::string& data_dir,
                             const JobFlags& flags) {
  AccessSetting setting;
  setting.data_dir = data_dir;
  setting.names_network = flags.net.has_value();
  setting.container = job.id;
  setting.level = created.level;
  setting.port = created.port;
  setting.uid = created.uid;
  return AccessJudge::make(job.service, job.options, setting);
}

std::vector<NamedFile> named_files(const Arguments& words, const std::string& directory) {
  std::vector<NamedFile> files;
  for (const std::string_view word : words) {
    for (std::size_t at = 0; at < word.size() && files.size() < kMostLooks;) {
      const auto end = std::min(word.find_first_of(kBetween, at), word.size());
      const auto part = word.substr(at, end - at);
      at = end + 1;
      // A shell's "." reads the next word.
      if (part.empty() || part == "." || part.starts_with('-') || part.find('\0') != part.npos)
        continue;
      NamedFile file{absolute_path(std::string(part), directory), !part.starts_with('/')};
      if (std::ranges::find(files, file) == files.end()) files.push_back(std::move(file));
    }
  }
  return files;
}

std::vector<NamedFile> named_files_there(const Arguments& words, const std::string& directory) {
  auto files = named_files(words, directory);
  std::erase_if(files, [&](const NamedFile& file) {
    return (file.is_relative && directory.empty()) || ::access(file.path.c_str(), F_OK) != 0;
  });
  return files;
}

std::vector<AccessAnswer> named_denials(const AccessJudge& judge,
                                        const std::vector<NamedFile>& files,
                                        const std::string& directory) {
  std::vector<AccessAnswer> denials;
  for (const auto& file : files) {
    auto answer = judge.ask("read", file.path);
    if (!answer || answer->allowed) continue;
    // The program works where its caller stood once that directory is there.
    if (file.is_relative && directory != "/" && answer->flags.size() == 2)
      answer->flags[1] = directory;
    denials.push_back(*std::move(answer));
    if (denials.size() == kMostNamed) break;
  }
  return denials;
}

}  // namespace ringfort::cli

// What a survey of the machine means: which levels it has, and what would bring the rest. Pure.
#pragma once

#include "ringfort/platform/host_survey.hpp"

#include <optional>
#include <string>
#include <vector>

namespace ringfort::platform {

enum class Grade {
  Good,     ///< as it should be
  Reduced,  ///< containers do without, and say so
  Missing,  ///< a level, or everything, takes it
};
std::string_view to_string(Grade grade);  ///< ok, reduced, missing

struct Finding {
  std::string name;  ///< "user namespaces"
  Grade grade = Grade::Good;
  std::string value;   ///< what was found
  std::string why;     ///< what it costs, or what is in the way; empty when all is well
  std::string remedy;  ///< a line for a shell that mends it; empty = none is known
};

struct LevelFinding {
  std::string name;  ///< landlock, namespaces, network
  bool possible = false;
  std::string why;     ///< empty when possible
  std::string remedy;  ///< as above
};

struct Diagnosis {
  std::vector<Finding> findings;
  std::vector<LevelFinding> levels;
  /// What a container gets that asks for none; empty = nothing can be made here.
  std::optional<Level> default_level;
};

/// Why a trial failed, in words.
std::string to_text(Trial failed);

Diagnosis diagnose(const HostSurvey& survey);

}  // namespace ringfort::platform

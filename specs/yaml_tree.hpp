// YAML text to a tree. The only place that knows the YAML library; hostile text ends here.
#pragma once

#include "ringfort/specs/tree.hpp"

#include <string>
#include <string_view>

namespace ringfort::specs {

struct YamlTree {
  NodePtr root;  ///< null when nothing could be made of the text
  Problems problems;
};

YamlTree read_yaml(std::string_view yaml, const std::string& file);

}  // namespace ringfort::specs

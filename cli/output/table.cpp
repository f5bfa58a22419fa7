#include "ringfort/cli/output/table.hpp"

#include "ringfort/cli/output/terminal.hpp"
#include "ringfort/cli/output/words.hpp"

#include <algorithm>

#include <unistd.h>

namespace ringfort::cli {
namespace {

bool begins_code_point(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

}  // namespace

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_code_point));
}

std::string fit(std::string_view text, std::size_t width) {
  if (columns_of(text) <= width) return std::string{text};
  if (width == 0) return {};
  std::size_t at = 0;
  std::size_t columns = 0;
  for (; at < text.size(); ++at)
    if (begins_code_point(text[at]) && ++columns == width) break;
  return std::string{text.substr(0, at)} + "…";
}

std::vector<std::string> Table::lines(std::size_t width) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  std::vector<std::string> lines;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - columns_of(row[i]) + 2, ' ');
    }
    while (line.ends_with(' ')) line.pop_back();
    lines.push_back(width == 0 ? line : fit(line, width));
  }
  return lines;
}

std::string Table::str(std::size_t width) const {
  std::string text;
  for (const auto& line : lines(width)) text += line + "\n";
  return text;
}

bool print(const Table& table) {
  const auto width = is_terminal(STDOUT_FILENO) ? terminal_size(STDOUT_FILENO).columns : 0;
  return write_all(STDOUT_FILENO, table.str(width));
}

}  // namespace ringfort::cli

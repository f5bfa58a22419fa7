// Columns that fit the terminal. Pure, but for print.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ringfort::cli {

/// Columns a UTF-8 text takes; every code point counts one.
std::size_t columns_of(std::string_view text);

/// `text` in at most `width` columns; what is cut is shown by a final "…".
std::string fit(std::string_view text, std::size_t width);

class Table {
 public:
  explicit Table(std::vector<std::string> heads) : rows_{std::move(heads)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  /// One line a row, two spaces between columns, no line wider than `width`; 0 = no bound. Cells
  /// should hold no control characters.
  std::vector<std::string> lines(std::size_t width = 0) const;
  /// The same as one text.
  std::string str(std::size_t width = 0) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// To stdout, as wide as it may be there. False when the reader has gone.
bool print(const Table& table);

}  // namespace ringfort::cli

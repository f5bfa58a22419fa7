// What `up` shows: text for people, or one JSON object a line.
#pragma once

#include "ringfort/api/access.hpp"
#include "ringfort/api/runtime.hpp"
#include "ringfort/specs/names.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::cli {

/// One line of the table.
struct BoardRow {
  std::string name;
  std::string state;
  std::optional<std::uint16_t> port;
  std::optional<std::uint64_t> memory;
  std::optional<std::uint64_t> memory_limit;
  std::string note;
};
using Board = std::vector<BoardRow>;

class UpOutput {
 public:
  virtual ~UpOutput() = default;
  virtual void line(const ContainerId& id, LogStream stream, std::string_view text) = 0;
  virtual void started(const ContainerId& id, const Created& created, const Started& started) = 0;
  virtual void ended(const ContainerId& id, const ExitRecord& exit) = 0;
  /// Its restart policy starts it again, for the `number`th time.
  virtual void restarting(const ContainerId& id, std::uint32_t number, Duration delay) = 0;
  virtual void failed(const std::string& name, const Error& error) = 0;
  /// What the policy explains of how it ended; `grade` as in denial_line.
  virtual void denied(const ContainerId& id, const AccessAnswer& answer,
                      std::string_view grade) = 0;
  virtual void warning(std::string_view text) = 0;
  virtual void note(std::string_view text) = 0;  ///< stopping, timeout
  /// Whether `board` is of any use.
  virtual bool has_board() const { return false; }
  virtual void board(const Board& board) { (void)board; }
};

/// Prefixed lines to stdout, own words to stderr, and on a terminal the table below all that.
/// `name_width` = columns of the longest container name.
std::unique_ptr<UpOutput> make_text_output(std::size_t name_width);
std::unique_ptr<UpOutput> make_json_output();

/// The table as lines, with a last one that tells how many rows had no room. Pure.
std::vector<std::string> board_lines(const Board& board, std::size_t columns, std::size_t rows);

/// "1.5Mi": three digits at most. Pure.
std::string short_size(std::uint64_t bytes);

/// "120 ms", "3.4 s". Pure.
std::string short_time(Duration time);

/// "web-1 ended with 137 (oom)". Pure.
std::string end_sentence(const ContainerId& id, const ExitRecord& exit);

}  // namespace ringfort::cli

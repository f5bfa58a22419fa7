#include "ringfort/cli/output/access.hpp"
#include "ringfort/cli/output/table.hpp"
#include "ringfort/cli/output/terminal.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/up/output.hpp"
#include "ringfort/specs/names.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include <unistd.h>

namespace ringfort::cli {
namespace {

constexpr std::array<Colour, 5> name_colours{Colour::Cyan, Colour::Yellow, Colour::Green,
                                             Colour::Magenta, Colour::Blue};

std::string memory_cell(const BoardRow& row) {
  if (!row.memory) return "-";
  auto text = short_size(*row.memory);
  if (row.memory_limit) text += " of " + short_size(*row.memory_limit);
  return text;
}

class TextOutput : public UpOutput {
 public:
  explicit TextOutput(std::size_t name_width) : name_width_(name_width) {}

  void line(const ContainerId& id, LogStream stream, std::string_view text) override {
    (void)stream;
    std::string name = id.str();
    name.resize(std::max(name.size(), name_width_), ' ');
    // A program must not steer the terminal of whoever watches it.
    const auto shown =
        is_out_terminal_ ? printable(text, std::string_view::npos) : std::string{text};
    erase();
    write_all(STDOUT_FILENO, out_(colour_of(id.service), name + " | ") + shown + "\n");
    draw();
  }

  void started(const ContainerId& id, const Created& created, const Started& started) override {
    std::string text = id.str() + " started";
    if (created.port) text += " on port " + std::to_string(*created.port);
    const double milliseconds = static_cast<double>(started.took.count()) / 1000;
    std::array<char, 32> time{};
    std::snprintf(time.data(), time.size(), " in %.1f ms", milliseconds);
    text += time.data();
    constexpr Duration kWorthAWord = std::chrono::milliseconds(100);
    if (started.queued >= kWorthAWord) text += ", queued " + short_time(started.queued);
    speak(text);
  }

  void ended(const ContainerId& id, const ExitRecord& exit) override {
    speak(end_sentence(id, exit),
          exit.code == 0 || exit.reason == EndReason::Stopped ? Colour::Green : Colour::Red);
  }

  void restarting(const ContainerId& id, std::uint32_t number, Duration delay) override {
    speak(id.str() + " is started again in " + short_time(delay) + " (restart " +
          std::to_string(number) + ")");
  }

  void failed(const std::string& name, const Error& error) override {
    Error named = error;
    if (named.container.empty()) named.what.insert(0, name + ": ");
    erase();
    print_error(named, "up");
    draw();
  }

  void denied(const ContainerId& id, const AccessAnswer& answer, std::string_view grade) override {
    speak(id.str() + ": " + denial_line(answer, grade));
  }

  void warning(std::string_view text) override { speak("warning: " + std::string{text}); }
  void note(std::string_view text) override { speak(std::string{text}); }
  bool has_board() const override { return is_err_terminal_; }

  void board(const Board& board) override {
    if (!has_board()) return;
    erase();
    const auto size = terminal_size(STDERR_FILENO);
    lines_ = board_lines(board, size.columns, size.rows / 2);
    draw();
  }

 private:
  Colour colour_of(const std::string& service) const {
    return name_colours[std::hash<std::string>{}(service) % name_colours.size()];
  }

  void speak(const std::string& text, std::optional<Colour> colour = {}) {
    erase();
    write_all(STDERR_FILENO, "ringfort: " + (colour ? err_(*colour, text) : text) + "\n");
    draw();
  }

  /// Takes the table away, so that what comes next stands above it.
  void erase() {
    if (drawn_ == 0) return;
    write_all(STDERR_FILENO, "\x1b[" + std::to_string(drawn_) + "A\r\x1b[J");
    drawn_ = 0;
  }
  void draw() {
    if (lines_.empty()) return;
    std::string text;
    for (const auto& line : lines_) text += line + "\n";
    write_all(STDERR_FILENO, text);
    drawn_ = lines_.size();
  }

  std::size_t name_width_;
  bool is_out_terminal_ = is_terminal(STDOUT_FILENO);
  bool is_err_terminal_ = is_terminal(STDERR_FILENO);
  Paint out_{may_colour(STDOUT_FILENO)};
  Paint err_{may_colour(STDERR_FILENO)};
  std::vector<std::string> lines_;
  std::size_t drawn_ = 0;
};

}  // namespace

std::string short_size(std::uint64_t bytes) {
  constexpr std::array<const char*, 6> units{"", "Ki", "Mi", "Gi", "Ti", "Pi"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  const bool is_round =
      unit == 0 || value >= 100 || value == static_cast<double>(static_cast<int>(value));
  std::snprintf(text.data(), text.size(), is_round ? "%.0f%s" : "%.1f%s", value, units[unit]);
  return text.data();
}

std::string short_time(Duration time) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  if (milliseconds < 1000) return std::to_string(milliseconds) + " ms";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(milliseconds) / 1000);
  return text.data();
}

std::string end_sentence(const ContainerId& id, const ExitRecord& exit) {
  return id.str() + " ended with " + std::to_string(exit.code) + " (" +
         std::string{to_string(exit.reason)} + ")";
}

std::vector<std::string> board_lines(const Board& board, std::size_t columns, std::size_t rows) {
  Table table{{"CONTAINER", "STATE", "PORT", "MEMORY", "NOTE"}};
  const std::size_t room = rows > 2 ? rows - 2 : 1;
  const std::size_t shown = board.size() <= room + 1 ? board.size() : room;
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& row = board[i];
    table.add({row.name, row.state, row.port ? std::to_string(*row.port) : "-", memory_cell(row),
               row.note});
  }
  auto lines = table.lines(columns);
  if (shown < board.size())
    lines.push_back(fit("and " + std::to_string(board.size() - shown) + " more", columns));
  return lines;
}

std::unique_ptr<UpOutput> make_text_output(std::size_t name_width) {
  return std::make_unique<TextOutput>(name_width);
}

}  // namespace ringfort::cli

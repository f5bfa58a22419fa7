#include "ringfort/cli/bench/chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <limits>

namespace ringfort::cli {
namespace {

// Eight that are told apart with any colour vision (Okabe and Ito), darker where the page is white.
constexpr std::array<const char*, 8> kColours{"#000000", "#0072b2", "#d55e00", "#009e73",
                                              "#cc79a7", "#e69f00", "#56b4e9", "#8a7f00"};
constexpr double kWidth = 840, kHeight = 480;
constexpr double kLeft = 80, kRight = 640, kTop = 40, kBottom = 400;
constexpr std::size_t kNoteWidth = 125;

__attribute__((format(printf, 1, 2))) std::string format(const char* form, ...) {
  std::array<char, 512> text{};
  va_list arguments;
  va_start(arguments, form);
  std::vsnprintf(text.data(), text.size(), form, arguments);
  va_end(arguments);
  return text.data();
}

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '&')
      safe += "&amp;";
    else
      safe += c;
  }
  return safe;
}

/// At spaces, so that each piece fits.
std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines;
  std::string rest = text;
  while (rest.size() > width) {
    auto cut = rest.rfind(' ', width);
    if (cut == std::string::npos || cut == 0) cut = width;
    lines.push_back(rest.substr(0, cut));
    rest.erase(0, rest[cut] == ' ' ? cut + 1 : cut);
  }
  lines.push_back(rest);
  return lines;
}

/// One axis with its range, as places on the picture.
class Ruler {
 public:
  Ruler(const Axis& axis, double low, double high, double from, double to)
      : scale_(axis.scale), ticks_(ticks(low, high, axis.scale)), from_(from), to_(to) {
    low_ = value(ticks_.front());
    high_ = value(ticks_.back());
  }

  double place(double number) const {
    return from_ + (to_ - from_) * (value(number) - low_) / (high_ - low_);
  }
  const std::vector<double>& marks() const { return ticks_; }

 private:
  double value(double number) const {
    return scale_ == Scale::Linear ? number : std::log10(number);
  }

  Scale scale_;
  std::vector<double> ticks_;
  double from_, to_, low_ = 0, high_ = 1;
};

struct Range {
  double low = std::numeric_limits<double>::max();
  double high = std::numeric_limits<double>::lowest();
  void take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

std::pair<Range, Range> ranges(const Chart& chart) {
  Range x, y;
  for (const auto& line : chart.lines)
    for (const auto& [along, up] : line.points) x.take(along), y.take(up);
  if (x.low > x.high) x = y = {1, 10};
  if (chart.y.scale == Scale::Linear) y.take(0);
  return {x, y};
}

std::string text_at(double x, double y, const char* anchor, const std::string& text) {
  return format("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor) + escaped(text) +
         "</text>\n";
}

std::string grid(const Ruler& x, const Ruler& y) {
  std::string text;
  for (const double mark : x.marks()) {
    const double at = x.place(mark);
    text += format("<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n", at, kTop, kBottom);
    text += text_at(at, kBottom + 18, "middle", format("%.6g", mark));
  }
  for (const double mark : y.marks()) {
    const double at = y.place(mark);
    text += format("<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", kLeft, at, kRight);
    text += text_at(kLeft - 8, at + 4, "end", format("%.6g", mark));
  }
  return text;
}

std::string drawn(const Line& line, std::size_t number, const Ruler& x, const Ruler& y) {
  const char* colour = kColours[number % kColours.size()];
  // Beyond eight lines colours come again, broken up.
  const char* dashes = number >= kColours.size() ? " stroke-dasharray=\"5 3\"" : "";
  std::string path;
  std::string dots;
  for (const auto& [along, up] : line.points) {
    path += format("%s%.1f %.1f", path.empty() ? "M" : "L", x.place(along), y.place(up));
    dots += format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x.place(along),
                   y.place(up), colour);
  }
  const double row = kTop + 10 + 20 * static_cast<double>(number);
  return format("<path class=\"line\" stroke=\"%s\"%s d=\"", colour, dashes) + path + "\"/>\n" +
         dots +
         format("<path class=\"line\" stroke=\"%s\"%s d=\"M%.1f %.1fh24\"/>\n", colour, dashes,
                kRight + 16, row) +
         text_at(kRight + 46, row + 4, "start", line.name);
}

std::string quoted(const std::string& text) {
  std::string safe = "\"";
  for (const char c : text)
    safe += c == '"' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
  return safe + "\"";
}

}  // namespace

std::vector<double> ticks(double low, double high, Scale scale) {
  std::vector<double> all;
  if (scale == Scale::Logarithmic) {
    const auto first = std::floor(std::log10(low));
    const auto last = std::max(first + 1, std::ceil(std::log10(high)));
    for (double power = first; power <= last; ++power) all.push_back(std::pow(10, power));
    return all;
  }
  const double span = high > low ? high - low : 1;
  const double rough = std::pow(10, std::floor(std::log10(span / 5)));
  double step = rough;
  for (const double times : {1.0, 2.0, 5.0, 10.0})
    if (span / (step = rough * times) <= 6) break;
  const auto first = std::floor(low / step);
  for (double number = first; all.empty() || all.back() < high; ++number)
    all.push_back(number * step);
  if (all.size() == 1) all.push_back(all.front() + step);
  return all;
}

std::string svg_text(const Chart& chart) {
  const auto [along, up] = ranges(chart);
  const Ruler x{chart.x, along.low, along.high, kLeft, kRight};
  const Ruler y{chart.y, up.low, up.high, kBottom, kTop};
  std::string text = format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
      "font-family=\"sans-serif\" "
      "font-size=\"12\">\n",
      kWidth, kHeight);
  text +=
      "<style>.grid{stroke:#ddd}.line{fill:none;stroke-width:2}</style>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
  text += format("<g font-size=\"16\">%s</g>\n",
                 text_at((kLeft + kRight) / 2, 24, "middle", chart.title).c_str());
  text += grid(x, y);
  text += text_at((kLeft + kRight) / 2, kBottom + 38, "middle", chart.x.label);
  text += format("<g transform=\"rotate(-90 20 %.1f)\">%s</g>\n", (kTop + kBottom) / 2,
                 text_at(20, (kTop + kBottom) / 2, "middle", chart.y.label).c_str());
  for (std::size_t i = 0; i < chart.lines.size(); ++i) text += drawn(chart.lines[i], i, x, y);
  double row = kBottom + 60;
  for (const auto& line : wrapped(chart.note, kNoteWidth)) {
    text += "<g font-size=\"10\" fill=\"#555\">" + text_at(12, row, "start", line) + "</g>\n";
    row += 13;
  }
  return text + "</svg>\n";
}

std::string gnuplot_script(const Chart& chart, const std::string& output) {
  std::string text =
      "set terminal svg size 840,480 enhanced font 'sans-serif,12' background '#ffffff'\n"
      "set termoption noenhanced\n";
  text += "set output " + quoted(output) + "\nset title " + quoted(chart.title) + "\n";
  text += "set xlabel " + quoted(chart.x.label) + "\nset ylabel " + quoted(chart.y.label) + "\n";
  if (chart.x.scale == Scale::Logarithmic) text += "set logscale x\n";
  text += chart.y.scale == Scale::Logarithmic ? "set logscale y\n" : "set yrange [0:*]\n";
  text += "set grid\nset key outside right top\nset bmargin 7\n";
  double row = 0.065;
  for (const auto& line : wrapped(chart.note, kNoteWidth)) {
    text += "set label " + quoted(line) + format(" at screen 0.015,%.3f font ',9'\n", row);
    row -= 0.027;
  }
  std::string plot;
  for (std::size_t i = 0; i < chart.lines.size(); ++i) {
    text += format("$line%zu << END\n", i);
    for (const auto& [along, up] : chart.lines[i].points)
      text += format("%.10g %.10g\n", along, up);
    text += "END\n";
    plot += (i == 0 ? "plot " : ", \\\n  ") +
            format("$line%zu with linespoints lw 2 pt 7 ps 0.5 lc rgb '%s'%s title ", i,
                   kColours[i % kColours.size()], i >= kColours.size() ? " dt 2" : "") +
            quoted(chart.lines[i].name);
  }
  return text + plot + "\n";
}

}  // namespace ringfort::cli

// A picture of lines: as SVG of our own, or as a script for gnuplot. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ringfort::cli {

enum class Scale { Linear, Logarithmic };

struct Axis {
  std::string label;
  Scale scale = Scale::Linear;
};

struct Line {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< ascending; positive where the scale needs it
};

struct Chart {
  std::string title;
  std::string note;  ///< machine, kernel, versions
  Axis x, y;
  std::vector<Line> lines;
};

std::string svg_text(const Chart& chart);

/// Draws the chart into the file `output`.
std::string gnuplot_script(const Chart& chart, const std::string& output);

/// Round values that cover `low` to `high`; for a logarithmic scale powers of ten.
std::vector<double> ticks(double low, double high, Scale scale);

}  // namespace ringfort::cli

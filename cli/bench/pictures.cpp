#include "ringfort/cli/bench/pictures.hpp"

#include "ringfort/cli/bench/host_program.hpp"
#include "ringfort/cli/bench/workplace.hpp"
#include "ringfort/platform/fd.hpp"

#include <cstdlib>
#include <filesystem>

#include <sys/mman.h>

namespace ringfort::cli {
namespace {

namespace fs = std::filesystem;

std::string note_of(const BenchResults& results) {
  std::string note =
      to_string(results.machine) + "; level " + results.level + "; ringfort " + results.version;
  for (const auto& entrant : results.entrants)
    if (!entrant.cells.empty() && !entrant.version.empty() && entrant.version != results.version)
      note += "; " + entrant.name + ": " + entrant.version;
  return note;
}

Chart throughput(const BenchResults& results) {
  Chart chart{"Whole lives of a program that does nothing",
              note_of(results),
              {"lives in flight", Scale::Logarithmic},
              {"lives per second", Scale::Logarithmic},
              {}};
  for (const auto& entrant : results.entrants) {
    Line line{entrant.name, {}};
    for (const auto& cell : entrant.cells)
      if (const double rate = cell.lives.per_second(); rate > 0)
        line.points.emplace_back(static_cast<double>(cell.in_flight), rate);
    if (!line.points.empty()) chart.lines.push_back(std::move(line));
  }
  return chart;
}

Line start_line(const Entrant& entrant, double share, const char* suffix) {
  Line line{entrant.name + suffix, {}};
  for (const auto& cell : entrant.cells)
    if (!cell.starts.first.empty())
      line.points.emplace_back(static_cast<double>(cell.in_flight),
                               microseconds(percentile(cell.starts.first, share)) / 1000);
  return line;
}

Chart starts(const BenchResults& results) {
  Chart chart{"From the call to the program's first instruction",
              note_of(results),
              {"lives in flight", Scale::Logarithmic},
              {"milliseconds", Scale::Logarithmic},
              {}};
  for (const auto& entrant : results.entrants)
    if (entrant.name != kRingfortNone) chart.lines.push_back(start_line(entrant, 0.5, " p50"));
  for (const auto& entrant : results.entrants)
    if (entrant.name == kBare || entrant.name == kRingfort)
      chart.lines.push_back(start_line(entrant, 0.99, " p99"));
  std::erase_if(chart.lines, [](const Line& line) { return line.points.empty(); });
  return chart;
}

Chart memory(const BenchResults& results) {
  Chart chart{"Memory while containers live",
              note_of(results),
              {"live containers", Scale::Linear},
              {"MiB", Scale::Linear},
              {}};
  Line rss{"supervisor RSS", {}};
  Line all{"ringfort PSS", {}};
  for (const auto& point : results.memory) {
    const auto live = static_cast<double>(point.live);
    rss.points.emplace_back(live, static_cast<double>(point.supervisor_rss) / (1 << 20));
    all.points.emplace_back(live, static_cast<double>(point.all_pss) / (1 << 20));
  }
  chart.lines = {rss, all};
  return chart;
}

bool drawn_by_gnuplot(const std::string& gnuplot, const Chart& chart, const std::string& path) {
  const platform::Fd null{::memfd_create("said", MFD_CLOEXEC)};
  const auto script = path + ".gnuplot";
  if (!write_text_file(script, gnuplot_script(chart, path))) return false;
  const HostProgram program{
      {gnuplot, script}, own_environment(), null.get(), null.get(), std::chrono::seconds{20}};
  const auto drawn = run_host_program(program);
  std::error_code ignored;
  fs::remove(script, ignored);
  return drawn.has_value();
}

}  // namespace

std::vector<Picture> pictures(const BenchResults& results) {
  std::vector<Picture> all{{"throughput", throughput(results)}, {"start", starts(results)}};
  if (results.memory.size() > 1) all.push_back({"memory", memory(results)});
  std::erase_if(all, [](const Picture& picture) { return picture.chart.lines.empty(); });
  return all;
}

std::string picture_path(const std::string& file, const std::string& suffix) {
  const fs::path path{file};
  const auto stem = path.extension() == ".svg" ? path.stem().string() : path.filename().string();
  return (path.parent_path() / (stem + "-" + suffix + ".svg")).string();
}

Result<std::vector<std::string>> draw(const BenchResults& results, const std::string& file) {
  const char* search = std::getenv("PATH");
  const auto gnuplot = find_program("gnuplot", search != nullptr ? search : "/usr/bin:/bin");
  std::vector<std::string> files;
  for (const auto& [suffix, chart] : pictures(results)) {
    const auto path = picture_path(file, suffix);
    if (gnuplot.empty() || !drawn_by_gnuplot(gnuplot, chart, path))
      if (auto written = write_text_file(path, svg_text(chart)); !written)
        return fail(written.error());
    files.push_back(path);
  }
  return files;
}

}  // namespace ringfort::cli

#include "ringfort/cli/bench/results.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <utility>

namespace ringfort::cli {
namespace {

struct Figure {
  const char* name;
  double value;
  const char* unit;
};

void add_times(std::vector<Figure>& all, const Samples& samples, const char* middle,
               const char* late) {
  if (samples.empty()) return;
  all.push_back({middle, microseconds(percentile(samples, 0.5)), "us"});
  all.push_back({late, microseconds(percentile(samples, 0.99)), "us"});
}

std::vector<Figure> figures(const Cell& cell) {
  const auto& lives = cell.lives;
  std::vector<Figure> all{
      {"lives", static_cast<double>(lives.took.size()), "count"},
      {"failures", static_cast<double>(lives.failures + cell.starts.failures), "count"},
      {"throughput", lives.per_second(), "1/s"}};
  if (!lives.rounds.empty()) {
    const auto [slowest, fastest] = std::ranges::minmax(lives.rounds);
    all.push_back({"throughput_slowest_round", slowest, "1/s"});
    all.push_back({"throughput_fastest_round", fastest, "1/s"});
  }
  add_times(all, lives.took, "life_p50", "life_p99");
  add_times(all, cell.starts.first, "start_p50", "start_p99");
  add_times(all, cell.starts.started, "start_call_p50", "start_call_p99");
  add_times(all, cell.starts.answered, "answer_p50", "answer_p99");
  return all;
}

std::vector<Figure> figures(const MemoryPoint& point) {
  return {{"supervisor_rss", static_cast<double>(point.supervisor_rss), "bytes"},
          {"supervisor_pss", static_cast<double>(point.supervisor_pss), "bytes"},
          {"all_pss", static_cast<double>(point.all_pss), "bytes"}};
}

double rounded(double value) { return std::round(value * 100) / 100; }

std::string csv_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string{"\"\""} : std::string(1, c);
  return quoted + "\"";
}

std::string csv_line(const std::string& who, const std::string& where, const Figure& figure) {
  char value[64];
  std::snprintf(value, sizeof value, "%.10g", rounded(figure.value));
  return csv_text(who) + "," + where + "," + figure.name + "," + value + "," + figure.unit + "\n";
}

template <class Point>
void put_figures(Json& value, const Point& point) {
  for (const auto& figure : figures(point)) value[figure.name] = rounded(figure.value);
}

Json to_value(const Cell& cell) {
  Json value;
  value["in_flight"] = cell.in_flight;
  put_figures(value, cell);
  const auto& error =
      cell.lives.first_error.empty() ? cell.starts.first_error : cell.lives.first_error;
  value["first_error"] = error.empty() ? Json(nullptr) : Json(error);
  return value;
}

Json to_value(const Entrant& entrant) {
  Json value;
  value["name"] = entrant.name;
  value["version"] = entrant.version;
  value["command"] = entrant.command;
  value["refusal"] = entrant.refusal.empty() ? Json(nullptr) : Json(entrant.refusal);
  value["cells"] = Json::array();
  for (const auto& cell : entrant.cells) value["cells"].push_back(to_value(cell));
  return value;
}

}  // namespace

const Cell* find_cell(const BenchResults& results, const std::string& name, std::size_t in_flight) {
  for (const auto& entrant : results.entrants)
    if (entrant.name == name)
      for (const auto& cell : entrant.cells)
        if (cell.in_flight == in_flight) return &cell;
  return nullptr;
}

std::vector<std::size_t> in_flights(const BenchResults& results) {
  std::set<std::size_t> all;
  for (const auto& entrant : results.entrants)
    for (const auto& cell : entrant.cells) all.insert(cell.in_flight);
  return {all.begin(), all.end()};
}

std::size_t failures(const BenchResults& results) {
  std::size_t count = 0;
  for (const auto& entrant : results.entrants)
    for (const auto& cell : entrant.cells) count += cell.lives.failures + cell.starts.failures;
  return count;
}

std::string to_string(const Machine& machine) {
  const auto gibibytes = (machine.memory_bytes + (1ULL << 29U)) >> 30U;
  return machine.processor + ", " + std::to_string(machine.cores) +
         (machine.cores == 1 ? " core, " : " cores, ") + std::to_string(gibibytes) + " GiB, " +
         machine.kernel + ", " + machine.file_system;
}

std::string to_csv(const BenchResults& results) {
  std::string text = "who,in_flight,live,figure,value,unit\n";
  for (const auto& entrant : results.entrants)
    for (const auto& cell : entrant.cells)
      for (const auto& figure : figures(cell))
        text += csv_line(entrant.name, std::to_string(cell.in_flight) + ",", figure);
  for (const auto& point : results.memory)
    for (const auto& figure : figures(point))
      text += csv_line(kRingfort, "," + std::to_string(point.live), figure);
  return text;
}

Json to_value(const BenchResults& results) {
  Json value;
  value["version"] = results.version;
  value["level"] = results.level;
  const auto& machine = results.machine;
  value["machine"] = {{"processor", machine.processor},
                      {"cores", machine.cores},
                      {"memory_bytes", machine.memory_bytes},
                      {"kernel", machine.kernel},
                      {"file_system", machine.file_system}};
  value["entrants"] = Json::array();
  for (const auto& entrant : results.entrants) value["entrants"].push_back(to_value(entrant));
  value["memory"] = Json::array();
  for (const auto& point : results.memory) {
    Json row;
    row["live"] = point.live;
    put_figures(row, point);
    value["memory"].push_back(row);
  }
  value["memory_refusal"] =
      results.memory_refusal.empty() ? Json(nullptr) : Json(results.memory_refusal);
  return value;
}

}  // namespace ringfort::cli

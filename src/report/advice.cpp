#include "report/advice.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <sstream>

#include "ops/target.h"
#include "report/command_line.h"
#include "report/verdict.h"
#include "report/words.h"

namespace quantize {
namespace {

constexpr double notable_drop = 6;   // dB: half the amplitude of the signal that was left
constexpr double same_figure = 0.5;  // dB: layers are compared on a few of the pictures, the output on all
constexpr double worth_fewer_bits = 0.9;
constexpr double room_for_4_bits = 0.99;

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream text(list);
  for (std::string part; std::getline(text, part, ',');) parts.push_back(part);
  return parts;
}

// The command as words. Of a run with a --config all settings as they would be typed: an option of the command line takes the place of the
// file's, where a change has to add to it or take it away.
std::vector<std::string> words_of(const Report& report) {
  auto words = split_words(report.command);
  if (value_of(words, "--config").empty()) return words;
  words.resize(1);
  for (const auto& [name, value] : report.config) {
    const bool is_list = name == "exclude" || name == "exclude-op" || name == "without";
    if (name == "model") {
      words.push_back(value);
    } else if (value == "true") {
      words.push_back("--" + name);
    } else if (value != "false") {
      for (const auto& part : is_list ? parts_of(value) : std::vector{value}) words.insert(words.end(), {"--" + name, part});
    }
  }
  return words;
}

// The run's command with changes, its output named after the change so that the run's own result is not overwritten; the other files that
// it wrote are left out.
class NextCommand {
 public:
  NextCommand(const Report& report, const std::string& mark) : words_(words_of(report)) {
    std::filesystem::path output = report.quantized.path;
    std::string stem = output.stem().string();
    const std::string scheme = "." + report.scheme;
    if (mark.starts_with('w') && stem.ends_with(scheme)) stem.resize(stem.size() - scheme.size());
    output.replace_filename(stem + "." + mark + output.extension().string());
    for (const char* option : {"-o", "--output", "--save-assignment", "--export-encodings"}) remove_option(words_, option);
    words_.insert(words_.end(), {"-o", output.string()});
  }

  NextCommand& level(const std::string& value) {
    remove_option(words_, "--optimize");  // its other name
    set_option(words_, "-O", value);
    return *this;
  }
  NextCommand& scheme(const std::string& value) {
    if (value != "w4a16") remove_option(words_, "--block-size");  // for 4-bit weights only
    set_option(words_, "--scheme", value);
    return *this;
  }
  NextCommand& add(const std::string& option, const std::string& value) {
    words_.insert(words_.end(), {option, value});
    return *this;
  }
  [[nodiscard]] std::string text() const { return join_words(words_); }

 private:
  std::vector<std::string> words_;
};

// `quantize evaluate` judges a model as it is: it has none of the options that would make another. `quantize apply` goes on from a file
// that was made for one scheme and level.
bool makes_another(const std::vector<std::string>& words) {
  return !words.empty() && !(words.size() > 1 && (words[1] == "evaluate" || words[1] == "apply"));
}

std::string setting(const Report& report, const std::string& name) {
  for (const auto& [key, value] : report.config) {
    if (key == name) return value;
  }
  return {};
}

bool can_be_changed(const Report& report) {
  const auto words = split_words(report.command);
  if (value_of(words, "--config").empty()) return makes_another(words);
  const auto has_comma = [&](const char* option) { return setting(report, option).find(',') != std::string::npos; };
  return makes_another(words) && !has_comma("exclude-regex") && !has_comma("provider");  // of one, or between two: the settings do not tell
}

// Imported encodings are taken as they are, at every level.
bool can_take_level(const Report& report) { return setting(report, "import-encodings").empty(); }

// An assignment and imported encodings were made for this scheme, a budget was chosen for it.
bool can_take(const Report& report, const std::string& scheme) {
  const auto is_free = [&](const char* option) { return setting(report, option).empty(); };
  return is_free("import-encodings") && is_free("assignment") && is_free("budget") && !find_target(report.target).refused.contains(scheme);
}

// Whether there is such a gate, met or missed.
bool demands(const Report& report, const std::string& option) {
  return std::ranges::find(report.gates, option, &GateResult::option) != report.gates.end();
}

double noise(double sqnr_db) { return std::pow(10, -sqnr_db / 10); }

// The layer where most of the noise is added, of those that lie far below every layer before them, and what it adds is most of the noise of
// the output: a network may recover behind a layer, or lose more behind it. Not the largest step in decibels: after a nearly exact layer
// every step is large.
const LayerAccuracy* culprit(const Report& report) {
  std::map<std::string, const LayerAccuracy*> by_node;
  for (const auto& layer : report.layers) by_node[layer.node] = &layer;
  const LayerAccuracy* found = nullptr;
  double most = 0, least = std::numeric_limits<double>::infinity();
  for (const auto& decision : report.decisions) {
    const auto layer = by_node.find(decision.node);
    if (layer == by_node.end()) continue;
    const double sqnr = layer->second->sqnr_db, added = noise(sqnr) - noise(least);
    if (decision.quantized && std::isfinite(least) && least - sqnr >= notable_drop && added > most) {
      most = added;
      found = layer->second;
    }
    least = std::min(least, sqnr);
  }
  const double at_output = report.accuracy.sqnr_db;
  const bool explains = found != nullptr && at_output <= found->sqnr_db + same_figure && most >= noise(at_output) / 2;
  return explains ? found : nullptr;
}

void advise_on_accuracy(const Report& report, std::vector<Advice>& advice) {
  const auto* layer = culprit(report);
  if (layer != nullptr && setting(report, "assignment").empty()) {  // an assignment may name it
    advice.push_back({"Most of the loss begins in " + layer->node + " (" + layer->op_type + "): its output falls to " +
                          words::decibels(layer->sqnr_db) +
                          ", at least 6 dB below every layer before it. Left in float, it costs a little size and speed.",
                      NextCommand(report, "exclude").add("--exclude", layer->node).text()});
  }
  const std::string level = setting(report, "optimize");
  if (can_take_level(report) && (level.empty() || level == "0" || level == "1")) {
    const std::string next = level == "0" ? "1" : "2";
    advice.push_back({"-O" + next +
                          (next == "1" ? " equalizes channels and fits the weights to the FP32 network's own outputs: seconds more."
                                       : " fits the weights on more samples, with more candidates: minutes more."),
                      NextCommand(report, "O" + next).level(next).text()});
  }
  // On a CPU 16-bit activations are slower than FP32, and 8-bit weights twice as large as 4-bit ones.
  const bool contradicts = demands(report, report.scheme == "w8a8" ? "--min-speedup" : "--min-size-ratio");
  if ((report.scheme == "w8a8" || report.scheme == "w4a16") && !contradicts && can_take(report, "w8a16")) {
    advice.push_back({report.scheme == "w8a8"
                          ? "16-bit activations lose almost nothing, at the same size. They are for NPUs: a CPU computes them in float, "
                            "slower than FP32."
                          : "8-bit weights lose far less than 4-bit ones, at about twice the size.",
                      NextCommand(report, "w8a16").scheme("w8a16").text()});
  }
}

// How large the file would be with 4-bit weights in place of 8-bit ones, about; by what its weights take now.
std::uint64_t bytes_with_4_bits(const Report& report) {
  std::uint64_t saved = 0;
  for (const auto& size : report.sizes) {
    if (size.kind.ends_with("int8 weights")) saved += size.quantized_bytes / 2;
  }
  return report.quantized.bytes - std::min(saved, report.quantized.bytes);
}

void advise_on_size(const Report& report, std::vector<Advice>& advice) {
  const auto now = report.quantized.bytes, then = bytes_with_4_bits(report);
  const bool is_smaller = static_cast<double>(then) < worth_fewer_bits * static_cast<double>(now);
  if (report.scheme == "w4a16" || !is_smaller || demands(report, "--min-speedup") || !can_take(report, "w4a16")) return;
  advice.push_back({"4-bit weights take half of what 8-bit ones do: about " + words::bytes(then) + " where it is " + words::bytes(now) +
                        " now. They lose more, and their 16-bit activations are for NPUs: a CPU computes them in float, slower than FP32.",
                    NextCommand(report, "w4a16").scheme("w4a16").text()});
}

void advise_on_speed(const Report& report, std::vector<Advice>& advice) {
  if (!report.latency || !report.scheme.ends_with("a16") || !can_take(report, "w8a8")) return;
  const double speedup = report.latency->speedup;
  const std::string here =
      speedup < words::clearly_slower ? "This model runs " + words::compare_speed(speedup) + " than FP32 here, as " : "";
  advice.push_back({here + report.scheme + " has no integer kernels on a CPU. For speed on a CPU take w8a8.",
                    NextCommand(report, "w8a8").scheme("w8a8").text()});
}

enum class Wish { accuracy, size, speed };

// What the missed gates are about, in their order; a figure that was not measured says nothing about the model.
std::vector<Wish> wishes_of(const Report& report) {
  std::vector<Wish> wishes;
  const auto add = [&](Wish wish) {
    if (std::ranges::find(wishes, wish) == wishes.end()) wishes.push_back(wish);
  };
  if (report.mixed && !report.mixed->reached) add(Wish::accuracy);
  for (const auto& gate : report.gates) {
    if (gate.passed || !gate.measured) continue;
    add(gate.option == "--min-size-ratio" ? Wish::size : gate.option == "--min-speedup" ? Wish::speed : Wish::accuracy);
  }
  // What nobody demanded, by the rules of thumb.
  if (level_by_figures(report) != Verdict::Level::good) add(Wish::accuracy);
  if (report.latency && report.latency->speedup < words::clearly_slower) add(Wish::speed);
  return wishes;
}

}  // namespace

std::vector<Advice> advise(const Report& report) {
  std::vector<Advice> advice;
  if (report.accuracy.images.empty() || !can_be_changed(report)) return advice;
  const auto wishes = wishes_of(report);
  const bool is_good = std::ranges::find(wishes, Wish::accuracy) == wishes.end();
  const bool has_room = is_good && report.scheme == "w8a16" && report.accuracy.agreement >= room_for_4_bits;
  if (has_room && !demands(report, "--min-speedup") && std::ranges::find(wishes, Wish::size) == wishes.end() && can_take(report, "w4a16"))
    advice.push_back({"There is room to spare: 4-bit weights halve the file again.", NextCommand(report, "w4a16").scheme("w4a16").text()});
  for (const Wish wish : wishes) {
    if (wish == Wish::accuracy) advise_on_accuracy(report, advice);
    if (wish == Wish::size && is_good) advise_on_size(report, advice);
    if (wish == Wish::speed) advise_on_speed(report, advice);
  }
  return advice;
}

}  // namespace quantize

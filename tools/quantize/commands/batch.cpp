// quantize batch: many jobs from one file.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "batch/job_cache.h"
#include "batch/jobs_file.h"
#include "batch/run_jobs.h"
#include "commands/commands.h"
#include "commands/outcome.h"
#include "formats/dump.h"
#include "options/number.h"
#include "report/schema.h"
#include "report/write_comparison.h"

namespace quantize::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t least_megabytes = 32;  // with less, the smallest model there is cannot be quantized

std::string refusal_of_memory(const std::string& text) {
  const auto megabytes = number_in<std::uint64_t>(text);
  if (!megabytes || *megabytes == 0 || *megabytes >= least_megabytes) return "";
  return text + " MB is too little for any job; give at least " + std::to_string(least_megabytes) + ", or 0 for no limit";
}

void add_options(CLI::App& app, Input& input) {
  auto& arguments = input.arguments;
  app.add_option("jobs", arguments.options.model, "The jobs, in TOML")->option_text("JOBS.toml")->required();
  app.add_option("-o,--output", arguments.options.output, "Folder for models, reports, logs and the table [batch]")
      ->option_text("DIR")
      ->group("Batch");
  add_number<unsigned>(app, "--workers", arguments.batch.workers, "Jobs that run at the same time [1]")
      ->check(CLI::Range(1U, 1024U))
      ->option_text("N")
      ->group("Batch");
  constexpr std::uint64_t most_megabytes = std::numeric_limits<std::uint64_t>::max() >> 20;
  add_number(app, "--memory", arguments.batch.memory_megabytes, "What one job may allocate, in MB; 0: no limit [0]", most_megabytes)
      ->check(CLI::Validator([](std::string& text) { return refusal_of_memory(text); }, ""))
      ->option_text("MB")
      ->group("Batch");
  app.add_option("--cache", arguments.batch.cache, "Folder of finished work, which is not done again [<output>/.cache]")
      ->option_text("DIR")
      ->group("Batch");
  add_general_options(app, input);
}

void finish(Input& input) {
  if (input.arguments.options.output.empty()) input.arguments.options.output = "batch";
}

struct Row {
  std::string outcome;  // "done", "missed --min-psnr", "failed (exit 4): ..."
  std::optional<ComparedRun> run;
  int exit_code = 0;
  double seconds = 0;
  bool cached = false;
};

std::string missed_gates(const Report& report) {
  std::string text;
  for (const auto& gate : report.gates) {
    if (!gate.passed) text += (text.empty() ? "missed " : ", ") + gate.option;
  }
  return text.empty() ? "done" : text;
}

bool made_a_model(const Ended& ended) { return ended.signal == 0 && (ended.exit_code == 0 || ended.exit_code == missed_gate); }

std::string describe(const Ended& ended) {
  if (ended.signal != 0) return "crashed (signal " + std::to_string(ended.signal) + ")";
  return ended.exit_code == 0 ? "done" : "failed (exit " + std::to_string(ended.exit_code) + ")";
}

// The last line a failed job said, without the word "error".
std::string last_words(const fs::path& log) {
  std::string text = read_file(log);
  while (text.ends_with('\n')) text.pop_back();
  text = text.substr(text.rfind('\n') + 1);
  return text.starts_with("error: ") ? text.substr(7) : text;
}

// From what to worry about least to what to worry about most.
int worse(int a, int b) {
  constexpr int order[] = {0, missed_gate, 2, 3, 4, 6, 5, 7, 1};
  const auto rank = [&](int code) { return std::find(std::begin(order), std::end(order), code) - std::begin(order); };
  return rank(a) >= rank(b) ? a : b;
}

// For programs: how every job ended, and the figures of its report.
std::string table_json(const std::vector<Job>& jobs, const std::vector<Row>& rows) {
  using Json = nlohmann::ordered_json;
  const auto number = [](double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); };
  const auto decibels = [&](double value) { return std::isinf(value) ? Json(std::copysign(no_error_db, value)) : number(value); };
  Json list = Json::array();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    list.push_back({{"name", jobs[i].name},
                    {"scheme", jobs[i].arguments.options.scheme.name},
                    {"exit_code", row.exit_code},
                    {"outcome", row.outcome},
                    {"seconds", row.seconds},
                    {"from_cache", row.cached}});
    if (!row.run) continue;
    const auto& report = row.run->report;
    list.back()["bytes"] = report.quantized.bytes;
    list.back()["fp32_bytes"] = report.fp32.bytes;
    if (report.latency) list.back()["speedup"] = number(report.latency->speedup);
    if (report.accuracy.images.empty()) continue;
    list.back()["psnr_db"] = decibels(report.accuracy.psnr_db);
    list.back()["sqnr_db"] = decibels(report.accuracy.sqnr_db);
    list.back()["agreement"] = number(report.accuracy.agreement);
    list.back()["miou_vs_fp32"] = number(report.accuracy.miou_vs_fp32);
    if (report.accuracy.miou_quantized) list.back()["miou"] = number(*report.accuracy.miou_quantized);
  }
  return dump(Json{{"schema_version", 1}, {"jobs", list}}, 2) + "\n";
}

class Batch {
 public:
  Batch(const Arguments& arguments, Context& context)
      : arguments_(arguments),
        context_(context),
        output_(fs::absolute(arguments.options.output)),
        base_(fs::absolute(arguments.options.model).parent_path()),
        jobs_(read_jobs(read_file(arguments.options.model), arguments.options.model)),
        rows_(jobs_.size()) {
    make_folder(output_);
  }

  int run() {
    JobCache cache(arguments_.batch.cache.empty() ? output_ / ".cache" : arguments_.batch.cache);
    std::vector<std::size_t> left;
    std::vector<std::string> keys(jobs_.size());
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      context_.check_stop();
      if (!find(cache, i, keys[i])) left.push_back(i);
    }
    std::vector<Process> processes;
    for (const auto i : left) processes.push_back(process_of(jobs_[i]));
    run_processes(
        processes, base_, arguments_.batch.workers, arguments_.batch.memory_megabytes << 20,
        [&](std::size_t k, const Ended& ended) {
          const auto i = left[k];
          if (made_a_model(ended) && !keys[i].empty()) store(cache, i, keys[i], ended);
          finish(i, ended, false);
        },
        context_);
    return conclude();
  }

 private:
  [[nodiscard]] fs::path stem(std::size_t i) const { return output_ / jobs_[i].name; }
  [[nodiscard]] fs::path page() const { return output_ / "batch.html"; }

  // A model or a folder that cannot be read is the job's failure, not the batch's: it runs and says so itself.
  bool find(JobCache& cache, std::size_t i, std::string& key) {
    try {
      key = cache.key(jobs_[i], base_);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::interrupted) throw;
      return false;
    }
    if (key.empty()) return false;
    const auto finished = cache.fetch(key, stem(i));
    if (finished) finish(i, {finished->exit_code, 0, finished->seconds}, true);
    return finished.has_value();
  }

  // A result that cannot be kept is a result all the same.
  void store(const JobCache& cache, std::size_t i, const std::string& key, const Ended& ended) const {
    try {
      cache.store(key, stem(i), {ended.exit_code, ended.seconds});
    } catch (const Error& error) {
      context_.warn(jobs_[i].name + " will be run again the next time: " + error.what());
    }
  }

  Process process_of(const Job& job) const {
    Process process{job.words, output_ / (job.name + ".log")};
    process.words.push_back("--output=" + (output_ / (job.name + ".onnx")).string());
    const auto add_unless_given = [&](const std::string& option, const std::string& value) {
      const bool given = std::ranges::any_of(job.words, [&](const std::string& word) { return word.starts_with(option + "="); });
      if (!given) process.words.push_back(option + value);
    };
    add_unless_given("--threads", "=" + std::to_string(std::max(1U, context_.threads / arguments_.batch.workers)));
    if (arguments_.at_once != 0) add_unless_given("--at-once", "=" + std::to_string(arguments_.at_once));
    if (arguments_.options.strict) add_unless_given("--strict", "");
    return process;
  }

  void finish(std::size_t i, const Ended& ended, bool cached) {
    auto& row = rows_[i];
    row.exit_code = ended.exit_code;
    row.seconds = ended.seconds;
    row.cached = cached;
    if (made_a_model(ended)) {
      read_report(i);
    } else {
      row.outcome = describe(ended) + ": " + last_words(output_ / (jobs_[i].name + ".log"));
    }
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.1f s", ended.seconds);
    context_.info("[" + std::to_string(++done_) + "/" + std::to_string(jobs_.size()) + "] " + jobs_[i].name + ": " + row.outcome +
                  (cached ? " (from the cache)" : std::string(" in ") + seconds));
  }

  void read_report(std::size_t i) {
    auto& row = rows_[i];
    try {
      row.run = read_run(stem(i).string() + ".report.json", page());
      row.run->report.quantized.path = jobs_[i].name + ".onnx";
      row.outcome = missed_gates(row.run->report);
    } catch (const Error& error) {
      row.exit_code = error.exit_code();
      row.outcome = error.what();
      context_.warn(jobs_[i].name + " has no report: " + error.what());
    }
  }

  int conclude() const {
    std::vector<ComparedRun> runs;
    std::vector<std::string> notes;
    int worst = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      worst = worse(worst, rows_[i].exit_code);
      if (rows_[i].run) runs.push_back(*rows_[i].run);
      if (rows_[i].exit_code != 0) notes.push_back(jobs_[i].name + ": " + rows_[i].outcome);
    }
    FileTransaction files;
    files.write(output_ / "batch.json", table_json(jobs_, rows_));
    files.write(page(), write_comparison_html(runs, notes));
    files.publish();
    if (arguments_.verbosity != Verbosity::quiet) {
      if (!runs.empty()) std::fputs(write_comparison_text(runs).c_str(), stdout);
      for (const auto& note : notes) std::printf("%s\n", note.c_str());
      std::printf("wrote %s, batch.json, and the models, reports and logs beside them\n",
                  (arguments_.options.output / "batch.html").c_str());
    }
    return worst;
  }

  const Arguments& arguments_;
  Context& context_;
  fs::path output_, base_;
  std::vector<Job> jobs_;
  std::vector<Row> rows_;
  std::size_t done_ = 0;
};

int run(const Arguments& arguments, Context& context) { return Batch(arguments, context).run(); }

}  // namespace

Command batch_command() {
  return {.name = "batch",
          .summary = "Runs many jobs from one TOML file: models x schemes x settings; finished work is not done again.",
          .usage = "JOBS.toml [-o DIR] [--workers N] [--memory MB]",
          .examples = R"(  quantize batch jobs.toml -o results --workers 4 --memory 4000

  # jobs.toml: two jobs for every model; paths are relative to this file
  [defaults]
  calib = "images"
  test = "held_out"
  [[job]]
  model = "nets/*.onnx"
  scheme = ["w8a8", "w4a16"]
)",
          .add_options = add_options,
          .finish = finish,
          .run = run};
}

}  // namespace quantize::cli

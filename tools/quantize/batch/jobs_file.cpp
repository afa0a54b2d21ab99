#include "batch/jobs_file.h"

#include <glob.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/lower_case.h"
#include "commands/commands.h"
#include "options/toml_file.h"

namespace quantize::cli {
namespace {

constexpr std::size_t most_jobs = 100'000;

// One option with every value it takes in turn.
struct Axis {
  std::string key;
  std::vector<std::vector<std::string>> values;  // each of one entry, or of those that the option takes together
  bool named = false;                            // several values: they tell the jobs apart
};

class JobsFile {
 public:
  JobsFile(std::string_view toml, const std::filesystem::path& file)
      : file_(file), app_(make_app(input_)), table_(parse_toml(toml, file)) {}

  std::vector<Job> read() {
    const toml::table* defaults = nullptr;
    for (const auto& [key, node] : table_) {
      if (key == "defaults" && node.is_table()) {
        defaults = node.as_table();
      } else if (key != "job" || !node.is_array_of_tables()) {
        refuse_line(file_, node.source(), "'" + std::string(key.str()) + "' is neither [defaults] nor [[job]]");
      }
    }
    const auto* jobs = table_["job"].as_array();
    if (jobs == nullptr) throw Error(ErrorKind::usage, file_.string() + " holds no [[job]]");
    for (const auto& job : *jobs) add_jobs(defaults, *job.as_table());
    return std::move(jobs_);
  }

 private:
  void add_jobs(const toml::table* defaults, const toml::table& job) {
    std::map<std::string, const toml::node*> settings;
    for (const auto* table : {defaults, &job}) {
      if (table == nullptr) continue;
      for (const auto& [key, node] : *table) settings[std::string(key.str())] = &node;
    }
    if (!settings.contains("model")) refuse_line(file_, job.source(), "the job has no model");
    std::string prefix;
    std::vector<Axis> axes;
    for (const auto& [key, node] : settings) {
      if (key == "name") {
        prefix = word(*node, key);
      } else if (key == "model") {
        Axis axis{key, {}, true};
        for (const auto& model : models(*node)) axis.values.push_back({model});
        axes.insert(axes.begin(), axis);
      } else {
        axes.push_back(axis(key, *node));
      }
    }
    multiply(axes, prefix, job.source());
  }

  Axis axis(const std::string& key, const toml::node& node) {
    const auto* option = app_->get_option_no_throw("--" + key);
    if (option == nullptr) refuse_line(file_, node.source(), "'" + key + "' is no option of a job" + did_you_mean_option(key, *app_));
    if (key == "output")
      refuse_line(file_, node.source(),
                  "'output' is no option of a job: results go to the folder of `quantize batch -o`, named after the job");
    if (key == "config" || key == "help" || key == "version" || key == "dry-run")
      refuse_line(file_, node.source(), "'" + key + "' is for the command line only, no option of a job");
    Axis result{key, {}, key == "scheme"};
    const auto* list = node.as_array();
    if (list == nullptr) {
      result.values = {{word(node, key)}};
    } else if (option->get_items_expected_max() > 1) {
      if (!list->empty()) result.values = {together(*list, key, option->get_delimiter())};
    } else {
      for (const auto& entry : *list) result.values.push_back({word(entry, key)});
      result.named |= result.values.size() > 1;
    }
    if (result.values.empty()) refuse_line(file_, node.source(), "'" + key + "' is an empty list");
    for (const auto& value : result.values) {
      if (std::ranges::find(value, "") != value.end()) refuse_line(file_, node.source(), "'" + key + "' is empty: leave it out");
    }
    return result;
  }

  // A list that is a value of its own, not several jobs: one entry where the option splits it, else one for each time it is given.
  std::vector<std::string> together(const toml::array& list, const std::string& key, char delimiter) {
    std::vector<std::string> entries;
    for (const auto& node : list) {
      const auto text = word(node, key);
      if (delimiter == '\0' || entries.empty()) {
        entries.push_back(text);
      } else {
        entries.back() += delimiter + text;
      }
    }
    return entries;
  }

  [[nodiscard]] std::string word(const toml::node& node, const std::string& key) const { return typed_word(node, key, file_); }

  std::vector<std::string> models(const toml::node& node) {
    std::vector<std::string> patterns, found;
    if (const auto* list = node.as_array()) {
      for (const auto& entry : *list) patterns.push_back(word(entry, "model"));
    } else {
      patterns.push_back(word(node, "model"));
    }
    for (const auto& pattern : patterns) {
      const auto folder = file_.parent_path();
      glob_t matches{};
      const int failed = ::glob((folder / pattern).c_str(), GLOB_BRACE | GLOB_TILDE, nullptr, &matches);
      for (std::size_t i = 0; failed == 0 && i < matches.gl_pathc; ++i) {
        const std::filesystem::path match = matches.gl_pathv[i];
        found.push_back(std::filesystem::path(pattern).is_absolute() || folder.empty() ? match.string()
                                                                                       : match.lexically_relative(folder).string());
      }
      ::globfree(&matches);
      if (failed != 0) refuse_line(file_, node.source(), "no file matches the model '" + pattern + "'");
    }
    return found;
  }

  // One job per combination of the axes' values, the last axis turning fastest.
  void multiply(const std::vector<Axis>& axes, const std::string& prefix, const toml::source_region& place) {
    std::vector<std::size_t> at(axes.size());
    for (bool more = true; more;) {
      if (jobs_.size() == most_jobs) refuse_line(file_, place, "more than " + std::to_string(most_jobs) + " jobs");
      add_job(axes, at, prefix, place);
      more = false;
      for (std::size_t i = axes.size(); i-- > 0 && !more;) {
        more = ++at[i] < axes[i].values.size();
        if (!more) at[i] = 0;
      }
    }
  }

  void add_job(const std::vector<Axis>& axes, const std::vector<std::size_t>& at, const std::string& prefix,
               const toml::source_region& place) {
    std::string name = prefix;
    std::vector<std::string> words;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const auto& values = axes[i].values[at[i]];
      for (const auto& value : values) words.push_back(axes[i].key == "model" ? value : "--" + axes[i].key + "=" + value);
      if (!axes[i].named) continue;
      const auto& value = values.front();
      const std::string part = axes[i].key == "model"    ? std::filesystem::path(value).stem().string()
                               : axes[i].key == "scheme" ? lower_case(value)
                                                         : axes[i].key + "-" + value;
      name += (name.empty() ? "" : ".") + part;
    }
    for (auto& letter : name) {
      if (letter == '/' || static_cast<unsigned char>(letter) <= ' ') letter = '_';
    }
    if (!names_.insert(name).second) refuse_line(file_, place, "two jobs are called '" + name + "'; give one of them a name = \"...\"");
    std::vector<const char*> line = {"quantize"};
    for (const auto& word : words) line.push_back(word.c_str());
    try {
      jobs_.push_back(Job{name, words, parse(static_cast<int>(line.size()), line.data())});
    } catch (const Error& error) {
      refuse_line(file_, place, "job '" + name + "': " + error.what());
    }
  }

  std::filesystem::path file_;
  Input input_;
  std::unique_ptr<CLI::App> app_;
  toml::table table_;
  std::set<std::string> names_;
  std::vector<Job> jobs_;
};

}  // namespace

std::vector<Job> read_jobs(std::string_view toml, const std::filesystem::path& file) { return JobsFile(toml, file).read(); }

}  // namespace quantize::cli

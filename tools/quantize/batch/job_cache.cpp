#include "batch/job_cache.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "model/model.h"
#include "pipeline/version.h"

namespace quantize::cli {
namespace {

namespace fs = std::filesystem;

// What a run leaves beside its output. The model of a large one names its data after its own file.
constexpr const char* data_ending = ".onnx.data";
constexpr const char* endings[] = {".onnx", data_ending, ".report.json", ".report.html", ".report.xml", ".report.md"};
constexpr int deepest = 8;  // folders in folders: a link may lead back to where it is

// These change how a job runs, not what comes out.
const std::set<std::string>& immaterial() {
  static const std::set<std::string> names = {"model", "calib", "test", "labels", "threads", "verbose", "quiet", "log-json"};
  return names;
}

// These write files to places of their own, which an entry of the cache does not hold.
bool writes_elsewhere(const Options& options) { return !options.save_assignment.empty() || !options.export_encodings.empty(); }

// "qnn:libraries/htp.so,soc=60" and "bits.json": the bytes of whatever the value, or a part of it, names a file by.
std::string files_named(const std::string& value, const fs::path& base) {
  std::vector<std::string> parts = {value};
  for (std::size_t start = 0, end = 0; end < value.size(); start = end + 1) {
    end = std::min(value.find_first_of(":,=", start), value.size());
    if (end - start < value.size()) parts.push_back(value.substr(start, end - start));
  }
  std::string text;
  std::error_code ignored;
  for (const auto& part : parts) {
    if (!part.empty() && fs::is_regular_file(base / part, ignored)) text += " " + fingerprint(read_file(base / part));
  }
  return text;
}

// All files below the folder. As where samples are read, a link is what it leads to; one that leads nowhere is nothing.
void list_files(const fs::path& folder, int depth, std::vector<fs::path>& files) {
  std::error_code code, ignored;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
    if (entry->is_regular_file(ignored)) files.push_back(entry->path());
    if (depth < deepest && entry->is_directory(ignored)) list_files(entry->path(), depth + 1, files);
  }
  if (code) throw Error(ErrorKind::data, "cannot list the folder " + folder.string() + ": " + code.message());
}

fs::path with_ending(const fs::path& stem, const char* ending) { return stem.string() + ending; }

// A second name for the same bytes where the file system allows it, else a copy.
void link_or_copy(const fs::path& from, const fs::path& to) {
  std::error_code code;
  fs::remove(to, code);
  fs::create_hard_link(from, to, code);
  if (!code) return;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, code);
  if (code) throw Error(ErrorKind::output, "cannot write " + to.string() + ": " + code.message());
}

}  // namespace

JobCache::JobCache(fs::path folder) : folder_(std::move(folder)), program_(version() + " " + fingerprint(read_file("/proc/self/exe"))) {}

std::string JobCache::key(const Job& job, const fs::path& base) {
  const auto& options = job.arguments.options;
  if (writes_elsewhere(options)) return "";
  std::string text = program_ + "\nmodel " + load_model(base / options.model).fingerprint;
  const auto images = [&](const fs::path& folder) { return folder == "random" ? "random" : folder_or_none(folder, base); };
  text += "\nimages " + images(options.calibration) + " " + images(options.test) + " " + folder_or_none(options.labels, base);
  auto settings = options.config;
  std::sort(settings.begin(), settings.end());
  for (const auto& [name, value] : settings) {
    if (!immaterial().contains(name)) text += "\n" + name + " = " + value + files_named(value, base);
  }
  return fingerprint(text);
}

std::string JobCache::folder_or_none(const fs::path& folder, const fs::path& base) {
  return folder.empty() ? "none" : folder_fingerprint(base / folder);
}

std::string JobCache::folder_fingerprint(const fs::path& folder) {
  auto& known = known_[folder];
  if (!known.empty()) return known;
  std::vector<fs::path> files;
  list_files(folder, 0, files);
  std::sort(files.begin(), files.end());
  std::string text;
  for (const auto& file : files) text += file.lexically_relative(folder).string() + " " + fingerprint(read_file(file)) + "\n";
  return known = fingerprint(text);
}

std::optional<Finished> JobCache::fetch(const std::string& key, const fs::path& stem) const {
  const auto entry = folder_ / key;
  std::error_code code;
  if (!fs::exists(entry / "record.json", code)) return std::nullopt;
  try {
    const auto record = nlohmann::json::parse(read_file(entry / "record.json"));
    const Finished finished{record.at("exit_code").get<int>(), record.at("seconds").get<double>()};
    const auto& files = record.at("files");
    if (files.contains(data_ending) && record.at("name").get<std::string>() != fingerprint(stem.filename().string())) return std::nullopt;
    for (const auto& [ending, bytes] : files.items()) {
      if (fingerprint(read_file(entry / ("model" + ending))) != bytes.get<std::string>()) return std::nullopt;
    }
    for (const auto& [ending, bytes] : files.items()) link_or_copy(entry / ("model" + ending), with_ending(stem, ending.c_str()));
    for (const auto* ending : endings) {  // of another job, which had this name
      if (!files.contains(ending)) fs::remove(with_ending(stem, ending), code);
    }
    return finished;
  } catch (const nlohmann::json::exception&) {  // damaged: as good as none
    return std::nullopt;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;
    return std::nullopt;
  }
}

void JobCache::store(const std::string& key, const fs::path& stem, const Finished& finished) const {
  const auto entry = folder_ / key;
  make_folder(entry);
  std::error_code code;
  nlohmann::json files = nlohmann::json::object();
  for (const auto* ending : endings) {
    const auto file = with_ending(stem, ending);
    if (!fs::exists(file, code)) continue;
    link_or_copy(file, entry / (std::string("model") + ending));
    files[ending] = fingerprint(read_file(file));
  }
  FileTransaction record;
  const nlohmann::json fields = {
      {"exit_code", finished.exit_code}, {"seconds", finished.seconds}, {"name", fingerprint(stem.filename().string())}, {"files", files}};
  record.write(entry / "record.json", fields.dump() + "\n");
  record.publish();
}

}  // namespace quantize::cli

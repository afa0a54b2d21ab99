#include "formats/statistics_file.h"

#include <cmath>

#include "base/error.h"

namespace quantize {
namespace {

constexpr const char* format = "quantize statistics";
constexpr int version = 1;
constexpr std::size_t most_shards = 1 << 20;

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorKind::data, text); }

// An extreme of nothing is infinite, which JSON cannot say.
Json extreme(float value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
float extreme_from(const Json& json, float of_nothing) { return json.is_null() ? of_nothing : json.get<float>(); }

// The filled part only: [exponent, first bin, counts...]
Json to_json(const Histogram& histogram) {
  const auto counts = histogram.counts();
  std::size_t first = 0, last = counts.size();
  while (first < last && counts[first] == 0) ++first;
  while (last > first && counts[last - 1] == 0) --last;
  Json filled = Json::array();
  for (std::size_t bin = first; bin < last; ++bin) filled.push_back(counts[bin]);
  return {{"exponent", histogram.exponent()}, {"first_bin", first}, {"counts", std::move(filled)}};
}

Histogram histogram_from(const Json& json) {
  const auto exponent = json.at("exponent").get<int>();
  const auto first = json.at("first_bin").get<std::size_t>();
  const auto filled = json.at("counts").get<std::vector<std::uint64_t>>();
  if (exponent < -100 || exponent > 128 || first > Histogram::bins || filled.size() > Histogram::bins - first)
    fail("a histogram lies outside its " + std::to_string(Histogram::bins) + " bins");
  std::vector<std::uint64_t> counts(Histogram::bins);
  std::copy(filled.begin(), filled.end(), counts.begin() + static_cast<std::ptrdiff_t>(first));
  return Histogram::restore(exponent, std::move(counts));
}

Json to_json(const TensorStatistics& tensor) {
  Json counts = Json::array(), minima = Json::array(), maxima = Json::array();
  for (const auto& channel : tensor.channels) {
    counts.push_back(channel.count);
    minima.push_back(extreme(channel.min));
    maxima.push_back(extreme(channel.max));
  }
  return {{"count", tensor.count},
          {"min", extreme(tensor.min)},
          {"max", extreme(tensor.max)},
          {"histogram", to_json(tensor.histogram)},
          {"channels", {{"count", counts}, {"min", minima}, {"max", maxima}}}};
}

TensorStatistics tensor_from(const Json& json) {
  TensorStatistics tensor;
  tensor.count = json.at("count").get<std::uint64_t>();
  tensor.min = extreme_from(json.at("min"), tensor.min);
  tensor.max = extreme_from(json.at("max"), tensor.max);
  tensor.histogram = histogram_from(json.at("histogram"));
  const auto& channels = json.at("channels");
  const auto& counts = channels.at("count");
  for (const auto* part : {"min", "max"}) {
    if (channels.at(part).size() != counts.size()) fail("the lists of its channels differ in length");
  }
  for (std::size_t c = 0; c < counts.size(); ++c) {
    ChannelStatistics channel;
    channel.count = counts[c].get<std::uint64_t>();
    channel.min = extreme_from(channels.at("min")[c], channel.min);
    channel.max = extreme_from(channels.at("max")[c], channel.max);
    tensor.channels.push_back(channel);
  }
  return tensor;
}

}  // namespace

std::string write_statistics(const StatisticsFile& file) {
  Json json = {{"format", format}, {"version", version}, {"origin", to_json(file.origin)}, {"samples", file.samples}};
  // Complete statistics do not tell into how many shards the work was divided.
  if (!file.complete()) json["shards"] = {{"of", file.shard_count}, {"in_this_file", file.shards}};
  Json tensors = Json::object();
  for (const auto& [name, tensor] : file.statistics) tensors[name] = to_json(tensor);
  json["tensors"] = std::move(tensors);
  return write_json_lines(json);
}

StatisticsFile read_statistics(std::string_view bytes, const std::filesystem::path& name) {
  StatisticsFile file;
  read_json(bytes, name, format, version, [&](const Json& json) {
    file.origin = origin_from(json.at("origin"));
    file.samples = json.at("samples").get<std::size_t>();
    file.shards = {1};
    if (json.contains("shards")) {
      file.shard_count = json["shards"].at("of").get<std::size_t>();
      file.shards = json["shards"].at("in_this_file").get<std::set<std::size_t>>();
      if (file.shard_count > most_shards || file.shards.empty() || *file.shards.begin() < 1 || *file.shards.rbegin() > file.shard_count)
        fail("its shards are numbered wrongly");
    }
    for (const auto& [tensor, entry] : json.at("tensors").items()) file.statistics[tensor] = tensor_from(entry);
  });
  return file;
}

void merge(StatisticsFile& into, const StatisticsFile& other, const std::filesystem::path& name) {
  if (const auto reason = difference(other.origin, into.origin); !reason.empty())
    fail(name.string() + " does not belong to the statistics before it: " + reason);
  if (other.shard_count != into.shard_count) {
    fail(name.string() + " is of a division into " + std::to_string(other.shard_count) + " shards, those before it into " +
         std::to_string(into.shard_count));
  }
  for (const auto shard : other.shards) {
    if (!into.shards.insert(shard).second) fail(name.string() + " holds shard " + std::to_string(shard) + ", which was given already");
  }
  into.samples += other.samples;
  merge(into.statistics, other.statistics);
}

}  // namespace quantize

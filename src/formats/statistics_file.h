// The statistics file (data/statistics.schema.json): what calibration saw, of all samples or of some shards of them. The same statistics
// give the same bytes, whichever way they were merged.
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "formats/artifact.h"
#include "observe/statistics.h"

namespace quantize {

// Part `index` (from 1) of `count`: the samples whose number leaves the remainder index - 1.
struct Shard {
  std::size_t index = 1, count = 1;
};

struct StatisticsFile {
  Origin origin;
  std::size_t samples = 0;       // of the shards that are in it
  std::size_t shard_count = 1;   // the samples were divided into so many
  std::set<std::size_t> shards;  // those that are in it, from 1
  Statistics statistics;

  [[nodiscard]] bool complete() const { return shards.size() == shard_count; }
};

std::string write_statistics(const StatisticsFile& file);
// Throws Error{data} naming the file and what is wrong with it.
StatisticsFile read_statistics(std::string_view bytes, const std::filesystem::path& name);

// Adds the shards of `other`, called `name` in messages. Throws Error{data} when it belongs to another job or shares a shard with `into`.
void merge(StatisticsFile& into, const StatisticsFile& other, const std::filesystem::path& name);

}  // namespace quantize

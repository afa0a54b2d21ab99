// What every file kept between the stations of the long form says of where it came from, so that a stale or foreign one is refused.
#pragma once

#include <map>
#include <set>
#include <string>

#include "formats/json.h"

namespace quantize {

// Fingerprints (base/files.h) of what went in, and the settings that decide what comes out, each as its option would be typed; of a file
// that an option names, its content.
struct Origin {
  std::string model;  // the FP32 model's file
  std::string graph;  // the prepared (and equalized) graph and the tensors observed in it
  std::string data;   // names, bytes and pre-processing of the calibration samples, all shards together
  std::map<std::string, std::string> settings;
};

// Why something of origin `found` cannot be used where `wanted` is at work: "it was made from another model", "it was made with --scheme
// w8a8, this run has w4a16", or an earlier version of this program that kept no pre-processing. Empty where they fit: the fingerprints
// decide, and the settings named in `decisive`; the others only explain why the graphs differ. Empty data fit all data.
std::string difference(const Origin& found, const Origin& wanted, const std::set<std::string>& decisive = {});

Json to_json(const Origin& origin);
Origin origin_from(const Json& json);

}  // namespace quantize

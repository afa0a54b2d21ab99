// The table of `quantize sensitivity`: how much the output suffers when one weight or one set of activations alone is quantized.
#pragma once

#include <string>
#include <vector>

#include "report/report.h"

namespace quantize {

struct SensitivityRow {
  std::string kind, name, op_type;  // "weights" of a node, or "activations" by their first tensor
  int bits = 8;
  double noise = 0;  // energy of the output's error / energy of the output
  double sqnr_db = 0, psnr_db = 0, psnr_db_worst = 0, agreement = 0;
};

struct SensitivityTable {
  std::string version, command, scheme, target;
  ModelFacts fp32;
  DataFacts calibration;
  std::size_t samples = 0;           // of the calibration images, that the rows were measured on
  std::vector<SensitivityRow> rows;  // in execution order
  std::vector<std::string> warnings;
};

// data/sensitivity.schema.json
std::string write_json(const SensitivityTable& table);
// A page of its own with a chart and the table.
std::string write_html(const SensitivityTable& table);
// For a terminal: the most sensitive first, all of them or `most`.
std::string write_text(const SensitivityTable& table, std::size_t most);

}  // namespace quantize

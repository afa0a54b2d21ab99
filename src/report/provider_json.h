// The provider's part of the JSON report. Internal to report/.
#pragma once

#include <nlohmann/json.hpp>

#include "report/provider_report.h"

namespace quantize {

nlohmann::ordered_json to_json(const ProviderReport& report);
nlohmann::ordered_json to_json(const CompiledContext& context);

}  // namespace quantize

// The page's part on the runtime or device the model is for: is it ready, how good is it there, what keeps it from being better.
#pragma once

#include <span>
#include <string>

#include "report/provider_report.h"

namespace quantize {

// Sections of HTML, one per provider; empty where there is none.
std::string provider_sections(std::span<const ProviderReport> providers);

// "Yes", or what is missing, in a sentence: said the same way in the terminal and on the page.
std::string readiness(const ProviderReport& provider);

}  // namespace quantize

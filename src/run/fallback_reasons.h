// Why a provider did not take a node, from what it wrote to the log while the model was loaded.
#pragma once

#include <map>
#include <string>

namespace quantize {

class FallbackReasons {
 public:
  // A message of the session's log, of any severity.
  void read(const std::string& message);
  // Empty where the provider gave none.
  [[nodiscard]] std::string of(const std::string& node) const;
  [[nodiscard]] const std::map<std::string, std::string>& all() const { return reasons_; }

 private:
  std::map<std::string, std::string> reasons_;  // by node
};

}  // namespace quantize

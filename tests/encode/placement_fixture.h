// Placements of text graphs, and their groups in words.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

#include "encode/placement.h"
#include "plan_fixture.h"

namespace quantize::test {

inline Placement place_text(std::string_view text, const Exclusions& exclusions = {}) {
  return place(text_model(text), find_target("ort-cpu"), exclusions);
}

// "x | a b | y": the groups with their members.
inline std::string groups_of(const Placement& placement) {
  std::string text;
  for (const auto& group : placement.groups) {
    text += text.empty() ? "" : " | ";
    for (const auto& member : group.members) text += (&member == &group.members[0] ? "" : " ") + member;
  }
  return text;
}

inline const TensorGroup& group_with(const Placement& placement, const std::string& tensor) {
  for (const auto& group : placement.groups) {
    if (std::find(group.members.begin(), group.members.end(), tensor) != group.members.end()) return group;
  }
  throw std::runtime_error("no group holds " + tensor);
}

}  // namespace quantize::test

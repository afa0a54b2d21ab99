// A small network one of whose activations needs more than 8 bits, and what a planner is given for it.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "encode/plan_fixture.h"
#include "mixed/planner.h"
#include "model/edit.h"

namespace quantize::test {

// One channel of r is so large that 8 bits for all of them leave little for the others, and its readers make it small again.
inline Model uneven_net() {
  Model model = text_model(R"(g (float[1,3,10,10] x) => (float[1,4,10,10] y)
    <float[8,3,3,3] w, float[8] b, float[8,8,3,3] v, float[8] e, float[4,8,1,1] u> {
  a = Conv <pads = [1,1,1,1]> (x, w, b)
  r = Relu (a)
  c = Conv <pads = [1,1,1,1]> (r, v, e)
  s = Relu (c)
  y = Conv (s, u)
})",
                           21, 10);
  auto w = float_values(initializer_of(model, "w")), v = float_values(initializer_of(model, "v"));
  for (std::size_t i = 0; i < 27; ++i) w[i] *= 200;
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (i / 9 % 8 == 0) v[i] /= 200;
  }
  put_initializer(model.graph(), make_tensor("w", {8, 3, 3, 3}, w));
  put_initializer(model.graph(), make_tensor("v", {8, 8, 3, 3}, v));
  return model;
}

// A channel of s is larger than all others, and nobody sees it: measurement cuts it off.
inline void hide_a_channel(Model& model) {
  auto v = float_values(initializer_of(model, "v")), u = float_values(initializer_of(model, "u"));
  for (std::size_t i = 0; i < 72; ++i) v[i] *= 30;
  for (std::size_t row = 0; row < 4; ++row) u[8 * row] = 0;
  put_initializer(model.graph(), make_tensor("v", {8, 8, 3, 3}, v));
  put_initializer(model.graph(), make_tensor("u", {4, 8, 1, 1}, u));
}

class MixedFixture : public testing::Test {
 protected:
  // Where inputs are heavy-tailed a few values are far larger than all others, so that it matters which range is chosen.
  LoadSample samples() const {
    return [load = random_samples(model_), heavy = heavy_tails_](std::size_t i) {
      auto inputs = load(i);
      for (float& value : inputs[0].as<float>()) value *= heavy ? value * value * value * value : 1;
      return inputs;
    };
  }
  LoadSample held_out() const {
    return [load = samples()](std::size_t i) { return load(100 + i); };
  }
  Statistics statistics() const { return calibrate(model_, place(model_, target_).observed(), samples(), 8, context_); }
  PlannerInput planner(const Scheme& scheme, Level level = Level::o0) const {
    return {model_, target_, {}, {scheme, samples(), 8, 1}, level};
  }

  Model model_ = uneven_net();
  Target target_ = find_target("ort-cpu");
  bool heavy_tails_ = false;
  Context context_;
};

}  // namespace quantize::test

// Brings a tensor from a file to what the model's input asks for, as far as nothing is lost or guessed.
#pragma once

#include <cstdint>
#include <string>

#include "model/tensor.h"

namespace quantize {

// Repeats a tensor whose first dimension is 1 `count` times along it.
Tensor repeat_batch(Tensor tensor, std::int64_t count);

// Float types convert into each other, all others must be the model's own. A missing batch dimension is added, and a batch of 1 repeated
// where the model fixes a larger one. Throws Error{data} beginning with `name` and telling both types or shapes when it does not fit, or
// when a value is NaN or infinite (also: becomes infinite in the model's type).
Tensor fit_tensor(Tensor tensor, ElementType type, const Shape& shape, const std::string& name);

}  // namespace quantize

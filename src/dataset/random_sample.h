// Data drawn at random where no images are at hand: it runs a model, it does not represent what the model will see.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataset/preprocess.h"
#include "model/tensor.h"

namespace quantize {

// Whether an input of this shape can be a picture with the pre-processing's channels.
bool takes_pictures(const Shape& shape, ElementType type, const Preprocess& preprocess);

// For an input that takes pictures (by its shape and the pre-processing's channels) a picture of random blotches of random size, through
// the pre-processing; else a normal distribution for floats, 0 or 1 for integers and bool. Decided by `seed` and `name` alone. A free batch
// dimension is 1; throws Error{usage} for any other free dimension.
Tensor random_tensor(const Shape& shape, ElementType type, const Preprocess& preprocess, std::uint64_t seed, const std::string& name);

}  // namespace quantize

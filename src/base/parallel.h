// The one loop that uses several threads.
#pragma once

#include <cstddef>
#include <functional>

#include "base/context.h"

namespace quantize {

// Calls body(index, worker) once for every index in [0, count), on up to context.threads threads; worker is in [0, context.threads).
// Which worker takes which index is not fixed, so results must be stored by index and merged in index order (or by operations whose order
// does not matter): that keeps the program's output independent of the number of threads.
// If bodies throw, the exception of the lowest index is rethrown after all threads have ended. Stops early when context.stop is requested.
void parallel_for(const Context& context, std::size_t count, const std::function<void(std::size_t index, unsigned worker)>& body);
// The same on context.samples_at_once() threads: for bodies that run a model, whose activations take memory for each that runs at once.
void parallel_for_samples(const Context& context, std::size_t count, const std::function<void(std::size_t index, unsigned worker)>& body);

}  // namespace quantize

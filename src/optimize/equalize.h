// Equalizes activations across channels: exactly the same function in float, but with the channels of every quantized tensor brought nearer
// to one range, so that one scale per tensor fits them all. The weights carry the difference (Nagel et al. 2019, arXiv 1906.04721, applied
// to whole residual groups).
//
// BEFORE  Conv1(W1, b1) -> x -> Conv2(W2)          AFTER  Conv1(W1/s, b1/s) -> x/s -> Conv2(W2 s)          s > 0, one per channel
#pragma once

#include "model/model.h"
#include "observe/statistics.h"

namespace quantize {

// Channels that an operator cannot tell apart from their scaling (Relu, pools, Resize of other axes, Add of both, Concat) are scaled
// together; those that meet any other operator, a graph input or a graph output keep the factor 1. Through a Mul by a gate (Sigmoid, ...)
// they keep their scaling. What InstanceNormalization reads is free where its epsilon is small beside it: it takes any scaling back.
// Convolutions that stay float take part like others. A channel's factor is (its range / its tensor's range)^strength, strength 0..1;
// room_below_clips: see channel_classes.h. Returns the number of channels whose factor is not 1; weights and biases of `model` are
// replaced.
int equalize(Model& model, const Statistics& statistics, double strength, double room_below_clips = 1);

}  // namespace quantize

"""Trains the demo model on drawn street scenes and writes it as ONNX.

    train_demo.py MODEL.onnx [--steps 3000] [--scenes 5000] [--cache FOLDER]
"""
import argparse
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from draw import CLASS_NAMES
from training import class_weighted_loss, export, intersection_over_union, load_scenes, train

HEIGHT, WIDTH = 192, 256
TRAIN_SEED, VALIDATION_SEED = 0, 500_000
CLASS_WEIGHTS = [1.0, 1.5, 1.0, 1.2, 1.0, 3.0, 3.0, 1.5]


def conv(channels_in, channels_out, size=3, stride=1, groups=1, activation=nn.ReLU):
    """Convolution, batch normalisation and, unless None, an activation."""
    layers = [nn.Conv2d(channels_in, channels_out, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(channels_out)]
    return nn.Sequential(*layers, *([activation()] if activation else []))


class Residual(nn.Module):
    """Two ordinary convolutions and a skip."""

    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(conv(channels, channels), conv(channels, channels, activation=None))

    def forward(self, x):
        return functional.relu(x + self.body(x))


class InvertedResidual(nn.Module):
    """Expand, depthwise convolution, project; ReLU6 inside, a skip where the shapes allow it."""

    def __init__(self, channels_in, channels_out, stride=1, expansion=4):
        super().__init__()
        wide = channels_in * expansion
        self.skip = stride == 1 and channels_in == channels_out
        self.body = nn.Sequential(conv(channels_in, wide, 1, activation=nn.ReLU6),
                                  conv(wide, wide, 3, stride, groups=wide, activation=nn.ReLU6),
                                  conv(wide, channels_out, 1, activation=None))

    def forward(self, x):
        return x + self.body(x) if self.skip else self.body(x)


class SceneNet(nn.Module):
    """An encoder to 1/16 of the size and a decoder back to 1/2 that takes in the encoder's finer stages."""

    def __init__(self, classes):
        super().__init__()
        self.stem = conv(3, 16, stride=2)
        self.quarter = nn.Sequential(conv(16, 32, stride=2), Residual(32), Residual(32))
        self.eighth = nn.Sequential(conv(32, 64, stride=2), Residual(64), Residual(64))
        self.sixteenth = nn.Sequential(InvertedResidual(64, 96, stride=2), *(InvertedResidual(96, 96) for _ in range(3)))
        self.context = conv(96, 64, 1)
        self.join_eighth = nn.Sequential(conv(128, 64, 1), conv(64, 64, groups=64, activation=nn.ReLU6), conv(64, 48, 1))
        self.join_quarter = nn.Sequential(conv(80, 48, 1), conv(48, 48))
        self.classifier = nn.Conv2d(48, classes, 1)

    def forward(self, image):
        quarter = self.quarter(self.stem(image))
        eighth = self.eighth(quarter)
        deep = self.context(self.sixteenth(eighth))
        deep = functional.interpolate(deep, scale_factor=2.0, mode="bilinear", align_corners=False)
        deep = self.join_eighth(torch.cat([deep, eighth], 1))
        deep = functional.interpolate(deep, scale_factor=2.0, mode="nearest")
        logits = self.classifier(self.join_quarter(torch.cat([deep, quarter], 1)))
        return functional.interpolate(logits, scale_factor=2.0, mode="bilinear", align_corners=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--scenes", type=int, default=5000)
    parser.add_argument("--cache", type=Path, default=Path("/tmp/scenes_cache"))
    options = parser.parse_args()

    torch.manual_seed(1)
    net = SceneNet(len(CLASS_NAMES))
    scenes = load_scenes(options.cache, TRAIN_SEED, options.scenes, WIDTH, HEIGHT)
    train(net, scenes, class_weighted_loss(CLASS_WEIGHTS), options.steps)
    scores = intersection_over_union(net, load_scenes(options.cache, VALIDATION_SEED, 64, WIDTH, HEIGHT), len(CLASS_NAMES))
    print(*(f"{name} {score:.3f}" for name, score in zip(CLASS_NAMES, scores)), f"mean {scores.mean():.4f}", sep="  ")
    export(net, options.model, (1, 3, HEIGHT, WIDTH), "logits", opset=13, fold_constants=False)


if __name__ == "__main__":
    main()

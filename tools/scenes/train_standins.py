"""Trains six further nets for the benchmarks; their files are not kept in the repository.

    train_standins.py FOLDER [--only deeplab_relu6] [--scenes 5000] [--cache FOLDER] [--steps N]
"""
import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import torch
from torch import nn
from torch.nn import functional

from draw import CLASS_NAMES, IGNORE
from segformer import SegFormer
from standin_nets import DeepLab, LiteSegmenter, PortraitNet, SINet, UNet
from training import class_weighted_loss, export, full_size, intersection_over_union, load_scenes, train

WIDTH, HEIGHT = 256, 192  # of the drawn scenes; each net sees them at its own size
TRAIN_SEED, VALIDATION_SEED = 0, 500_000


@dataclass
class StandIn:
    """A net, what it learns and how it is written."""
    build: Callable[[], nn.Module]
    size: tuple[int, int]  # height, width of the input
    only: str | None       # the class of its mask; None for all classes
    loss: Callable
    output: str
    opset: int
    steps: int
    larger: tuple[int, int] | None = None  # exported for this size too, for speed
    peak_rate: float = 3e-3


class TwoClasses(nn.Module):
    """Turns a one-channel mask into two scores so that argmax means mask > 0.5."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, image):
        mask = self.net(image)
        return torch.cat([1 - mask, mask], 1)


def mask_loss(output, label):
    """Binary cross entropy of a mask in 0..1, ignored pixels left out."""
    mask = full_size(output, label)[:, 0].clamp(1e-6, 1 - 1e-6)
    error = functional.binary_cross_entropy(mask, (label == 1).float(), reduction="none")
    return error[label != IGNORE].mean()


STAND_INS = {
    "deeplab_relu6": StandIn(lambda: DeepLab(len(CLASS_NAMES)), (257, 257), None,
                             class_weighted_loss([1.0, 1.2, 1.0, 1.0, 1.0, 1.6, 1.6, 1.2]), "logits", 11, 1200, (513, 513)),
    "portrait_prelu": StandIn(PortraitNet, (224, 224), "car", class_weighted_loss([1.0, 1.5]), "logits", 13, 1200),
    "sinet": StandIn(SINet, (224, 224), "car", class_weighted_loss([1.0, 1.5]), "logits", 11, 1200),
    "lraspp_hardswish": StandIn(lambda: LiteSegmenter(len(CLASS_NAMES)), (192, 256), None,
                                class_weighted_loss([1.0, 1.2, 1.0, 1.0, 1.0, 1.6, 1.6, 1.2]), "logits", 14, 1200),
    "unet_convtranspose": StandIn(UNet, (144, 192), "road", mask_loss, "mask", 13, 600),
    "segformer_tokens": StandIn(lambda: SegFormer(len(CLASS_NAMES)), (192, 256), None,
                                class_weighted_loss([1.0, 1.2, 1.0, 1.0, 1.0, 1.6, 1.6, 1.2]), "logits", 17, 2000, peak_rate=1e-3),
}


def scenes_for(stand_in, cache, first_seed, count):
    """Scenes with the pictures and labels as this net wants them."""
    rgb, label = load_scenes(cache, first_seed, count, WIDTH, HEIGHT)
    resized = [functional.interpolate(part, stand_in.size, mode="bilinear", align_corners=False) for part in rgb.split(256)]
    if stand_in.only:
        wanted = (label == CLASS_NAMES.index(stand_in.only)).to(torch.uint8)
        label = torch.where(label == IGNORE, label, wanted)
    return torch.cat(resized), label


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=STAND_INS, help="train just this one")
    parser.add_argument("--steps", type=int, help="instead of each net's own number")
    parser.add_argument("--scenes", type=int, default=5000)
    parser.add_argument("--cache", type=Path, default=Path("/tmp/scenes_cache"))
    options = parser.parse_args()

    for name in [options.only] if options.only else STAND_INS:
        stand_in = STAND_INS[name]
        torch.manual_seed(1)
        net = stand_in.build()
        print(f"{name}: {sum(weight.numel() for weight in net.parameters())} parameters")
        train(net, scenes_for(stand_in, options.cache, TRAIN_SEED, options.scenes), stand_in.loss, options.steps or stand_in.steps,
              peak_rate=stand_in.peak_rate)
        classes = ["rest", stand_in.only] if stand_in.only else CLASS_NAMES
        judged = TwoClasses(net) if stand_in.output == "mask" else net
        scores = intersection_over_union(judged, scenes_for(stand_in, options.cache, VALIDATION_SEED, 64), len(classes))
        print(*(f"{known} {score:.3f}" for known, score in zip(classes, scores)), f"mean {scores.mean():.4f}", sep="  ")
        sizes = {name: stand_in.size}
        if stand_in.larger:
            sizes[f"{name}_{stand_in.larger[1]}"] = stand_in.larger
        for file, size in sizes.items():
            export(net, options.folder / f"{file}.onnx", (1, 3, *size), stand_in.output, stand_in.opset)


if __name__ == "__main__":
    main()

"""A small SegFormer (Xie et al., NeurIPS 2021): self-attention over tokens in four sizes, and a decoder of linear layers."""
import torch
from torch import nn
from torch.nn import functional

from standin_nets import conv


def to_tokens(picture):
    """(n, c, h, w) to (n, h w, c)."""
    return picture.flatten(2).transpose(1, 2)


def to_picture(tokens, height, width):
    """(n, h w, c) to (n, c, h, w)."""
    n, _, c = tokens.shape
    return tokens.transpose(1, 2).reshape(n, c, height, width)


class ReducedAttention(nn.Module):
    """Every token asks the tokens of a picture `reduction` times as small."""

    def __init__(self, channels, heads, reduction):
        super().__init__()
        self.heads = heads
        self.query, self.key_value, self.join = nn.Linear(channels, channels), nn.Linear(channels, 2 * channels), nn.Linear(channels, channels)
        self.reduce = nn.Conv2d(channels, channels, reduction, reduction) if reduction > 1 else None
        self.norm = nn.LayerNorm(channels) if reduction > 1 else None

    def _split(self, tokens):
        n, count, c = tokens.shape
        return tokens.reshape(n, count, self.heads, c // self.heads).transpose(1, 2)

    def forward(self, x, height, width):
        asked = self.norm(to_tokens(self.reduce(to_picture(x, height, width)))) if self.reduce else x
        query, (key, value) = self._split(self.query(x)), (self._split(part) for part in self.key_value(asked).chunk(2, -1))
        weights = torch.softmax(query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5, -1)
        return self.join((weights @ value).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention and a feed-forward layer with a depthwise convolution inside, each behind a normalisation and beside a skip."""

    def __init__(self, channels, heads, reduction, expansion=4):
        super().__init__()
        wide = channels * expansion
        self.attention_norm, self.attention = nn.LayerNorm(channels), ReducedAttention(channels, heads, reduction)
        self.norm, self.widen, self.narrow = nn.LayerNorm(channels), nn.Linear(channels, wide), nn.Linear(wide, channels)
        self.spread = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)

    def forward(self, x, height, width):
        x = x + self.attention(self.attention_norm(x), height, width)
        spread = to_tokens(self.spread(to_picture(self.widen(self.norm(x)), height, width)))
        return x + self.narrow(functional.gelu(spread))


class Stage(nn.Module):
    """Overlapping patches, blocks, normalisation."""

    def __init__(self, channels_in, channels, depth, heads, reduction, size, stride):
        super().__init__()
        self.patches, self.start = nn.Conv2d(channels_in, channels, size, stride, size // 2), nn.LayerNorm(channels)
        self.blocks = nn.ModuleList(Block(channels, heads, reduction) for _ in range(depth))
        self.end = nn.LayerNorm(channels)

    def forward(self, picture):
        patches = self.patches(picture)
        height, width = patches.shape[-2:]
        x = self.start(to_tokens(patches))
        for block in self.blocks:
            x = block(x, height, width)
        return to_picture(self.end(x), height, width)


class SegFormer(nn.Module):
    """Four stages to 1/32; their tokens through a linear layer each, resized to 1/4, joined."""

    def __init__(self, classes, widths=(24, 48, 96, 128), depths=(1, 1, 2, 1), joined=96):
        super().__init__()
        plan = zip((3, *widths), widths, depths, (1, 2, 4, 4), (8, 4, 2, 1), (7, 3, 3, 3), (4, 2, 2, 2))
        self.stages = nn.ModuleList(Stage(*stage) for stage in plan)
        self.linear = nn.ModuleList(nn.Linear(width, joined) for width in widths)
        self.join = conv(joined * len(widths), joined, 1, activation=nn.ReLU)
        self.classifier = nn.Conv2d(joined, classes, 1)

    def forward(self, image):
        features = [image]
        for stage in self.stages:
            features.append(stage(features[-1]))
        height, width = features[1].shape[-2:]
        levels = [functional.interpolate(to_picture(linear(to_tokens(level)), *level.shape[-2:]), (height, width), mode="bilinear", align_corners=False)
                  for linear, level in zip(self.linear, features[1:])]
        logits = self.classifier(self.join(torch.cat(levels[::-1], 1)))
        return functional.interpolate(logits, scale_factor=4.0, mode="bilinear", align_corners=False)

"""Small segmentation nets of three kinds that the demo model is not: DeepLab, a portrait net and a U-Net."""
import torch
from torch import nn
from torch.nn import functional


def conv(channels_in, channels_out, size=3, stride=1, groups=1, dilation=1, activation=nn.ReLU6):
    """Convolution, batch normalisation and, unless None, an activation (a class that may take the channels)."""
    layers = [nn.Conv2d(channels_in, channels_out, size, stride, dilation * (size // 2), dilation, groups, bias=False),
              nn.BatchNorm2d(channels_out)]
    if activation is nn.PReLU:
        layers.append(nn.PReLU(channels_out))
    elif activation:
        layers.append(activation())
    return nn.Sequential(*layers)


class InvertedResidual(nn.Module):
    """The block of MobileNetV2."""

    def __init__(self, channels_in, channels_out, stride=1, dilation=1, expansion=6):
        super().__init__()
        wide = channels_in * expansion
        self.skip = stride == 1 and channels_in == channels_out
        self.body = nn.Sequential(conv(channels_in, wide, 1), conv(wide, wide, 3, stride, wide, dilation),
                                  conv(wide, channels_out, 1, activation=None))

    def forward(self, x):
        return x + self.body(x) if self.skip else self.body(x)


class DeepLab(nn.Module):
    """MobileNetV2 blocks to 1/16, parallel dilated and pooled branches, logits resized to the input's size."""

    def __init__(self, classes):
        super().__init__()
        plan = [(16, 24, 2), (24, 24, 1), (24, 32, 2), (32, 32, 1), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 64, 1)]
        blocks = [InvertedResidual(into, out, stride) for into, out, stride in plan]
        dilated = [InvertedResidual(64, 96, dilation=1), InvertedResidual(96, 96, dilation=2)]
        self.features = nn.Sequential(conv(3, 16, stride=2), *blocks, *dilated)
        self.point = conv(96, 64, 1)
        self.wide = nn.ModuleList(nn.Sequential(conv(96, 96, groups=96, dilation=rate), conv(96, 64, 1)) for rate in (3, 6))
        self.pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), conv(96, 64, 1))
        self.join = conv(256, 96, 1)
        self.classifier = nn.Conv2d(96, classes, 1)

    def forward(self, image):
        deep = self.features(image)
        pooled = functional.interpolate(self.pooled(deep), deep.shape[-2:], mode="bilinear", align_corners=True)
        branches = [self.point(deep), *(branch(deep) for branch in self.wide), pooled]
        logits = self.classifier(self.join(torch.cat(branches, 1)))
        return functional.interpolate(logits, image.shape[-2:], mode="bilinear", align_corners=True)


class ShuffleUnit(nn.Module):
    """Grouped convolution, channel shuffle, depthwise convolution, grouped convolution, skip; PReLU."""

    def __init__(self, channels, dilation=1, groups=2):
        super().__init__()
        self.groups = groups
        self.squeeze = conv(channels, channels, 1, groups=groups, activation=nn.PReLU)
        self.spread = conv(channels, channels, 3, groups=channels, dilation=dilation, activation=None)
        self.expand = conv(channels, channels, 1, groups=groups, activation=None)
        self.activation = nn.PReLU(channels)

    def forward(self, x):
        n, c, h, w = x.shape
        mixed = self.squeeze(x).view(n, self.groups, c // self.groups, h, w).transpose(1, 2).reshape(n, c, h, w)
        return self.activation(x + self.expand(self.spread(mixed)))


class PortraitNet(nn.Module):
    """Shuffle units at 1/4 and 1/8 of the size and a light decoder; two classes."""

    def __init__(self, classes=2):
        super().__init__()
        self.stem = conv(3, 16, stride=2, activation=nn.PReLU)
        self.quarter = nn.Sequential(self._down(16, 48), *(ShuffleUnit(48) for _ in range(4)))
        self.eighth = nn.Sequential(self._down(48, 80), *(ShuffleUnit(80, rate) for rate in (1, 2, 1, 4, 1, 2, 1, 4, 1)))
        self.narrow = conv(80, 48, 1, activation=nn.PReLU)
        self.refine = nn.Sequential(*(ShuffleUnit(48) for _ in range(3)), conv(48, 24, 1, activation=nn.PReLU))
        self.fine = conv(40, 24, groups=8, activation=nn.PReLU)
        self.classifier = nn.Conv2d(24, classes, 3, padding=1)

    @staticmethod
    def _down(channels_in, channels_out):
        return nn.Sequential(conv(channels_in, channels_in, 3, 2, channels_in, activation=None),
                             conv(channels_in, channels_out, 1, activation=nn.PReLU))

    def forward(self, image):
        half = self.stem(image)
        quarter = self.quarter(half)
        deep = functional.interpolate(self.narrow(self.eighth(quarter)), scale_factor=2.0, mode="bilinear", align_corners=False)
        deep = functional.interpolate(self.refine(deep + quarter), scale_factor=2.0, mode="bilinear", align_corners=False)
        logits = self.classifier(self.fine(torch.cat([deep, half], 1)))
        return functional.interpolate(logits, scale_factor=2.0, mode="bilinear", align_corners=False)


class UNet(nn.Module):
    """Max pooling down, transposed convolutions up, Concat skips; one channel through Sigmoid."""

    def __init__(self, widths=(16, 32, 64, 96)):
        super().__init__()
        self.down = nn.ModuleList(self._pair(into, out) for into, out in zip((3, *widths), widths))
        steps = list(zip(widths[:0:-1], widths[-2::-1]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(deep, fine, 2, 2) for deep, fine in steps)
        self.merge = nn.ModuleList(self._pair(2 * fine, fine) for _, fine in steps)
        self.mask = nn.Conv2d(widths[0], 1, 1)

    @staticmethod
    def _pair(channels_in, channels_out):
        return nn.Sequential(conv(channels_in, channels_out, activation=nn.ReLU), conv(channels_out, channels_out, activation=nn.ReLU))

    def forward(self, image):
        x, skips = image, []
        for level, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if level else x)
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, skips[-2::-1]):
            x = merge(torch.cat([up(x), skip], 1))
        return torch.sigmoid(self.mask(x))

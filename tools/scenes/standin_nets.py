"""Small segmentation nets of kinds that the demo model is not: DeepLab, two portrait nets, MobileNetV3 and a U-Net."""
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


class SpatialSqueeze(nn.Module):
    """One branch of SINet's block: pooled, depthwise, 1x1, resized back."""

    def __init__(self, channels_in, channels_out, size, pooled):
        super().__init__()
        self.pooled = pooled
        self.body = nn.Sequential(conv(channels_in, channels_in, size, groups=channels_in, activation=nn.PReLU),
                                  nn.Conv2d(channels_in, channels_out, 1, bias=False))
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x):
        if self.pooled == 1:
            return self.norm(self.body(x))
        deep = self.body(functional.avg_pool2d(x, self.pooled))
        return self.norm(functional.interpolate(deep, scale_factor=float(self.pooled), mode="bilinear", align_corners=True))


class SqueezeUnit(nn.Module):
    """SINet's block: grouped 1x1, channel shuffle, two spatial squeezes side by side, skip; normalised, then PReLU."""

    def __init__(self, channels_in, channels_out, branches, skip=True):
        super().__init__()
        half, self.skip = channels_out // 2, skip
        self.narrow = nn.Conv2d(channels_in, half, 1, groups=2, bias=False)
        self.branches = nn.ModuleList(SpatialSqueeze(half, half, size, pooled) for size, pooled in branches)
        self.after = nn.Sequential(nn.BatchNorm2d(channels_out), nn.PReLU(channels_out))

    def forward(self, x):
        narrow = self.narrow(x)
        n, c, h, w = narrow.shape
        mixed = narrow.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        joined = torch.cat([branch(mixed) for branch in self.branches], 1)
        return self.after(x + joined if self.skip else joined)


class GatedDown(nn.Module):
    """Depthwise to half the size, channels weighed by what their means say, 1x1; PReLU."""

    def __init__(self, channels_in, channels_out, divide):
        super().__init__()
        self.spread = nn.Conv2d(channels_in, channels_in, 3, 2, 1, groups=channels_in, bias=False)
        inner = channels_in // divide
        gate = [nn.Linear(channels_in, inner), nn.PReLU(inner)]
        self.gate = nn.Sequential(*gate, *([nn.Linear(inner, channels_in), nn.PReLU(channels_in)] if divide > 1 else []))
        self.join = conv(channels_in, channels_out, 1, activation=nn.PReLU)

    def forward(self, x):
        spread = self.spread(x)
        weight = self.gate(functional.adaptive_avg_pool2d(spread, 1).flatten(1))
        return self.join(spread * weight[:, :, None, None])


class SINet(nn.Module):
    """SINet (Park et al., WACV 2020): spatial squeezes, and a decoder that lets finer features in where the coarse scores are unsure."""

    def __init__(self, classes=2):
        super().__init__()
        self.stem = conv(3, 12, stride=2, activation=nn.PReLU)
        self.quarter_down = GatedDown(12, 16, 1)
        self.quarter = nn.Sequential(SqueezeUnit(16, 48, [(3, 1), (5, 1)], skip=False), SqueezeUnit(48, 48, [(3, 1), (3, 1)]))
        self.quarter_join = nn.Sequential(nn.BatchNorm2d(64), nn.PReLU(64))
        self.eighth_down = GatedDown(64, 48, 2)
        plan = [[(3, 1), (5, 1)], [(3, 1), (3, 1)], [(5, 1), (3, 2)], [(5, 2), (3, 4)],
                [(3, 1), (3, 1)], [(5, 1), (5, 1)], [(3, 2), (3, 4)], [(3, 1), (5, 2)]]
        self.eighth = nn.Sequential(*(SqueezeUnit(96 if i else 48, 96, branches, skip=i > 0) for i, branches in enumerate(plan)))
        self.eighth_join = nn.Sequential(nn.BatchNorm2d(144), nn.PReLU(144))
        self.coarse = nn.Conv2d(144, classes, 1, bias=False)
        self.coarse_norm = nn.BatchNorm2d(classes)
        self.fine = conv(48, classes, 1, activation=nn.PReLU)
        self.fine_norm = nn.BatchNorm2d(classes)
        self.classifier = nn.Conv2d(classes, classes, 3, padding=1, bias=False)

    def forward(self, image):
        down = self.quarter_down(self.stem(image))
        quarter = self.quarter(down)
        eighth_down = self.eighth_down(self.quarter_join(torch.cat([down, quarter], 1)))
        coarse = self.coarse(self.eighth_join(torch.cat([eighth_down, self.eighth(eighth_down)], 1)))
        coarse = self.coarse_norm(self._twice(coarse))
        unsure = 1 - torch.softmax(coarse, 1).max(1, keepdim=True).values
        logits = self.fine_norm(self._twice(self.fine(quarter) * unsure + coarse))
        return self.classifier(self._twice(logits))

    @staticmethod
    def _twice(x):
        return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True)


class SqueezeExcite(nn.Module):
    """Channels weighed by a gate that their means open: Relu, then HardSigmoid."""

    def __init__(self, channels):
        super().__init__()
        inner = max(8, channels // 4)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, inner, 1), nn.ReLU(), nn.Conv2d(inner, channels, 1), nn.Hardsigmoid())

    def forward(self, x):
        return x * self.gate(x)


class InvertedResidualV3(nn.Module):
    """The block of MobileNetV3."""

    def __init__(self, channels_in, wide, channels_out, size, stride, squeeze, activation, dilation=1):
        super().__init__()
        self.skip = stride == 1 and channels_in == channels_out
        layers = [conv(channels_in, wide, 1, activation=activation)] if wide != channels_in else []
        layers.append(conv(wide, wide, size, stride, wide, dilation, activation))
        layers += [SqueezeExcite(wide)] if squeeze else []
        self.body = nn.Sequential(*layers, conv(wide, channels_out, 1, activation=None))

    def forward(self, x):
        return x + self.body(x) if self.skip else self.body(x)


class LiteSegmenter(nn.Module):
    """MobileNetV3-small to 1/16 and the head of LR-ASPP (Howard et al., ICCV 2019)."""

    def __init__(self, classes):
        super().__init__()
        swish = nn.Hardswish
        self.fine = nn.Sequential(conv(3, 16, stride=2, activation=swish), InvertedResidualV3(16, 16, 16, 3, 2, True, nn.ReLU),
                                  InvertedResidualV3(16, 72, 24, 3, 2, False, nn.ReLU), InvertedResidualV3(24, 88, 24, 3, 1, False, nn.ReLU))
        self.deep = nn.Sequential(InvertedResidualV3(24, 96, 40, 5, 2, True, swish), InvertedResidualV3(40, 240, 40, 5, 1, True, swish),
                                  InvertedResidualV3(40, 120, 48, 5, 1, True, swish), InvertedResidualV3(48, 144, 48, 5, 1, True, swish),
                                  InvertedResidualV3(48, 288, 96, 5, 1, True, swish, 2), conv(96, 288, 1, activation=swish))
        self.wide = conv(288, 96, 1, activation=nn.ReLU)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(288, 96, 1, bias=False), nn.Sigmoid())
        self.fine_scores, self.deep_scores = nn.Conv2d(24, classes, 1), nn.Conv2d(96, classes, 1)

    def forward(self, image):
        fine = self.fine(image)
        deep = self.deep(fine)
        joined = self.wide(deep) * self.gate(deep)
        joined = functional.interpolate(joined, scale_factor=2.0, mode="bilinear", align_corners=False)
        logits = self.fine_scores(fine) + self.deep_scores(joined)
        return functional.interpolate(logits, scale_factor=8.0, mode="bilinear", align_corners=False)


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

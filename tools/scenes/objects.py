"""What stands or moves in the street: cars, people, poles, trees and hedges."""
import numpy as np

from canvas import CAR, PERSON, POLE, VEGETATION, box, disc

CAR_COLOURS = [(200, 30, 30), (235, 235, 235), (30, 30, 34), (120, 125, 130), (40, 70, 150), (180, 185, 190),
               (230, 190, 40), (50, 100, 70), (90, 40, 40), (150, 170, 190)]
CLOTHES = [(40, 45, 60), (150, 40, 45), (60, 90, 140), (210, 205, 195), (90, 75, 60), (30, 30, 30),
           (220, 160, 50), (70, 110, 80), (130, 130, 135), (200, 110, 140)]
SKIN = [(224, 180, 150), (190, 140, 105), (120, 80, 58), (240, 200, 175)]


def pick(rng, colours, spread=0.12):
    return np.clip(np.array(colours[rng.integers(len(colours))]) * rng.normal(1, spread), 8, 250)


class Car:
    """A vehicle at (x, z), its near end towards the camera; `across` turns it by 90 degrees."""

    def __init__(self, rng, x, z, across=False):
        self.x, self.z, self.across = x, z, across
        van = rng.random() < 0.2
        self.length = rng.uniform(4.8, 7.5) if van else rng.uniform(3.6, 4.8)
        self.width = rng.uniform(1.9, 2.2) if van else rng.uniform(1.65, 1.9)
        self.height = rng.uniform(2.0, 3.1) if van else rng.uniform(1.38, 1.65)
        self.waist = self.height * (0.5 if van else 0.58)
        self.colour = pick(rng, CAR_COLOURS)
        self.cabin = (0.02, 0.98, 0.03, 0.9) if van else (0.06, 0.78, 0.2, 0.62)  # bottom and top, share of length
        self.closed = van and rng.random() < 0.5  # a goods van has no side windows behind

    def cast(self, shadows):
        deep, wide = (self.width, self.length) if self.across else (self.length, self.width)
        shadows.under(self.x - wide / 2, self.x + wide / 2, self.z - 0.1, self.z + deep)
        shadows.wall(self.x, self.z, self.z + deep, self.height * 0.8)

    def paint(self, rng, canvas):
        if self.across:
            self._side(rng, canvas, lambda u, y: (self.x - self.length / 2 + u, y, self.z), 0.95)
            return
        inward = -1 if self.x > 0 else 1  # the flank that the camera sees
        flank = self.x + inward * self.width / 2
        self._side(rng, canvas, lambda u, y: (flank, y, self.z + u), canvas.light.wall_shade(np.sign(self.x)) * 0.9)
        canvas.shape([(flank, self.waist, self.z), (flank, self.waist, self.z + self.cabin[0] * self.length),
                      (flank, self.height, self.z + self.cabin[2] * self.length),
                      (self.x + inward * self.width * 0.4, self.height, self.z + 0.1)], self.colour, CAR)
        if canvas.camera.eye > self.height:
            low, high = self.cabin[2] * self.length, self.cabin[3] * self.length
            half = self.width / 2 * 0.85
            canvas.shape([(self.x - half, self.height, self.z + low), (self.x - half, self.height, self.z + high),
                          (self.x + half, self.height, self.z + high), (self.x + half, self.height, self.z + low)],
                         self.colour, CAR, 1.15)
        self._end(rng, canvas)

    def _side(self, rng, canvas, place, shade):
        length, base = self.length, 0.22
        body = [(0, base), (0, self.waist * 0.9), (0.05 * length, self.waist), (0.95 * length, self.waist),
                (length, self.waist * 0.75), (length, base)]
        canvas.shape([place(u, y) for u, y in body], self.colour, CAR, shade)
        b0, b1, t0, t1 = (share * length for share in self.cabin)
        roof = [(b0, self.waist), (t0, self.height), (t1, self.height), (b1, self.waist)]
        canvas.shape([place(u, y) for u, y in roof], self.colour, CAR, shade * 1.05)
        if not self.closed:
            glass = np.array([45, 52, 60]) * rng.uniform(0.6, 1.6)
            middle, post, top = (t0 + t1) / 2, 0.02 * length, self.height - 0.1
            for left, right, lean0, lean1 in ((b0 + 0.1, middle - post, t0 - b0, 0), (middle + post, b1 - 0.15, 0, t1 - b1)):
                canvas.shape([place(left, self.waist + .04), place(left + lean0 * 0.85, top),
                              place(right + lean1 * 0.85, top), place(right, self.waist + .04)], glass, CAR)
        for share in (0.18, 0.8):
            for radius, colour in ((0.34, (22, 22, 24)), (0.19, (120, 120, 125))):
                canvas.shape([place(share * length + dx, y) for dx, y in disc(radius, 0.34)], colour, CAR)

    def _end(self, rng, canvas):
        half, z, waist = self.width / 2, self.z, self.waist
        for side in (-1, 1):
            canvas.upright(box(side * half * 0.95 - 0.1, side * half * 0.95 + 0.1, 0, 0.4), self.x, z, (20, 20, 22), CAR)
        canvas.upright(box(-half, half, 0.24, waist), self.x, z, self.colour, CAR)
        top = [(-half * 0.94, waist), (-half * 0.8, self.height), (half * 0.8, self.height), (half * 0.94, waist)]
        glass = [(-half * 0.84, waist + .05), (-half * 0.72, self.height - .1), (half * 0.72, self.height - .1), (half * 0.84, waist + .05)]
        canvas.upright(top, self.x, z + 0.1, self.colour, CAR, 1.05)
        canvas.upright(glass, self.x, z + 0.1, np.array([50, 58, 66]) * rng.uniform(0.6, 1.8), CAR)
        canvas.upright(box(-half, half, 0.24, 0.42), self.x, z, self.colour, CAR, 0.6)
        canvas.upright(box(-0.26, 0.26, 0.5, 0.62), self.x, z, (225, 225, 200), CAR)
        oncoming = self.x < 0
        lamp = (250, 245, 215) if oncoming else (190, 25, 25)
        for side in (-1, 1):
            edge = side * half * 0.78
            canvas.upright(box(edge - 0.16, edge + 0.16, waist - 0.3, waist - 0.12), self.x, z, lamp, CAR, glows=canvas.light.dark)


class Person:
    """Somebody standing or walking."""

    def __init__(self, rng, x, z):
        self.x, self.z = x, z
        self.height = rng.uniform(1.5, 1.92) if rng.random() < 0.85 else rng.uniform(1.0, 1.35)

    def cast(self, shadows):
        shadows.wall(self.x, self.z, self.z + 0.35, self.height)

    def paint(self, rng, canvas):
        h, stride = self.height, rng.uniform(0.02, 0.3)
        coat, trousers, skin = pick(rng, CLOTHES, 0.2), pick(rng, CLOTHES, 0.2), pick(rng, SKIN, 0.08)

        def part(outline, colour, shade=1.0):
            canvas.upright(outline, self.x, self.z, colour, PERSON, shade)
        for side in (-1, 1):
            foot = side * stride
            part([(side * 0.02 * h, 0.5 * h), (foot - 0.05 * h, 0), (foot + 0.06 * h, 0), (side * 0.11 * h, 0.5 * h)],
                 trousers, 1 - 0.12 * side)
        part([(-0.11 * h, 0.46 * h), (-0.13 * h, 0.8 * h), (-0.05 * h, 0.85 * h), (0.05 * h, 0.85 * h),
              (0.13 * h, 0.8 * h), (0.11 * h, 0.46 * h)], coat)
        for side in (-1, 1):
            swing = rng.uniform(0.0, 0.12) * h
            part([(side * 0.12 * h, 0.8 * h), (side * (0.14 * h + swing), 0.48 * h),
                  (side * (0.19 * h + swing), 0.48 * h), (side * 0.16 * h, 0.79 * h)], coat, 0.85)
        part(disc(0.072 * h, 0.92 * h, squash=0.85), skin)
        part([(-0.06 * h, 0.93 * h), (-0.05 * h, 0.99 * h), (0.05 * h, 0.99 * h), (0.06 * h, 0.93 * h)], rng.uniform(15, 120, 3))
        if rng.random() < 0.3:
            side = rng.choice([-1, 1])
            part(box(side * 0.2 * h - 0.1, side * 0.2 * h + 0.1, 0.3 * h, 0.48 * h), pick(rng, CLOTHES))


class Pole:
    """A street lamp, a traffic sign, a traffic light or a bollard; `side` as seen from the road."""

    def __init__(self, rng, x, z, side):
        self.x, self.z, self.side = x, z, side
        self.kind = rng.choice(["lamp", "sign", "lights", "bollard"], p=[0.4, 0.32, 0.18, 0.1])
        self.height = {"lamp": rng.uniform(5, 8), "sign": rng.uniform(2.6, 3.4),
                       "lights": rng.uniform(3.2, 4.2), "bollard": 1.0}[self.kind]

    def cast(self, shadows):
        shadows.wall(self.x, self.z, self.z + 0.15, self.height)

    def paint(self, rng, canvas):
        half = rng.uniform(0.08, 0.13)
        metal = np.full(3, rng.uniform(60, 165)) * rng.normal(1, 0.04, 3)

        def part(outline, colour, glows=False):
            canvas.upright(outline, self.x, self.z, colour, POLE, glows=glows)
        part(box(-half, half, 0, self.height), metal)
        if self.kind == "lamp":
            reach = -self.side * rng.uniform(0.8, 2.0)
            part([(0, self.height - 0.15), (0, self.height), (reach, self.height + 0.3), (reach, self.height + 0.12)], metal * 0.9)
            lit = canvas.light.dark
            part(box(min(reach, reach * 0.6), max(reach, reach * 0.6), self.height, self.height + 0.28),
                 (255, 240, 190) if lit else metal * 1.2, glows=lit)
        elif self.kind == "sign":
            self._sign(rng, part)
        elif self.kind == "lights":
            part(box(-0.2, 0.2, self.height - 1.05, self.height + 0.1), (28, 30, 30))
            on = rng.integers(3)
            for index, colour in enumerate([(235, 50, 40), (240, 190, 50), (60, 220, 110)]):
                part(disc(0.13, self.height - 0.1 - 0.35 * index), colour if index == on else np.array(colour) * 0.25, index == on)

    def _sign(self, rng, part):
        y, shape = self.height - 0.1, rng.integers(3)
        rim = [(200, 30, 35), (30, 80, 170), (225, 225, 225), (230, 180, 40)][rng.integers(4)]
        face = (235, 235, 235) if rng.random() < 0.6 else np.array(rim) * 0.9
        for size, colour in ((0.42, rim), (0.31, face)):
            if shape == 0:
                part(disc(size, y), colour)
            elif shape == 1:
                part([(-size, y - size * 0.6), (0, y + size), (size, y - size * 0.6)], colour)
            else:
                part(box(-size, size, y - size, y + size), colour)


class Tree:
    """A trunk with a crown of many leaves, or a low bush where `low` is set."""

    def __init__(self, rng, x, z, leaves, low=False):
        self.x, self.z, self.leaves, self.low = x, z, leaves, low
        self.height = rng.uniform(0.9, 2.0) if low else rng.uniform(3.5, 9)
        self.radius = self.height * (rng.uniform(0.45, 0.9) if low else rng.uniform(0.22, 0.4))

    def cast(self, shadows):
        shadows.blob(self.x, self.z, self.radius, 0 if self.low else self.height * 0.7)
        if not self.low:
            shadows.wall(self.x, self.z, self.z + 0.3, self.height * 0.5)

    def paint(self, rng, canvas):
        trunk = 0.0 if self.low else self.height * rng.uniform(0.3, 0.5)
        if not self.low:
            canvas.upright(box(-0.035 * self.height, 0.03 * self.height, 0, trunk + 0.3 * self.height), self.x, self.z,
                           rng.uniform(55, 95) * np.array([1, 0.85, 0.7]), VEGETATION)
        tall = (self.height - trunk) / 2
        fine = canvas.camera.pixels_per_metre(self.z) * self.radius
        count = int(np.clip(fine * 0.9, 14, 90))
        turn, reach = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.uniform(0, 1, count))
        up = np.sin(turn) * reach
        order = np.argsort(up)  # lighter leaves on top
        for index in order:
            size = self.radius * rng.uniform(0.14, 0.36)
            shade = 0.85 + 0.3 * up[index] + rng.normal(0, 0.13)
            outline = disc(size, trunk + tall + up[index] * tall * 0.9, np.cos(turn[index]) * reach[index] * self.radius, 7)
            canvas.upright(outline + rng.normal(0, size * 0.15, outline.shape), self.x, self.z, self.leaves, VEGETATION, max(shade, 0.3))

"""What stands still and is large: skyline, ground, road markings and buildings."""
import numpy as np

from canvas import BUILDING, PAVEMENT, ROAD, VEGETATION, NEAR, box

FAR = 160.0  # metres; where the street ends
WALL_COLOURS = [(176, 92, 70), (200, 180, 150), (160, 160, 158), (222, 214, 200), (120, 82, 66),
                (205, 170, 110), (140, 150, 165), (230, 225, 220), (100, 100, 106), (190, 140, 120)]
ROOF_COLOURS = [(110, 55, 45), (70, 70, 78), (90, 75, 65), (130, 80, 60)]


class Plan:
    """The measures of one street, seen from above."""

    def __init__(self, rng):
        self.road = rng.uniform(3.2, 6.8)  # half the width of the road
        self.shift = rng.uniform(-0.45, 0.35) * self.road  # the camera drives beside the middle
        self.kerb = {-1: self.shift - self.road, 1: self.shift + self.road}
        self.pavement = {side: rng.uniform(1.6, 4.5) for side in (-1, 1)}
        self.crossing = rng.uniform(14, 45) if rng.random() < 0.35 else None  # a street across
        self.crossing_width = rng.uniform(6, 9)

    def frontage(self, side):
        """x where the pavement ends."""
        return self.kerb[side] + side * self.pavement[side]

    def in_crossing(self, z):
        return self.crossing is not None and self.crossing - 1 < z < self.crossing + self.crossing_width + 1


def paint_skyline(rng, canvas):
    """Far roofs, hills and woods that close the view."""
    x, kind = -260.0, None
    while x < 260:
        width = rng.uniform(8, 40)
        z = rng.uniform(FAR, 1.6 * FAR)
        kind = rng.choice([BUILDING, VEGETATION])
        if kind == BUILDING:
            colour = np.array(WALL_COLOURS[rng.integers(len(WALL_COLOURS))]) * rng.uniform(0.6, 1)
            canvas.upright(box(0, width, -2, rng.uniform(6, 30)), x, z, colour, BUILDING)
        else:
            top = rng.uniform(5, 14) + rng.normal(0, 1.2, 9)
            outline = [(0, -2), *zip(np.linspace(0, width, 9), top), (width, -2)]
            canvas.upright(outline, x, z, np.array([60, 85, 45]) * rng.uniform(0.6, 1.2), VEGETATION)
        x += width * rng.uniform(0.6, 1.0)


def paint_ground(rng, canvas, plan):
    """Verges, pavements, road and what is painted on them, from the far end to the camera."""
    verge = VEGETATION if rng.random() < 0.55 else PAVEMENT
    grass = np.array([95, 125, 60]) * rng.uniform(0.75, 1.15, 3)
    slabs = np.full(3, rng.uniform(125, 190)) * rng.normal(1, 0.04, 3)
    asphalt = np.full(3, rng.uniform(65, 120)) * rng.normal(1, 0.03, 3)
    canvas.floor(-400, 400, NEAR, 2 * FAR, grass if verge == VEGETATION else slabs * 0.95, verge)
    for side in (-1, 1):
        kerb, outer = plan.kerb[side], plan.frontage(side)
        canvas.floor(kerb, outer, NEAR, FAR, slabs, PAVEMENT)
        for z in np.arange(NEAR, 22, rng.uniform(0.8, 2.0)):
            canvas.floor(kerb, outer, z, z + 0.05, slabs, PAVEMENT, 0.8)
        if rng.random() < 0.35:
            canvas.floor(outer - side * 0.9, outer, NEAR, FAR, grass, VEGETATION)
    canvas.floor(plan.kerb[-1], plan.kerb[1], NEAR, FAR, asphalt, ROAD)
    if plan.crossing:
        canvas.floor(-80, 80, plan.crossing, plan.crossing + plan.crossing_width, asphalt, ROAD)
    for _ in range(rng.integers(2, 9)):  # repairs and worn stretches
        x, z = rng.uniform(plan.kerb[-1], plan.kerb[1] - 1), rng.uniform(2, 30)
        right = min(x + rng.uniform(0.4, 2), plan.kerb[1])
        canvas.floor(x, right, z, z + rng.uniform(1, 6), asphalt, ROAD, rng.uniform(0.8, 1.15))
    _paint_markings(rng, canvas, plan)
    for side in (-1, 1):  # kerb stones
        stone = slabs * rng.uniform(0.85, 1.2)
        for z0, z1 in _stretches(plan):
            canvas.floor(plan.kerb[side], plan.kerb[side] + side * 0.18, z0, z1, stone, PAVEMENT)


def _stretches(plan):
    """The parts of the street before and behind the street across."""
    if not plan.crossing:
        return [(NEAR, FAR)]
    return [(NEAR, plan.crossing), (plan.crossing + plan.crossing_width, FAR)]


def _paint_markings(rng, canvas, plan):
    white = np.array([225, 225, 215]) * rng.uniform(0.8, 1.05)
    dash, gap = rng.uniform(1.5, 4), rng.uniform(2, 6)
    lines = [plan.shift] if plan.road < 5 else [plan.shift - plan.road / 3, plan.shift + plan.road / 3]
    for z0, z1 in _stretches(plan):
        if rng.random() < 0.85:
            for x in lines:
                for z in np.arange(z0 + rng.uniform(0, gap), min(z1, 90) - dash, dash + gap):
                    canvas.floor(x - 0.08, x + 0.08, z, z + dash, white, ROAD)
        if rng.random() < 0.5:
            for side in (-1, 1):
                x = plan.kerb[side] - side * 0.4
                canvas.floor(x - 0.06, x + 0.06, z0, z1, white, ROAD, 0.95)
    if rng.random() < 0.35:  # a zebra
        z = plan.crossing - 4 if plan.crossing else rng.uniform(6, 22)
        for x in np.arange(plan.kerb[-1] + 0.3, plan.kerb[1] - 0.5, 1.0):
            canvas.floor(x, x + 0.5, z, z + 3, white, ROAD)


def plan_plots(rng, plan):
    """Plots along both sides as (side, z0, z1, is_built), the farthest first."""
    plots = []
    for side in (-1, 1):
        built_share, z = rng.choice([0.2, 0.65, 0.95]), -6.0
        while z < FAR:
            length = rng.uniform(7, 22)
            if not plan.in_crossing(z) and not plan.in_crossing(z + length) \
                    and not (plan.crossing and z < plan.crossing < z + length):
                plots.append((side, z, z + length, rng.random() < built_share))
            z += length + (rng.uniform(1, 5) if rng.random() < 0.25 else 0)
    return sorted(plots, key=lambda plot: -plot[2])


class Building:
    """A block with a wall along the street and one that faces the camera."""

    def __init__(self, rng, plan, plot):
        self.side, self.z0, self.z1, _ = plot
        self.x = plan.frontage(self.side) + self.side * (rng.uniform(0, 4) if rng.random() < 0.4 else 0)
        self.depth = rng.uniform(7, 14)
        self.floors = int(rng.integers(1, 7))
        self.storey = rng.uniform(2.8, 3.6)
        self.height = self.floors * self.storey + 0.6
        self.colour = np.array(WALL_COLOURS[rng.integers(len(WALL_COLOURS))]) * rng.uniform(0.7, 1.12) * rng.normal(1, 0.05, 3)

    def paint(self, rng, canvas):
        light = canvas.light
        x, outer, top = self.x, self.x + self.side * self.depth, self.height
        if rng.random() < 0.5:
            self._paint_roof(rng, canvas)
        canvas.shape([(x, 0, self.z0), (x, top, self.z0), (outer, top, self.z0), (outer, 0, self.z0)],
                     self.colour, BUILDING, 0.88)
        along = light.wall_shade(self.side)
        canvas.shape([(x, 0, self.z0), (x, top, self.z0), (x, top, self.z1), (x, 0, self.z1)],
                     self.colour, BUILDING, along)
        self._paint_windows(rng, canvas, lambda u, y: (x, y, self.z0 + u), self.z1 - self.z0, along)
        if self.z0 > 2:
            self._paint_windows(rng, canvas, lambda u, y: (x + self.side * u, y, self.z0), self.depth, 0.88)

    def _paint_roof(self, rng, canvas):
        ridge_x, ridge = self.x + self.side * self.depth / 2, self.height + rng.uniform(1.5, 4)
        colour = np.array(ROOF_COLOURS[rng.integers(len(ROOF_COLOURS))]) * rng.uniform(0.8, 1.2)
        canvas.shape([(self.x, self.height, self.z0), (ridge_x, ridge, self.z0),
                      (ridge_x, ridge, self.z1), (self.x, self.height, self.z1)], colour, BUILDING)
        canvas.shape([(self.x, self.height, self.z0), (ridge_x, ridge, self.z0),
                      (self.x + self.side * self.depth, self.height, self.z0)], self.colour, BUILDING, 0.84)

    def _paint_windows(self, rng, canvas, place, length, shade):
        """A grid of windows on the wall whose point (u along, y up) is place(u, y)."""
        light = canvas.light
        pitch, share, tall = rng.uniform(1.8, 3.6), rng.uniform(0.35, 0.6), rng.uniform(0.45, 0.65)
        glass = np.array([70, 85, 100]) * rng.uniform(0.5, 1.3)
        frame = self.colour * rng.choice([0.7, 1.25])
        count = max(1, int(length / pitch))
        if canvas.camera.pixels_per_metre(max(self.z0, 4)) * share < 1.2:
            return
        for floor in range(self.floors):
            shop = floor == 0 and count > 1 and rng.random() < 0.45
            for column in range(count):
                u = (column + 0.5) * length / count
                half = pitch * (0.46 if shop else share / 2)
                bottom = floor * self.storey + (0.3 if shop else self.storey * 0.3)
                top = bottom + self.storey * (0.75 if shop else tall)
                if place(u, 0)[2] < NEAR:
                    continue
                lit = light.dark and rng.random() < 0.4
                pane = (235, 200, 130) if lit else glass * rng.uniform(0.8, 1.25)
                pale = light.skyline * 0.6 if not lit and rng.random() < 0.15 else pane
                edge = half + 0.12
                canvas.shape([place(u - edge, bottom - .12), place(u - edge, top + .12),
                              place(u + edge, top + .12), place(u + edge, bottom - .12)], frame, BUILDING, shade)
                canvas.shape([place(u - half, bottom), place(u - half, top),
                              place(u + half, top), place(u + half, bottom)], pale, BUILDING, 1.0, glows=lit)

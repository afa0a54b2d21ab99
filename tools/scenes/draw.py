"""Draws a street scene of its own from a seed: a picture and the class of every pixel."""
import numpy as np

from canvas import CLASS_NAMES, IGNORE, SUPERSAMPLE, Camera, Canvas
from light import Light, Shadows, paint_sky, photograph
from objects import Car, Person, Pole, Tree
from street import FAR, Building, Plan, paint_ground, paint_skyline, plan_plots

__all__ = ["CLASS_NAMES", "IGNORE", "PALETTE", "draw_scene"]

PALETTE = np.array([(128, 64, 128), (244, 35, 232), (90, 90, 90), (107, 142, 35),
                    (70, 130, 180), (230, 200, 40), (220, 20, 60), (0, 0, 142)], np.uint8)
TEXTURE = np.zeros(256, np.float32)  # how grainy each class is
TEXTURE[:8] = (0.05, 0.05, 0.045, 0.11, 0.008, 0.02, 0.03, 0.02)
TEXTURE[IGNORE] = 0.03


def draw_scene(seed, width, height):
    """A picture (height, width, 3) and its classes (height, width), both uint8; classes count from 0, 255 is ignored."""
    rng = np.random.default_rng(seed)
    camera = Camera(rng, width * SUPERSAMPLE, height * SUPERSAMPLE)
    canvas = Canvas(camera, Light(rng))
    plan = Plan(rng)
    plots = plan_plots(rng, plan)
    buildings = {plot: Building(rng, plan, plot) for plot in plots if plot[3]}
    greenery, things = _furnish(rng, plan, plots)

    paint_sky(rng, canvas)
    paint_skyline(rng, canvas)
    paint_ground(rng, canvas, plan)
    _cast_shadows(rng, canvas, buildings.values(), [*things, *(tree for row in greenery.values() for tree in row)])
    for plot in plots:
        if plot in buildings:
            buildings[plot].paint(rng, canvas)
        for tree in greenery.get(plot, ()):
            tree.paint(rng, canvas)
    for thing in sorted(things, key=lambda thing: -thing.z):
        thing.paint(rng, canvas)
    rgb, label = canvas.finish()
    return photograph(rng, rgb, label, TEXTURE), label


def _furnish(rng, plan, plots):
    """Trees of the open plots by plot, and everything that stands in the street."""
    autumn = rng.random() < 0.2
    leaf = np.array([170, 110, 45] if autumn else [75, 105, 50]) * rng.uniform(0.7, 1.25, 3)
    greenery = {}
    for plot in plots:
        side, z0, z1, built = plot
        if not built:
            row = [Tree(rng, plan.frontage(side) + side * rng.uniform(0.8, 12), rng.uniform(max(z0, 3), max(z1, 4)),
                        leaf * rng.uniform(0.8, 1.2), low=rng.random() < 0.5) for _ in range(rng.integers(1, 6))]
            greenery[plot] = sorted(row, key=lambda tree: -tree.z)
    return greenery, [*_traffic(rng, plan), *_walkers(rng, plan), *_kerbside(rng, plan, leaf)]


def _traffic(rng, plan):
    cars = []
    for side in (-1, 1):
        lane, z = plan.shift + side * plan.road / 2, rng.uniform(7, 30)
        while z < 90 and rng.random() < 0.6:
            cars.append(Car(rng, lane + rng.normal(0, 0.25), z))
            z += rng.uniform(9, 35)
        if rng.random() < 0.5:  # a row of parked cars
            z = rng.uniform(2.5, 18)
            while z < 70 and rng.random() < 0.8:
                if not plan.in_crossing(z) and not plan.in_crossing(z + 5):
                    cars.append(Car(rng, plan.kerb[side] - side * 1.05, z))
                z += rng.uniform(5.5, 10) + (8 if rng.random() < 0.15 else 0)
    if plan.crossing and rng.random() < 0.5:
        cars.append(Car(rng, rng.uniform(-9, 9), plan.crossing + plan.crossing_width * 0.4, across=True))
    return cars


def _walkers(rng, plan):
    people = []
    for _ in range(rng.integers(1, 9)):
        side, z = rng.choice([-1, 1]), rng.uniform(4, 30)
        x = plan.kerb[side] + side * rng.uniform(0.3, max(plan.pavement[side] - 0.3, 0.5))
        for _ in range(1 + (rng.random() < 0.3)):
            people.append(Person(rng, x, z))
            x, z = x + rng.uniform(0.45, 0.8), z + rng.uniform(0, 0.5)
    if rng.random() < 0.3:
        people.append(Person(rng, rng.uniform(plan.kerb[-1], plan.kerb[1]), rng.uniform(6, 20)))
    return people


def _kerbside(rng, plan, leaf):
    things = []
    for side in (-1, 1):
        x = plan.kerb[side] + side * 0.45
        z, step = rng.uniform(4, 14), rng.uniform(9, 22)
        while z < 60:
            if not plan.in_crossing(z) and rng.random() < 0.75:
                things.append(Pole(rng, x, z, side))
            z += step * rng.uniform(0.6, 1.3)
        if rng.random() < 0.35 and plan.pavement[side] > 2:  # an avenue
            for z in np.arange(rng.uniform(5, 12), FAR / 2, rng.uniform(7, 13)):
                things.append(Tree(rng, x + side * 0.5, z + rng.uniform(-1, 1), leaf * rng.uniform(0.85, 1.15)))
    return things


def _cast_shadows(rng, canvas, buildings, things):
    shadows = Shadows(canvas)
    if canvas.light.shadow_depth > 0.25:
        for building in buildings:
            if building.side * canvas.light.sun_slope < 0:  # the sun stands behind it
                shadows.wall(building.x, building.z0, building.z1, building.height)
    for thing in things:
        thing.cast(shadows)
    shadows.apply(rng)

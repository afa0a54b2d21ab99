"""Camera and canvas: paints one shape at a time into a picture and into its class map."""
import numpy as np
from PIL import Image, ImageDraw

ROAD, PAVEMENT, BUILDING, VEGETATION, SKY, POLE, PERSON, CAR = range(8)
CLASS_NAMES = ["road", "pavement", "building", "vegetation", "sky", "pole", "person", "car"]
IGNORE = 255
SUPERSAMPLE = 2
NEAR = 1.2  # metres; nothing closer to the camera is drawn


class Camera:
    """A pinhole camera above the road: x to the right, y up, z ahead, all in metres."""

    def __init__(self, rng, width, height):
        self.width, self.height = width, height
        self.focal = width * rng.uniform(0.75, 1.15)
        self.eye = rng.uniform(1.25, 2.1)
        self.horizon = height * rng.uniform(0.38, 0.56)
        self.centre = width * rng.uniform(0.34, 0.66)
        roll = np.radians(rng.normal(0, 0.8))
        self.cos, self.sin = np.cos(roll), np.sin(roll)

    def project(self, points):
        """World points (..., 3) to pixels (..., 2)."""
        points = np.asarray(points, np.float64)
        scale = self.focal / np.maximum(points[..., 2], NEAR)
        dx = points[..., 0] * scale
        dy = (self.eye - points[..., 1]) * scale
        return np.stack([self.centre + self.cos * dx - self.sin * dy,
                         self.horizon + self.sin * dx + self.cos * dy], -1)

    def pixels_per_metre(self, z):
        return self.focal / max(z, NEAR)


class Canvas:
    """Two pictures of the same size: colours, and the class of every pixel."""

    def __init__(self, camera, light):
        self.camera, self.light = camera, light
        size = (camera.width, camera.height)
        self.colours = Image.new("RGB", size)
        self.classes = Image.new("L", size, SKY)
        self._pens()

    def _pens(self):
        self._colour_pen = ImageDraw.Draw(self.colours)
        self._class_pen = ImageDraw.Draw(self.classes)

    def replace_colours(self, array):
        self.colours = Image.fromarray(np.clip(array, 0, 255).astype(np.uint8))
        self._pens()

    def polygon(self, pixels, fill, kind):
        """A polygon given in pixels, in a final colour; `kind` None leaves the class map alone."""
        flat = [float(v) for v in np.asarray(pixels).reshape(-1)]
        self._colour_pen.polygon(flat, fill=fill)
        if kind is not None:
            self._class_pen.polygon(flat, fill=int(kind))

    def ellipse(self, box, fill, kind):
        box = [float(v) for v in box]
        self._colour_pen.ellipse(box, fill=fill)
        if kind is not None:
            self._class_pen.ellipse(box, fill=int(kind))

    def shape(self, points, colour, kind, shade=1.0, glows=False):
        """A polygon given in the world, under the scene's light and haze."""
        points = np.asarray(points, np.float64)
        if points[:, 2].max() <= NEAR:
            return
        fill = self.light.fill(colour, shade, points[:, 2].mean(), glows)
        self.polygon(self.camera.project(points), fill, kind)

    def upright(self, outline, x, z, colour, kind, shade=1.0, glows=False):
        """A flat outline of (dx, y) metres that stands at (x, z) and faces the camera."""
        outline = np.asarray(outline, np.float64)
        points = np.column_stack([x + outline[:, 0], outline[:, 1], np.full(len(outline), z)])
        self.shape(points, colour, kind, shade, glows)

    def floor(self, x0, x1, z0, z1, colour, kind, shade=1.0):
        """A rectangle on the ground."""
        z0, z1 = max(z0, NEAR), max(z1, NEAR)
        self.shape([(x0, 0, z0), (x0, 0, z1), (x1, 0, z1), (x1, 0, z0)], colour, kind, shade)

    def finish(self):
        """The supersampled pictures at their final size; a pixel of two classes is IGNORE."""
        size = (self.camera.width // SUPERSAMPLE, self.camera.height // SUPERSAMPLE)
        rgb = np.asarray(self.colours.resize(size, Image.BOX), np.float32)
        label = np.asarray(self.classes)
        blocks = label.reshape(size[1], SUPERSAMPLE, size[0], SUPERSAMPLE).transpose(0, 2, 1, 3)
        blocks = blocks.reshape(size[1], size[0], -1)
        low, high = blocks.min(-1), blocks.max(-1)
        return rgb, np.where(low == high, low, IGNORE).astype(np.uint8)


def disc(radius, centre_y=0.0, centre_x=0.0, corners=12, squash=1.0):
    """The outline of a disc as (dx, y) pairs."""
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.column_stack([centre_x + radius * squash * np.cos(turn), centre_y + radius * np.sin(turn)])


def box(left, right, bottom, top):
    """The outline of a rectangle as (dx, y) pairs."""
    return [(left, bottom), (left, top), (right, top), (right, bottom)]

"""Time of day: the colour of light, haze, sky and shadows, and what the camera makes of them."""
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

# name: (probability, ambient colour, sky at the top, sky at the horizon, shadow depth)
TIMES = {
    "noon": (0.30, (1.05, 1.03, 1.00), (70, 125, 205), (185, 210, 235), 0.55),
    "overcast": (0.28, (0.85, 0.88, 0.92), (165, 172, 182), (205, 208, 212), 0.18),
    "evening": (0.20, (1.02, 0.84, 0.68), (95, 110, 165), (245, 190, 135), 0.50),
    "dusk": (0.14, (0.52, 0.50, 0.62), (48, 55, 95), (150, 115, 120), 0.20),
    "night": (0.08, (0.30, 0.30, 0.40), (14, 17, 34), (48, 44, 56), 0.10),
}


class Light:
    """The light of one scene."""

    def __init__(self, rng):
        names = list(TIMES)
        self.time = names[rng.choice(len(names), p=[TIMES[name][0] for name in names])]
        _, ambient, zenith, skyline, shadow = TIMES[self.time]
        tint = rng.normal(1.0, 0.035, 3)
        self.ambient = np.array(ambient) * tint * rng.uniform(0.88, 1.1)
        self.zenith = np.clip(np.array(zenith) * rng.normal(1, 0.08, 3), 0, 255)
        self.skyline = np.clip(np.array(skyline) * rng.normal(1, 0.04, 3), 0, 255)
        self.haze_distance = rng.uniform(60, 400)
        self.shadow_depth = shadow * rng.uniform(0.7, 1.2)
        self.sun_slope = rng.uniform(0.3, 1.6) * rng.choice([-1, 1])  # metres of shadow to the side per metre of height
        self.sun_ahead = rng.uniform(-0.6, 0.6)
        self.dark = self.time in ("dusk", "night")

    def wall_shade(self, side):
        """Walls that look towards the sun are lighter; side is -1 for walls left of the road."""
        return 1.0 + 0.22 * np.sign(self.sun_slope) * side * min(1.0, self.shadow_depth * 2.5)

    def fill(self, colour, shade, z, glows=False):
        colour = np.asarray(colour, np.float64) * shade
        if not glows:
            colour = colour * self.ambient
        haze = 1 - np.exp(-z / self.haze_distance)
        colour = colour + (self.skyline - colour) * haze * (0.3 if glows else 1.0)
        return tuple(int(v) for v in np.clip(colour, 0, 255))


def smooth_noise(rng, width, height, cell):
    """Noise of standard deviation about 1 whose bumps are `cell` pixels wide."""
    small = rng.normal(0, 1, (height // cell + 3, width // cell + 3)).astype(np.float32)
    image = Image.fromarray(small).resize((width + 2 * cell, height + 2 * cell), Image.BICUBIC)
    return np.asarray(image)[cell:cell + height, cell:cell + width]


def paint_sky(rng, canvas):
    """Gradient, clouds and now and then the sun."""
    camera, light = canvas.camera, canvas.light
    down = np.clip(np.arange(camera.height) / camera.horizon, 0, 1)[:, None, None] ** rng.uniform(0.7, 1.6)
    sky = light.zenith + (light.skyline - light.zenith) * down * np.ones((1, camera.width, 1))
    if rng.random() < 0.75:
        bumps = sum(smooth_noise(rng, camera.width, camera.height, cell) * weight
                    for cell, weight in ((160, 1.0), (60, 0.6), (24, 0.3)))
        cover = np.clip((bumps - rng.uniform(-0.6, 1.0)) * rng.uniform(0.4, 1.5), 0, 1)[..., None]
        cloud = np.clip(light.skyline * rng.uniform(0.7, 1.2) + rng.uniform(0, 25), 0, 255)
        sky = sky + (cloud - sky) * cover * rng.uniform(0.4, 0.95)
    if light.time in ("noon", "evening") and rng.random() < 0.4:
        x, y = rng.uniform(0, camera.width), rng.uniform(0, camera.horizon)
        rows, columns = np.mgrid[:camera.height, :camera.width]
        distance = np.hypot(rows - y, columns - x) / camera.width
        sky = sky + 160 * np.exp(-(distance / rng.uniform(0.04, 0.12)) ** 2)[..., None] * np.array([1, 0.95, 0.8])
    canvas.replace_colours(sky)


class Shadows:
    """Collects what lies in shadow on the ground and darkens it in one go."""

    def __init__(self, canvas):
        self.canvas = canvas
        self.mask = Image.new("L", canvas.colours.size)
        self.pen = ImageDraw.Draw(self.mask)

    def wall(self, x, z0, z1, height):
        """The shadow of a wall (or a thin upright thing) from z0 to z1 at x."""
        light = self.canvas.light
        dx, dz = light.sun_slope * height, light.sun_ahead * height
        self._add([(x, 0, z0), (x, 0, z1), (x + dx, 0, z1 + dz), (x + dx, 0, z0 + dz)], 255)

    def under(self, x0, x1, z0, z1):
        """The dark ground just under a car or a hedge, there in any light."""
        self._add([(x0, 0, z0), (x0, 0, z1), (x1, 0, z1), (x1, 0, z0)], 255)

    def blob(self, x, z, radius, height):
        """The shadow of a round thing that hangs at a height."""
        light = self.canvas.light
        turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        cx, cz = x + light.sun_slope * height, z + light.sun_ahead * height
        self._add([(cx + radius * np.cos(t), 0, cz + radius * np.sin(t)) for t in turn], 220)

    def _add(self, points, strength):
        points = np.array(points, np.float64)
        if points[:, 2].max() > 1.2:
            pixels = self.canvas.camera.project(points)
            self.pen.polygon([float(v) for v in pixels.reshape(-1)], fill=strength)

    def apply(self, rng):
        mask = self.mask.filter(ImageFilter.GaussianBlur(rng.uniform(1, 5)))
        depth = max(self.canvas.light.shadow_depth, 0.15)
        keep = 1 - depth * np.asarray(mask, np.float32)[..., None] / 255
        blue = np.array([0.97, 1.0, 1.06], np.float32)
        rgb = np.asarray(self.canvas.colours, np.float32)
        ground = np.arange(rgb.shape[0])[:, None, None] > self.canvas.camera.horizon - 20
        self.canvas.replace_colours(np.where(ground, rgb * keep * np.where(keep < 0.98, blue, 1), rgb))


def photograph(rng, rgb, label, texture):
    """Surface texture, exposure, vignette, blur and sensor noise: a float picture to uint8."""
    height, width = label.shape
    grain = 0.6 * smooth_noise(rng, width, height, 2) + 0.6 * smooth_noise(rng, width, height, 7)
    rgb = rgb * (1 + grain * texture[label])[..., None]
    rgb = rgb * (1 + 0.06 * smooth_noise(rng, width, height, 48))[..., None]
    rows, columns = np.mgrid[-1:1:height * 1j, -1:1:width * 1j]
    rgb = rgb * (1 - rng.uniform(0, 0.22) * (rows ** 2 + columns ** 2) / 2)[..., None]
    rgb = 255 * np.clip(rgb * np.exp(rng.normal(0, 0.16)) / 255, 0, None) ** np.exp(rng.normal(0, 0.12))
    rgb = rgb.mean() + (rgb - rgb.mean()) * rng.uniform(0.8, 1.12)
    picture = Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8))
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.15, 0.75)))
    noisy = np.asarray(picture, np.float32) + rng.normal(0, rng.uniform(1, 6), (height, width, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)

"""Writes tests/dataset/golden: small pictures and arrays, and what Pillow and NumPy make of them.

Run with the Python of tools/setup.sh: ~/.cache/quantize/python/bin/python tests/dataset/make_golden.py
"""
import pathlib

import numpy as np
from PIL import Image

FOLDER = pathlib.Path(__file__).parent / "golden"
WIDTH, HEIGHT = 13, 9
SIZES = [(7, 5), (29, 17), (13, 4), (5, 9), (1, 1), (40, 2)]


def save(name, array):
    np.save(FOLDER / f"{name}.npy", array)


def picture():
    """A gradient with noise: every resize has something to get wrong."""
    noise = np.random.default_rng(7)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [x * 255 // (WIDTH - 1), y * 255 // (HEIGHT - 1), 255 - (x + y) * 255 // (WIDTH + HEIGHT - 2)]
    values = np.stack(planes, -1) + noise.integers(-60, 60, (HEIGHT, WIDTH, 3))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def labels():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return ((x + 2 * y) % 5).astype(np.uint8)


def write_pictures(rgb):
    """Every kind of file, with the RGB and the gray that Pillow reads from it."""
    gray = rgb.convert("L")
    alpha = Image.fromarray((np.arange(WIDTH * HEIGHT) % 256).astype(np.uint8).reshape(HEIGHT, WIDTH))
    smooth = rgb.resize((16, 16), Image.BILINEAR)  # JPEG decoders differ by little on smooth pictures
    files = {
        "rgb.png": (rgb, {}),
        "gray.png": (gray, {}),
        "rgba.png": (Image.merge("RGBA", [*rgb.split(), alpha]), {}),
        "gray_alpha.png": (Image.merge("LA", [gray, alpha]), {}),
        "bilevel.png": (gray.point(lambda value: 255 * (value > 128)).convert("1"), {}),
        "colors.png": (rgb.quantize(16), {}),
        "rgb.bmp": (rgb, {}),
        "gray.bmp": (gray, {}),
        "rgb.ppm": (rgb, {}),
        "gray.pgm": (gray, {}),
        "baseline.jpg": (smooth, {"quality": 95, "subsampling": 0}),
        "progressive.jpg": (smooth, {"quality": 95, "progressive": True}),
        "gray.jpg": (smooth.convert("L"), {"quality": 95}),
    }
    for name, (image, options) in files.items():
        image.save(FOLDER / name, **options)
        read = Image.open(FOLDER / name)
        save(f"{name}.rgb", np.asarray(read.convert("RGB")))
        save(f"{name}.gray", np.asarray(read.convert("L")))


def write_16_bits():
    values = (np.arange(WIDTH * HEIGHT, dtype=np.uint16) * 557).reshape(HEIGHT, WIDTH)
    Image.fromarray(values).save(FOLDER / "gray16.png")
    (FOLDER / "gray16.pgm").write_bytes(b"P5\n# a comment\n%d %d\n65535\n" % (WIDTH, HEIGHT) + values.astype(">u2").tobytes())
    save("gray16.high", (values >> 8).astype(np.uint8))


def write_labels():
    label = Image.fromarray(labels())
    label.save(FOLDER / "label_gray.png")
    label.putpalette(np.random.default_rng(3).integers(0, 256, 768).astype(np.uint8).tobytes())
    label.save(FOLDER / "label_palette.png", bits=8, transparency=0)
    label.save(FOLDER / "label_palette4.png", bits=4)
    save("label", labels())


def write_resizes(rgb):
    gray = rgb.convert("L")
    plane = (np.random.default_rng(5).standard_normal((HEIGHT, WIDTH)) * 10).astype(np.float32)
    save("plane", plane)
    for width, height in SIZES:
        size = f"{width}x{height}"
        save(f"rgb_{size}", np.asarray(rgb.resize((width, height), Image.BILINEAR)))
        save(f"gray_{size}", np.asarray(gray.resize((width, height), Image.BILINEAR)))
        save(f"plane_{size}", np.asarray(Image.fromarray(plane).resize((width, height), Image.BILINEAR)))


def write_input(rgb):
    """What a PyTorch user feeds: resize, /255, ImageNet's mean and std, channels first."""
    pixels = np.asarray(rgb.resize((7, 5), Image.BILINEAR)).astype(np.float32) * np.float32(1 / 255)
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    save("imagenet_7x5", ((pixels - mean) / std).transpose(2, 0, 1)[None])


def write_arrays():
    values = np.array([[0, 1, 2], [3, 100, 127]])
    for kind in ["f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]:
        save(f"array_{kind}", values.astype(kind))
    for version in [(2, 0), (3, 0)]:
        with open(FOLDER / f"array_version{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, values.astype("f4"), version)
    save("array_bool", values > 2)
    save("array_scalar", np.float32(2.5))
    save("array_fortran", np.asfortranarray(values.astype("f4")))
    save("array_big_endian", values.astype(">f4"))
    save("array_records", np.zeros(2, dtype=[("x", "f4"), ("y", "i2")]))
    save("array_complex", values.astype("c8"))
    np.save(FOLDER / "array_objects.npy", np.array([{}, 1], dtype=object), allow_pickle=True)


FOLDER.mkdir(exist_ok=True)
write_pictures(picture())
write_16_bits()
write_labels()
write_resizes(picture())
write_input(picture())
write_arrays()

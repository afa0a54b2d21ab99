"""Pictures as the model wants them: what the benchmarks have in common."""
from pathlib import Path

import numpy as np
from PIL import Image

MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


def listing(folder, count):
    files = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not files:
        raise SystemExit(f"{folder} holds no pictures")
    return files[:count]


def load(path, shape):
    _, channels, height, width = shape
    picture = Image.open(path).convert("RGB" if channels == 3 else "L")
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.BILINEAR)
    mean, std = (MEAN, STD) if channels == 3 else (MEAN.mean(), STD.mean())
    values = (np.asarray(picture, np.float32).reshape(height, width, channels) / 255 - mean) / std
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])

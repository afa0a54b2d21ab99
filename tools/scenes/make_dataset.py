"""Writes street scenes as picture files, with or without their class maps.

    make_dataset.py PICTURES [--labels LABELS [--only CLASS]] --count 100 --first-seed 1000000 [--format jpg|png]
"""
import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from draw import CLASS_NAMES, IGNORE, draw_scene


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--labels", type=Path, help="folder for the class maps, 8-bit gray PNG, 255 = ignored")
    parser.add_argument("--only", choices=CLASS_NAMES, help="write masks of this class: 1 where it is, 0 elsewhere")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first-seed", type=int, required=True)
    parser.add_argument("--format", choices=("jpg", "png"), default="png")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--height", type=int, default=192)
    options = parser.parse_args()

    for folder in filter(None, (options.pictures, options.labels)):
        folder.mkdir(parents=True, exist_ok=True)
    for index in range(options.count):
        rgb, label = draw_scene(options.first_seed + index, options.width, options.height)
        settings = {"quality": 90} if options.format == "jpg" else {"optimize": True}
        Image.fromarray(rgb).save(options.pictures / f"scene_{index:03}.{options.format}", **settings)
        if options.labels:
            if options.only:
                label = np.where(label == IGNORE, IGNORE, label == CLASS_NAMES.index(options.only)).astype(np.uint8)
            Image.fromarray(label).save(options.labels / f"scene_{index:03}.png", optimize=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Golden values for rounding_test.cpp: a small layer fitted step by step from the formulas, written plainly (scalar loops, explicit inverses).

    python3 make_golden.py        writes golden/rounding.txt: blocks of "name rows cols" and the values, row by row
"""
import pathlib

import numpy as np

ROWS, COLUMNS, SAMPLES = 5, 9, 64
LOW, HIGH = -8, 7


def nearest(value, scale):
    return min(max(float(np.rint(value / scale)), LOW), HIGH) * scale


def best_scale(row, importance):
    """The first of 76 fractions of max|w| / HIGH, 0.30 to 1.05, with the least weighted error; a scale is a float32."""
    candidates = [float(np.float32(np.abs(row).max() / HIGH * (0.30 + 0.01 * step))) for step in range(76)]
    errors = [sum(i * (nearest(w, s) - w) ** 2 for w, i in zip(row, importance)) for s in candidates]
    return candidates[int(np.argmin(errors))]


def round_and_repair(row, scale, hessian):
    """GPTQ without a factorization: after each column the rest moves to the constrained optimum of the free coordinates."""
    wanted, result = row.copy(), np.empty_like(row)
    for k in range(len(row)):
        result[k] = nearest(wanted[k], scale)
        free = slice(k, None)
        inverse = np.linalg.inv(hessian[free, free])
        wanted[free] -= (wanted[k] - result[k]) / inverse[0, 0] * inverse[0]
    return result


def coordinate_descent(row, start, scale, gram, sweeps):
    result = start.copy()
    for _ in range(sweeps):
        for k in range(len(row)):
            slope = sum((result[j] - row[j]) * gram[j, k] for j in range(len(row)))
            result[k] = nearest(result[k] - slope / gram[k, k], scale)
    return result


def main():
    random = np.random.default_rng(20240607)
    clean = np.maximum(random.normal(size=(SAMPLES, 4)) @ random.normal(size=(4, COLUMNS)) + random.normal(size=(SAMPLES, COLUMNS)), 0)
    noisy = clean + 0.1 * random.normal(size=clean.shape)
    weights = random.normal(size=(ROWS, COLUMNS))
    gram, cross = noisy.T @ noisy / SAMPLES, clean.T @ noisy / SAMPLES
    damping = 0.01 * np.trace(gram) / COLUMNS
    damped = gram + damping * np.eye(COLUMNS)
    target = (weights @ cross + damping * weights) @ np.linalg.inv(damped)
    scale = np.array([best_scale(row, np.diag(gram)) for row in target])
    gptq = np.array([round_and_repair(row, s, damped) for row, s in zip(target, scale)])
    descended = np.array([coordinate_descent(row, q, s, gram, 2) for row, q, s in zip(target, gptq, scale)])
    blocks = {"weights": weights, "gram": gram, "cross": cross, "damping": np.array([[damping]]), "target": target,
              "scale": scale[:, None], "gptq": gptq, "descended": descended, "inverse": np.linalg.inv(damped)}
    lines = []
    for name, block in blocks.items():
        lines.append("%s %d %d" % (name, *block.shape))
        lines += [" ".join("%.17g" % value for value in row) for row in block]
    folder = pathlib.Path(__file__).parent / "golden"
    folder.mkdir(exist_ok=True)
    (folder / "rounding.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

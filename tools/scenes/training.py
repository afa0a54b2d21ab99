"""What the training scripts share: a cache of scenes, the training loop, the score and the export to ONNX."""
import hashlib
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch.nn import functional

from draw import IGNORE, draw_scene

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def _draw(task):
    return draw_scene(*task)


def _drawing():
    """A fingerprint of the code that draws: what it drew before it was changed is not used again."""
    digest = hashlib.sha256()
    for name in ("canvas", "draw", "light", "objects", "street"):
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return digest.hexdigest()[:12]


def load_scenes(cache, first_seed, count, width, height, workers=2):
    """Pictures (count, 3, height, width) and labels, both uint8 tensors; drawn once and kept in the folder `cache`."""
    path = cache / f"scenes_{_drawing()}_{first_seed}_{count}_{width}x{height}.npz"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        tasks = [(first_seed + index, width, height) for index in range(count)]
        with multiprocessing.Pool(workers) as pool:
            scenes = pool.map(_draw, tasks, chunksize=16)
        part = path.with_suffix(f".{os.getpid()}.part.npz")  # an interrupted run leaves no half of a cache
        np.savez(part, rgb=np.stack([rgb for rgb, _ in scenes]).transpose(0, 3, 1, 2), label=np.stack([label for _, label in scenes]))
        os.replace(part, path)
    with np.load(path) as stored:
        return torch.from_numpy(stored["rgb"]), torch.from_numpy(stored["label"])


def normalise(rgb):
    """uint8 pictures to network input: RGB / 255, less ImageNet's mean, over its deviation."""
    return (rgb.float() / 255 - MEAN) / STD


def augment(rgb, label):
    """Mirrors, and shifts the brightness, contrast and colour of, each picture of a batch."""
    mirrored = torch.rand(len(rgb)) < 0.5
    rgb, label = rgb.clone(), label.clone()
    rgb[mirrored], label[mirrored] = rgb[mirrored].flip(-1), label[mirrored].flip(-1)
    gain = 1 + 0.1 * torch.randn(len(rgb), 3, 1, 1) * 0.4 + 0.1 * torch.randn(len(rgb), 1, 1, 1)
    return (rgb.float() * gain).clamp(0, 255), label


def train(net, scenes, loss_of, steps, batch=8, peak_rate=3e-3):
    """AdamW with a one-cycle rate; loss_of(output, label) is what is minimised."""
    rgb, label = scenes
    optimiser = torch.optim.AdamW(net.parameters(), lr=peak_rate, weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, peak_rate, total_steps=steps, pct_start=0.15)
    net.train()
    started, smooth, order = time.time(), None, torch.randperm(len(rgb))
    for step in range(steps):
        if len(order) < batch:
            order = torch.randperm(len(rgb))
        chosen, order = order[:batch], order[batch:]
        picture, target = augment(rgb[chosen], label[chosen])
        loss = loss_of(net(normalise(picture)), target.long())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        rate.step()
        smooth = loss.item() if smooth is None else 0.98 * smooth + 0.02 * loss.item()
        if (step + 1) % 100 == 0:
            print(f"step {step + 1}/{steps}  loss {smooth:.4f}  {time.time() - started:.0f} s", flush=True)
    net.eval()


def full_size(output, label):
    """The output, brought to the label's size."""
    return functional.interpolate(output, label.shape[-2:], mode="bilinear", align_corners=False)


def class_weighted_loss(weights):
    """Cross entropy at the label's size, ignored pixels left out."""
    weights = torch.tensor(weights)
    return lambda output, label: functional.cross_entropy(full_size(output, label), label, weights, ignore_index=IGNORE)


@torch.no_grad()
def intersection_over_union(net, scenes, classes):
    """IoU of each class over all pictures."""
    table = torch.zeros(classes * classes)
    for rgb, label in zip(*(part.split(8) for part in scenes)):
        guess = full_size(net(normalise(rgb)), label).argmax(1)
        keep = label != IGNORE
        table += torch.bincount(classes * label[keep].long() + guess[keep], minlength=classes ** 2)
    table = table.view(classes, classes)
    hit = table.diag()
    return hit / (table.sum(0) + table.sum(1) - hit)


def export(net, path, shape, output_name, opset, fold_constants=True):
    """Writes the net with its BatchNormalization nodes, checks the file and compares ONNX Runtime with torch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    example = torch.randn(shape)
    net.eval()
    torch.onnx.export(net, example, str(path), input_names=["image"], output_names=[output_name], opset_version=opset,
                      dynamo=False, do_constant_folding=fold_constants, training=torch.onnx.TrainingMode.PRESERVE)
    onnx.checker.check_model(str(path), full_check=True)
    with torch.no_grad():
        expected = net(example).numpy()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    difference = float(np.abs(session.run(None, {"image": example.numpy()})[0] - expected).max())
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, output {expected.shape}, largest difference to torch {difference:.1e}")
    if difference > 1e-3 * max(1.0, float(np.abs(expected).max())):
        raise RuntimeError("ONNX Runtime and torch disagree")

"""Figures of a quantized model against FP32 on a folder of pictures, by their definitions; and the pictures as a model's input."""
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def pictures(folder, limit=None):
    files = sorted(file for file in Path(folder).iterdir() if file.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp"))
    return files if limit is None else [files[i * len(files) // limit] for i in range(min(limit, len(files)))]


def prepared(file, shape):
    """RGB / 255, less ImageNet's mean, over its deviation; stretched to the model's size."""
    picture = Image.open(file).convert("RGB")
    if picture.size != (shape[3], shape[2]):
        picture = picture.resize((shape[3], shape[2]), Image.BILINEAR)
    return np.ascontiguousarray(((np.asarray(picture, np.float32) * np.float32(1 / 255) - MEAN) / STD).transpose(2, 0, 1)[None], np.float32)


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def classes(output):
    return output.argmax(1) if output.shape[1] > 1 else output > 0.5


def figures(fp32, quantized, folder, limit=None):
    return compared(session(fp32), session(quantized), folder, limit)


def compared(a, b, folder, limit=None):
    """PSNR in dB (mean and worst picture) and the share of pixels with the same class, of session b against a."""
    [given] = a.get_inputs()
    psnr, same, pixels = [], 0, 0
    for file in pictures(folder, limit):
        x = prepared(file, given.shape)
        expected, actual = (one.run(None, {one.get_inputs()[0].name: x})[0].astype(np.float64) for one in (a, b))
        error = np.sqrt(((expected - actual) ** 2).mean())
        psnr.append(20 * np.log10(np.abs(expected).max() / max(error, 1e-12)))
        same += (classes(expected) == classes(actual)).sum()
        pixels += classes(expected).size
    return {"psnr": float(np.mean(psnr)), "worst": float(np.min(psnr)), "agreement": same / pixels}

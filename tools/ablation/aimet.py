"""What AIMET reaches on the same nets and pictures, in a Python environment of its own that has aimet_onnx (2.42 was measured) and torch.

    aimet.py --net NAME MODEL CALIB TEST [--net ...] [--schemes w8a8 w8a16 w4a16] [--settings NAME ...] [--iterations N] [--rate X]

Weights per channel, activations per tensor, BatchNormalization folded first, 40 calibration pictures, 10 for SeqMSE and AdaRound; biases stay
float there. AdaRound's own rate of learning, 1e-3, is made for 10000 iterations: with fewer, --rate 2/N moves as far.
"""
import argparse
import logging
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from aimet_onnx import QuantizationSimModel, apply_adaround, apply_seq_mse
from aimet_onnx.batch_norm_fold import fold_all_batch_norms_to_weight
from aimet_onnx.common.defs import QuantScheme
from aimet_onnx.common.utils import AimetLogger
from aimet_onnx.cross_layer_equalization import equalize_model

from measure import compared, pictures, prepared, session

CALIBRATION, FEW = 40, 10
SETTINGS = {"min-max": "w8a8 w8a16 w4a16", "tf-enhanced": "w8a8 w8a16 w4a16", "tf-enhanced activations": "w8a8 w8a16 w4a16",
            "equalized, tf-enhanced": "w8a8", "SeqMSE": "w8a16 w4a16", "SeqMSE, AdaRound": "w8a16 w4a16"}


def spread(items, count):
    return [items[i * len(items) // count] for i in range(count)]


def float_model(path, equalized):
    model = onnx.load(path)
    (equalize_model if equalized else fold_all_batch_norms_to_weight)(model)
    return model


def enhance_activations(sim):
    for name in sim.activation_names + sim.input_quantizers_name:
        quantizer = sim.qc_quantize_op_dict[name]
        if quantizer.enabled and not quantizer.is_encoding_frozen():
            quantizer.set_quant_scheme(QuantScheme.post_training_tf_enhanced)


def learn_rounding(sim, samples, iterations, rate):
    adam = torch.optim.Adam
    torch.optim.Adam = lambda parameters: adam(parameters, lr=rate)
    try:
        apply_adaround(sim, samples, num_iterations=iterations)
    finally:
        torch.optim.Adam = adam


def quantized(path, scheme, setting, calibration, options):
    weight_bits, activation_bits = scheme[1:].split("a")
    enhanced = setting in ("tf-enhanced", "equalized, tf-enhanced")
    sim = QuantizationSimModel(float_model(path, setting.startswith("equalized")), param_type=f"int{weight_bits}",
                               activation_type=f"int{activation_bits}", quant_scheme="tf_enhanced" if enhanced else "min_max")
    if setting.startswith("SeqMSE"):
        apply_seq_mse(sim, spread(calibration, FEW))
    if setting.endswith("AdaRound"):
        learn_rounding(sim, spread(calibration, FEW), options.iterations, options.rate)
    if setting == "tf-enhanced activations":
        enhance_activations(sim)
    sim.compute_encodings(calibration)
    return sim  # its session ends with it


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", nargs=4, action="append", metavar=("NAME", "MODEL", "CALIB", "TEST"), required=True)
    parser.add_argument("--schemes", nargs="+", default=["w8a8", "w8a16", "w4a16"])
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--iterations", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=1e-3)
    options = parser.parse_args()
    AimetLogger.set_level_for_all_areas(logging.WARNING)
    torch.manual_seed(0)
    np.random.seed(0)
    print("| net | scheme | setting | PSNR dB (worst picture) | agreement | seconds |\n|---|---|---|---|---|---|")
    for name, model, calib, test in options.net:
        fp32 = session(Path(model))
        [given] = fp32.get_inputs()
        calibration = [{given.name: prepared(file, given.shape)} for file in pictures(calib, CALIBRATION)]
        for scheme in options.schemes:
            for setting in options.settings:
                if scheme not in SETTINGS[setting]:
                    continue
                start = time.monotonic()
                sim = quantized(model, scheme, setting, calibration, options)
                seconds = time.monotonic() - start
                found = compared(fp32, sim.session, test)
                print(f"| {name} | {scheme} | {setting} | {found['psnr']:.2f} ({found['worst']:.2f}) | {found['agreement']:.4f} | "
                      f"{seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()

"""A sample of ONNX's own operator tests (tests/onnx_suite sends all of them), always the same one."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "onnx_suite"))

import cases
import run as suite

FROZEN = ("conv_with_strides_padding", "convtranspose_pads", "convtranspose_autopad_same", "gemm_all_attributes", "gemm_default_matrix_bias", "matmul_3d")


def defects(results):
    return [row for rows in results.values() for row in rows if row[1] == "DEFECT"]


def test_every_fortieth_model_is_quantized_or_refused_with_a_known_reason(program):
    results = suite.run(program, cases.all_cases()[7::40], ["w8a8"], jobs=2)
    assert defects(results) == []
    assert len(results["w8a8"]) > 40


def test_operators_with_constant_weights_are_quantized_in_every_scheme(program):
    chosen = [case for case in cases.all_cases() if case.name in [f"node/test_{name}:frozen" for name in FROZEN]]
    assert len(chosen) == len(FROZEN)
    results = suite.run(program, chosen, ["w8a8", "w8a16", "w4a16"], jobs=2)
    assert defects(results) == []
    assert {label for _, label, _ in results["w8a8"]} == {"quantized"}

"""The benchmarks run, and end in one line that a program can read."""

import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from benchmarks import finetune
from mvinverse_cli.errors import InputError
from mvinverse_cli.maps import MAPS
from mvinverse_cli.trainings import TunePart

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_forward_compares_the_two_sides_on_one_input(tiny_file: Path):
    arguments = ["--model", str(tiny_file), "--device", "cpu", "--size", "56x42", "--views", "1", "2", "--rounds", "1"]
    command = [sys.executable, "-m", "benchmarks.forward", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["benchmark"] == "forward"
    assert result["speedup_2"] > 0
    assert result["difference_2"] < 1e-4


@pytest.mark.slow
def test_decode_compares_the_two_sides_on_one_clip():
    command = [sys.executable, "-m", "benchmarks.decode", "--frames", "3", "--rounds", "1", "--max-size", "112"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["benchmark"] == "decode"
    assert result["fps"] > 0
    assert result["ratio"] > 0


def test_finetune_takes_every_part_that_can_learn(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["finetune", "--held-out", "no.mp4", "--train", *get_args(TunePart)])
    with pytest.raises(InputError, match=r"no\.mp4"):
        finetune.main()


def test_outputs_compares_the_pool_with_one_thread():
    command = [sys.executable, "-m", "benchmarks.outputs", "--frames", "2", "--rounds", "1", "--height", "90"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["benchmark"] == "outputs"
    assert all(
        result[f"{format}_{figure}"] > 0 for format in ("exr", "png") for figure in ("fps", "speedup", "processor_s")
    )


@pytest.mark.slow
def test_upsample_compares_the_two_sides_on_true_and_predicted_maps(tiny_file: Path):
    arguments = [str(ROOT / "tests" / "data" / "scenes"), "--limit", "1", "--rounds", "1", "--model", str(tiny_file)]
    command = [sys.executable, "-m", "benchmarks.upsample", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["benchmark"] == "upsample"
    assert all(0 < result[f"true_{name}"] < 1 for name in MAPS)
    assert all(result[f"model_{name}"] > 0 for name in MAPS)

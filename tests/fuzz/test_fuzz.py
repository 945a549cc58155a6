"""The fuzzer, for as long as CI has."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_no_mutated_file_crashes_hangs_or_leaves_half_a_file(capsys: pytest.CaptureFixture[str]):
    command = [sys.executable, "-m", "tests.fuzz.fuzz", "--seconds", "30"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    with capsys.disabled():  # CI's log tells how much was tried
        sys.stdout.write(f"\n{found['cases']} cases: {found['endings']}\n")
    assert found["failures"] == []
    assert found["cases"] > 0
    assert done.returncode == 0

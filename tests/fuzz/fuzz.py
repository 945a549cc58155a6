"""Mutates small media files and checkpoints for N seconds and checks how the program ends on each.

    python -m tests.fuzz.fuzz [--seconds 600] [--seed 0] [--keep FOLDER]

Every case is a run of `mvinverse decompose` in a worker of its own, so that a crash or a hang of native code is seen;
it has to end with a listed exit code, without a defect, and to leave no broken and no half-written file. The last line
is JSON: cases tried, how they ended, and those that failed, whose files `--keep` copies.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import imagecodecs
import numpy as np
import OpenEXR
import tifffile
import torch

from mvinverse_cli.model.checkpoint import save_checkpoint
from mvinverse_cli.model.mvinverse import MVInverse
from tests.conftest import TINY
from tests.faults.wholeness import broken_files
from tests.frames.media import write_numbered, write_png

LISTED = {0, 1, 2, 3, 4, 5, 6, 7}
CASE_SECONDS = 60  # a case that takes longer hangs
MOST = 3  # mutations of one file: with more, few get behind its header


def make_seeds(folder: Path) -> tuple[list[Path], Path]:
    """Small sound files of every kind that is read, and a sound checkpoint."""
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    media = [write_png(folder / "a.png", picture)]
    for name in ("b.mp4", "c.mkv", "d.mov"):
        media.append(write_numbered(folder / name, 4))
    tifffile.imwrite(folder / "e.tif", picture, compression="zlib")
    OpenEXR.File({}, {"RGB": (picture / 255).astype(np.float16)}).write(str(folder / "f.exr"))
    (folder / "g.jpg").write_bytes(imagecodecs.jpeg_encode(picture))
    (folder / "h.webp").write_bytes(imagecodecs.webp_encode(picture))
    media += [folder / name for name in ("e.tif", "f.exr", "g.jpg", "h.webp")]
    torch.manual_seed(0)
    weights = folder / "tiny.safetensors"
    save_checkpoint(MVInverse(TINY).state_dict(), TINY, weights)
    return media, weights


def mutate(content: bytes, chance: random.Random) -> bytes:
    """Flips, overwrites, cuts out, doubles and cuts off, a few times; headers more often than their share."""
    data = bytearray(content)
    for _ in range(chance.randint(1, MOST)):
        if not data:
            break
        at = chance.randrange(min(len(data), 256) if chance.random() < 0.5 else len(data))
        length = min(chance.choice((1, 1, 2, 4, 16, 64)), len(data) - at)
        match chance.randrange(6):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at : at + length] = chance.randbytes(length)
            case 2:
                data[at : at + length] = bytes([chance.choice((0, 255))]) * length
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + length]
            case _:
                del data[at + length :]
    return bytes(data)


class Worker:
    """A process that runs one case after another: imports are paid once, and a crash costs one worker."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, arguments: Sequence[str]) -> tuple[int | str, str]:
        """How a case ended, an exit code or a word, and its last line on stderr."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([*arguments]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()  # the worker ends itself where a case hangs
        if not answer:
            code = self.process.wait()
            return ("hang" if code == HANG else f"crash {code}"), ""
        code, said = json.loads(answer)
        return code, said

    def close(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.communicate()


HANG = 99  # exit code of a worker whose case took too long


def fuzz(seconds: float, seed: int, keep: Path | None) -> dict[str, object]:
    """Tries cases until the time is up; what the last line says."""
    chance, endings, failures = random.Random(seed), Counter[str](), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        media, weights = make_seeds(folder)
        worker, end, case = Worker(), time.monotonic() + seconds, 0
        while time.monotonic() < end:
            work = folder / f"case{case}"
            work.mkdir()
            target = chance.choice([*media, weights])
            broken = work / target.name
            broken.write_bytes(mutate(target.read_bytes(), chance))
            source, model = (media[0], broken) if target == weights else (broken, weights)
            format = chance.choice(("png", "exr", "tiff", "mp4"))
            arguments = ["decompose", str(source), "-o", str(work / "out"), "--model", str(model), "--format", format]
            code, said = worker.run([*arguments, "--device", "cpu", "--max-size", "56", "--maps", "albedo,normal"])
            endings[str(code)] += 1
            left = broken_files(work / "out") if (work / "out").exists() else []
            left += [path.name for path in work.rglob("*.part")]
            if code not in LISTED or "defect" in said or left:
                failures.append({"case": case, "file": target.name, "end": code, "said": said, "left": left})
                if keep is not None:
                    shutil.copytree(work, keep / f"seed{seed}_case{case}")
            if isinstance(code, str):
                worker.close()
                worker = Worker()
            shutil.rmtree(work)
            case += 1
        worker.close()
    return {"seconds": seconds, "seed": seed, "cases": case, "endings": dict(endings), "failures": failures}


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    found = fuzz(options.seconds, options.seed, options.keep)
    sys.stdout.write(json.dumps(found) + "\n")
    return 1 if found["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())

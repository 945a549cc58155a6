"""HEIC pictures of phones: size and tags without a pixel, and no half picture. Colours: `test_colour_card.py`."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from mvinverse_cli.errors import InputError
from mvinverse_cli.frames import find_shots
from mvinverse_cli.frames.pictures import probe_picture, read_picture
from tests.card import CARD, HEIF, centres


@pytest.mark.parametrize(
    ("name", "dtype", "said"),
    [
        ("card.heic", np.uint8, ""),
        ("card_10.heic", np.uint16, ""),
        ("card_turned.heic", np.uint8, ""),
        ("card_hlg.heic", np.float32, "is tagged HLG and BT.2020 primaries: brought to scene-linear Rec.709"),
        ("card_p3.heic", np.uint8, "its colours are brought from"),
        ("card_alpha.heic", np.uint8, "the alpha channel is dropped"),
        ("gray_10.heic", np.uint16, ""),
    ],
)
def test_a_picture_of_a_phone_is_upright_in_its_own_precision(name: str, dtype: type, said: str):
    header, picture = probe_picture(HEIF / name), read_picture(HEIF / name)
    assert (header.format, header.size) == ("heif", (96, 64))
    assert (picture.pixels.shape, picture.pixels.dtype) == ((64, 96, 3), dtype)
    assert " ".join(picture.notes).startswith(said)
    assert bool(picture.notes) == bool(said)


def test_ten_bits_fill_the_range():
    pixels = read_picture(HEIF / "card_10.heic").pixels
    assert (int(pixels.min()), int(pixels.max())) == (0, 65535)


def test_the_colours_of_an_icc_profile_are_brought_to_srgb():
    """Display P3, as phones write it, in 8 bits, which are coarser there."""
    pixels = read_picture(HEIF / "card_p3.heic").pixels
    assert np.abs(centres(pixels) - centres(CARD) * 255).max() < 3


@pytest.mark.parametrize("kept", [16, 200, 700, -300])
def test_what_is_cut_short_is_told_by_name(kept: int, tmp_path: Path):
    path = tmp_path / "cut.heic"
    path.write_bytes((HEIF / "card.heic").read_bytes()[:kept])
    with pytest.raises(InputError, match=r"cut\.heic: (its header is broken|truncated or damaged)"):
        read_picture(path)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_data_ends_in_a_picture_or_in_words(seed: int, tmp_path: Path):
    broken = bytearray((HEIF / "card.heic").read_bytes())
    rng = np.random.default_rng(seed)
    for at in rng.integers(0, len(broken), 8):
        broken[at] = rng.integers(256)
    path = tmp_path / "broken.heic"
    path.write_bytes(broken)
    with suppress(InputError):
        assert read_picture(path).pixels.shape[-1] == 3


def test_an_avif_under_its_name_is_refused(tmp_path: Path):
    path = tmp_path / "a.heic"
    path.write_bytes(b"\0\0\0\x1cftypavif" + bytes(40))
    with pytest.raises(InputError, match="not a PNG, JPEG"):
        probe_picture(path)


def test_a_folder_of_a_phone_is_one_shot(tmp_path: Path):
    for name in ("IMG_0001.HEIC", "IMG_0002.heif"):
        (tmp_path / name).write_bytes((HEIF / "card.heic").read_bytes())
    (shot,) = find_shots([tmp_path], allow_gaps=False)
    assert (shot.kind, shot.sizes, len(shot.paths)) == ("stills", ((96, 64),), 2)

"""`mvinverse inspect`: what is said of a file or a folder is what was written to it."""

import json
from pathlib import Path

import av
import numpy as np
import OpenEXR
import pytest

from mvinverse_cli.cli.main import main
from mvinverse_cli.maps import MAPS
from tests.frames.media import numbered, to_frame


@pytest.fixture
def inspect(capfd: pytest.CaptureFixture[str]):
    """The JSON that `mvinverse inspect PATH --json` prints."""

    def inspect(path: Path) -> dict:
        capfd.readouterr()
        code = main(["inspect", str(path), "--json"])
        out, err = capfd.readouterr()
        assert code == 0, err
        return json.loads(out)

    return inspect


def test_a_folder_tells_maps_model_options_and_missing_frames(run, inspect, clip: Path, tiny_file: Path):
    assert run(clip, "--frames", "2-5", "--format", "png,exr").code == 0
    Path("out/normal/clip_normal.1004.png").unlink()
    (shot,) = inspect(Path("out"))["shots"]
    assert [*shot["maps"]] == [*MAPS]
    assert shot["maps"]["albedo"]["float_files"].startswith("scene-linear, Rec.709 primaries")
    assert shot["about"]["model"] == str(tiny_file)
    assert shot["options"]["frames"] == "2-5"
    assert shot["formats"]["exr"] == {"bits": "half", "frames": "1002-1005", "frames_of_other_settings": ""}
    assert shot["frames_missing"] == "1004"
    assert inspect(Path("out/mvinverse.json"))["shots"] == [shot]


def test_every_file_tells_size_range_and_origin(run, inspect, clip: Path, tiny_file: Path):
    assert run(clip, "--frames", "1", "--format", "png,exr,tiff,mp4").code == 0
    exr = inspect(Path("out/clip.1001.exr"))
    assert (exr["size"], exr["pixel_aspect"]) == ([64, 48], 1)
    assert exr["maps"]["normal"]["channels"] == ["X", "Y", "Z"]
    assert exr["maps"]["normal"]["type"] == "float16"
    assert -1 <= exr["maps"]["normal"]["low"] <= exr["maps"]["normal"]["high"] <= 1
    assert exr["attributes"]["mvinverse/model"] == str(tiny_file)
    png = inspect(Path("out/metallic/clip_metallic.1001.png"))
    assert png["maps"]["picture"]["channels"] == 1
    assert png["attributes"]["mvinverse/model"] == str(tiny_file)
    assert inspect(Path("out/albedo/clip_albedo.1001.tif"))["maps"]["picture"]["type"] == "uint16"
    movie = inspect(Path("out/clip_albedo.mp4"))
    assert (movie["size"], movie["codec"], movie["timecode"]) == ([64, 48], "h264", None)
    assert movie["color"] == {"matrix": "bt709", "range": "tv", "primaries": "bt709", "transfer": "iec61966-2-1"}
    weights = inspect(tiny_file)
    assert weights["numbers"].keys() >= {"F32"}
    assert weights["config"]["dim"] == 32


def test_people_read_a_line_for_each_fact(run, clip: Path, capfd: pytest.CaptureFixture[str]):
    assert run(clip, "--frames", "1", "--maps", "albedo").code == 0
    assert main(["inspect", "out"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert "  name: clip" in lines
    assert "  frames_missing: -" in lines
    assert "    input_transfer: srgb" in lines


def test_lost_frames_are_told_with_their_reason(run, inspect, tmp_path: Path):
    from tests.frames.media import write_png

    for number in (1, 2, 3):
        write_png(tmp_path / f"plate.{number}.png")
    (tmp_path / "plate.2.png").write_bytes((tmp_path / "plate.2.png").read_bytes()[:-20])
    assert run("plate.#.png", "--maps", "albedo").code == 3
    (shot,) = inspect(Path("out"))["shots"]
    assert [fault["number"] for fault in shot["frames_lost"]] == [2]
    assert shot["frames_between"] == "2"
    assert shot["complete"] is False


@pytest.mark.parametrize("more", [["--colorspace", "acescg"], ["--residual"]])
def test_folders_of_float_files_are_described_by_each_format_s_own_depth(run, inspect, clip: Path, more: list[str]):
    assert run(clip, "--frames", "1-2", "--format", "tiff,png", "--bits", "float", "--sheet", *more).code == 0
    gone = Path("out/residual/clip_residual.1002.tif" if "--residual" in more else "out/albedo/clip_albedo.1002.tif")
    (shot,) = inspect(Path("out"))["shots"]
    assert (shot["formats"]["tiff"]["bits"], shot["formats"]["png"]["bits"]) == ("float", "8")
    assert (shot["frames_missing"], shot["movies_missing"]) == ("", [])
    gone.unlink()
    Path("out/clip_sheet.mp4").unlink()
    (shot,) = inspect(Path("out"))["shots"]
    assert (shot["frames_missing"], shot["movies_missing"]) == ("1002", ["out/clip_sheet.mp4"])


@pytest.mark.parametrize(
    "name",
    [
        "text.png",
        "text.exr",
        "text.tif",
        "text.mp4",
        "text.gif",
        "text.safetensors",
        "text.txt",
        "x",
        "gone.png",
        "long" * 99,
    ],
)
def test_what_is_nothing_of_the_kind_is_one_line(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]):
    path = tmp_path / name
    if name == "x":
        path.mkdir()
    elif name != "gone.png" and not name.startswith("long"):
        path.write_text("<!DOCTYPE html>")
    assert main(["inspect", str(path)]) == (5 if name.endswith(".safetensors") else 4)
    out, err = capfd.readouterr()
    assert out == ""
    assert name in err.splitlines()[-1]
    assert "defect" not in err


def test_what_it_does_not_look_into_is_told_from_what_is_not_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    photo = tmp_path / "photo.jpg"
    assert main(["inspect", str(photo)]) == 4
    assert capfd.readouterr().err.endswith("photo.jpg: cannot be read: No such file or directory\n")
    photo.write_bytes(b"x")
    assert main(["inspect", str(photo)]) == 4
    assert "name an output folder, an EXR, PNG or TIFF, a movie, or weights" in capfd.readouterr().err


def titled(path: Path, **tags: str) -> Path:
    """A movie of one frame with tags of the whole file, without checksums over them."""
    options = {"write_crc32": "0"} if path.suffix == ".mkv" else {}
    with av.open(str(path), "w", options=options) as container:
        container.metadata.update(tags)
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(to_frame(numbered(5), "yuv420p")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_a_movie_tells_its_timecode_wherever_the_file_holds_it(inspect, tmp_path: Path, suffix: str):
    path = titled(tmp_path / f"tagged.{suffix}", timecode="01:02:03:04")
    assert inspect(path)["timecode"] == "01:02:03:04"


def test_a_title_that_is_no_unicode_is_no_damage(inspect, tmp_path: Path):
    path = titled(tmp_path / "titled.mkv", title="a long title")
    path.write_bytes(path.read_bytes().replace(b"a long title", b"\xe9 long \xfftle"))
    assert inspect(path)["size"] == [64, 48]


def test_a_movie_that_nothing_decodes_is_told(tmp_path: Path, clip: Path, capfd: pytest.CaptureFixture[str]):
    path = tmp_path / "odd.mp4"
    path.write_bytes(clip.read_bytes().replace(b"avc1", b"zzzz"))
    assert main(["inspect", str(path)]) == 4
    assert "no decoder for its pictures" in capfd.readouterr().err


def test_deep_pixels_and_a_tiff_of_a_few_bytes_are_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    samples = np.empty((6, 8), object)
    for index in np.ndindex(samples.shape):
        samples[index] = np.ones(2, np.float32)
    header = {"compression": OpenEXR.ZIPS_COMPRESSION, "type": OpenEXR.deepscanline}
    OpenEXR.File(header, dict.fromkeys("RGB", samples)).write(str(tmp_path / "deep.exr"))
    (tmp_path / "short.tif").write_bytes(b"II*\0\x08\0")
    for name, said in (("deep.exr", "deep pixels are not looked into"), ("short.tif", "damaged, or not what its name")):
        assert main(["inspect", str(tmp_path / name)]) == 4
        err = capfd.readouterr().err
        assert len(err.splitlines()) == 1
        assert said in err


def test_a_header_text_in_another_encoding_is_no_damage(inspect, tmp_path: Path):
    path = tmp_path / "plate.exr"
    plane = np.full((6, 8), 0.5, np.float32)
    OpenEXR.File({"owner": "Jurgen"}, {"R": plane, "G": plane, "B": plane}).write(str(path))
    path.write_bytes(path.read_bytes().replace(b"Jurgen", b"J\xfcrgen"))
    assert inspect(path)["maps"]["picture"]["high"] == 0.5


def test_a_shot_is_complete_when_every_frame_of_it_is_there(run, inspect, clip: Path):
    arguments = (clip, "--maps", "albedo", "--on-exists", "skip")
    assert run(*arguments, "--frames", "1-2").code == 0
    (shot,) = inspect(Path("out"))["shots"]
    assert (shot["complete"], shot["frames_to_do"]) == (False, "1003-1010")
    assert run(*arguments).code == 0
    (shot,) = inspect(Path("out"))["shots"]
    assert (shot["complete"], shot["frames_to_do"]) == (True, "")


def test_the_folder_of_one_of_several_shots_is_looked_into_by_itself(inspect, run, clip: Path, stills: list[Path]):
    assert run(clip, *stills, "--maps", "albedo", "--frames", "1-2").code == 0
    shots = inspect(Path("out"))["shots"]
    assert len(shots) == 2
    for shot in shots:
        assert inspect(Path("out") / shot["folder"])["shots"] == [shot]


def test_parts_of_an_exr_are_told_apart_whatever_their_sizes(inspect, tmp_path: Path):
    def part(name: str, size: tuple[int, int], **channels: float) -> OpenEXR.Part:
        height, width = size
        shown, window = ((np.zeros(2, np.int32), np.array(end, np.int32)) for end in ((7, 5), (width - 1, height - 1)))
        header = {"type": OpenEXR.scanlineimage, "displayWindow": shown, "dataWindow": window}
        if "R" in channels:
            header |= {"compression": OpenEXR.DWAA_COMPRESSION, "colorInteropID": "lin_rec709_scene"}
        return OpenEXR.Part(header, {key: np.full(size, at, np.float32) for key, at in channels.items()}, name)

    colors = part("beauty", (6, 8), R=0.1, G=0.2, B=0.3), part("diffuse", (6, 8), R=0.4, G=0.5, B=0.6)
    with OpenEXR.File([*colors, part("depth", (4, 4), Z=7.0)]) as file:
        file.write(str(tmp_path / "parts.exr"))
    found = inspect(tmp_path / "parts.exr")
    maps = found["maps"]
    kinds = {name: (layer["compression"], layer["colorInteropID"]) for name, layer in maps.items()}
    lossy = ("DWAA_COMPRESSION", "lin_rec709_scene")
    assert kinds == {"beauty": lossy, "diffuse": lossy, "depth": ("ZIP_COMPRESSION", None)}
    assert "compression" not in found
    assert "colorInteropID" not in found["attributes"]
    highest = {name: round(layer["high"], 3) for name, layer in maps.items()}
    assert highest == {"beauty": 0.3, "diffuse": 0.6, "depth": 7}

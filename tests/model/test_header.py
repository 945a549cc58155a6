"""Headers of .safetensors files: what is refused before anything is mapped, and in which words."""

import json

import pytest

from mvinverse_cli.errors import WeightsError
from mvinverse_cli.model.header import Entry, read_header

ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def packed(header: object, data: bytes = b"\0" * 8) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


WHOLE = packed({"__metadata__": {"license": "none"}, "x": ENTRY})


def test_a_header_names_its_tensors_and_carries_text(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(WHOLE)
    header = read_header(path)
    assert header.tensors == {"x": Entry("F32", (2,))}
    assert header.metadata == {"license": "none"}


def test_a_header_whose_length_looks_like_a_web_page_is_read(tmp_path):
    text = json.dumps({"x": ENTRY}).encode().ljust(0x13C)
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"\0" * 8)
    assert path.read_bytes().startswith(b"<")
    assert list(read_header(path).tensors) == ["x"]


IMPOSTORS = {
    "nothing": (b"", r"empty \(0 bytes\)"),
    "LFS pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n",
        r"git-LFS pointer.*git lfs pull",
    ),
    "web page": (b"\n<!DOCTYPE html><html><title>Log in</title></html>", "web page"),
    "PyTorch file": (b"PK\x03\x04" + b"\0" * 100, r"PyTorch file.*\.pt"),
    "message": (b"Repository not found", "no safetensors file"),
    "few bytes": (b"\x01\x02", "no safetensors file"),
    "text header": (packed("x"), "header is damaged"),
    "brackets without end": ((10**5 + 5).to_bytes(8, "little") + b'{"a":' + b"[" * 10**5, "header is damaged"),
    "entry without a shape": (packed({"x": {"dtype": "F32", "data_offsets": [0, 8]}}), "header is damaged"),
    "shape of another size": (packed({"x": ENTRY | {"shape": [3]}}), "header is damaged"),
    "text that is none": (packed({"__metadata__": {"config": {}}, "x": ENTRY}), "header is damaged"),
    "half a header": (WHOLE[:20], "cut short inside its header"),
    "half its tensors": (WHOLE[:-4], rf"cut short: {len(WHOLE) - 4} bytes where its header says {len(WHOLE)}"),
    "something behind": (WHOLE + b"\0", "longer than it says"),
}


@pytest.mark.parametrize("case", IMPOSTORS)
def test_what_is_no_safetensors_file_is_called_by_its_name(tmp_path, case):
    content, said = IMPOSTORS[case]
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=said) as caught:
        read_header(path)
    assert str(path) in str(caught.value)


def test_a_folder_under_the_name_is_an_error(tmp_path):
    with pytest.raises(WeightsError, match="Is a directory"):
        read_header(tmp_path)

"""Who may import whom: the walls of the house, read from the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "mvinverse_cli"
HEAVY = {"torch", "numpy", "av", "cv2", "OpenEXR", "tifffile", "huggingface_hub", "safetensors"}
NOT_HERE = {
    "cli": HEAVY,
    "frames": {"torch", "huggingface_hub", "safetensors"},
    "outputs": {"torch", "huggingface_hub", "safetensors"},
    "model": {"numpy", "av", "cv2", "OpenEXR", "tifffile"},
    "scenes": {"torch", "av", "huggingface_hub", "safetensors"},
    "flow": {"torch", "av", "OpenEXR", "tifffile", "huggingface_hub", "safetensors"},
}
RENDERER = {"mitsuba", "drjit", "pyoidn"}  # only to render scenes: a large install that decomposing does without
RENDERS = {"scenes/renderer.py", "scenes/tracer.py", "scenes/light.py", "scenes/render.py"}
WINGS = {"frames", "flow", "model", "outputs", "scenes"}
SMALL = {
    "archives", "checks", "color", "errors", "formats", "maps", "options", "protocols", "sizes", "timecode",
    "trainings", "windows",
}  # fmt: skip
SMALL_MAY = SMALL | {"numpy"}


def imported(path: Path, *, anywhere: bool) -> set[str]:
    """Top-level names that a file imports: third-party packages, and rooms of this package by their own name."""
    tree = ast.parse(path.read_text())
    names = set()
    for node in ast.walk(tree) if anywhere else tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(str(node.module).split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            room = path.relative_to(PACKAGE).parts[: -node.level] + tuple((node.module or "").split("."))
            names |= {alias.name for alias in node.names} if room[0] == "" else {room[0]}
    return names


def files_of(folder: str) -> list[Path]:
    files = sorted((PACKAGE / folder).rglob("*.py"))
    assert files, folder
    return files


@pytest.mark.parametrize("folder", NOT_HERE)
def test_folder_keeps_its_walls(folder: str):
    for path in files_of(folder):
        assert not imported(path, anywhere=folder != "cli") & NOT_HERE[folder], path


@pytest.mark.parametrize("wing", sorted(WINGS))
def test_wings_import_only_themselves_and_the_small_files(wing: str):
    for path in files_of(wing):
        rooms = imported(path, anywhere=True) & {entry.stem for entry in PACKAGE.iterdir()}
        assert rooms <= SMALL | {wing}, path


def test_only_rendering_imports_the_renderer_and_only_when_it_renders():
    for path in sorted(PACKAGE.rglob("*.py")):
        assert not imported(path, anywhere=False) & RENDERER, path
        if str(path.relative_to(PACKAGE)) not in RENDERS:
            assert not imported(path, anywhere=True) & RENDERER, path


def test_decomposing_needs_neither_training_nor_evaluation():
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] not in ("cli", "train", "evaluate"):
            assert not imported(path, anywhere=True) & {"train", "evaluate"}, path


def test_a_shot_knows_nothing_of_the_run_it_is_part_of():
    for path in files_of("shot"):
        assert "job" not in imported(path, anywhere=True), path


def test_nobody_imports_the_command_line():
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.parent.name != "cli" and path.name != "__main__.py":
            assert "cli" not in imported(path, anywhere=True), path


@pytest.mark.parametrize("name", sorted(SMALL))
def test_small_files_import_the_standard_library_and_numpy(name: str):
    third_party = imported(PACKAGE / f"{name}.py", anywhere=True) - set(sys.stdlib_module_names)
    assert third_party <= SMALL_MAY


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["decompose", "--help"],
        ["weights", "list"],
        ["inspect", "--help"],
        ["doctor", "--help"],
        ["--version"],
        ["train", "--help"],
        ["finetune", "--help"],
        ["scenes", "render", "--help"],
    ],
)
def test_help_imports_neither_torch_nor_a_codec(arguments: list[str]):
    code = (
        "import sys; from mvinverse_cli.cli.main import main; main(sys.argv[1:]); "
        "print(*(set(sys.modules) & {'torch', 'av', 'cv2', 'OpenEXR'}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""


def test_every_module_says_what_it_holds():
    for path in sorted(PACKAGE.rglob("*.py")):
        assert ast.get_docstring(ast.parse(path.read_text())), path
        assert len(path.read_text().splitlines()) <= 300, f"{path} has a second reason to exist"

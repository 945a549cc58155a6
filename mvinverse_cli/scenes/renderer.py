"""A scenery inside Mitsuba 3: starting the renderer, and loading meshes, materials, lamps, sky and sun.

Each scenery is loaded twice: as it looks, and as a twin whose materials are read, not lit. Mitsuba hands out the
parameters of a plain `principled` material but not of one under a normal map, so the twin is plain and carries the
normal map in three parameters that it does not otherwise need.

Mitsuba, Dr.Jit and the denoiser are imported here, in `tracer.py` and in `light.py` alone, and only when a scene is
rendered.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MvInverseError, OptionError
from ..maps import Array
from ..options import RenderDevice
from .materials import Material
from .shapes import Lattice, Mesh, triangles
from .stage import Lamp, Part, Scenery

LLVM_VARIABLE = "DRJIT_LIBLLVM_PATH"
LLVM_PLACES = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/llvm-*/lib",
    "/opt/homebrew/opt/llvm/lib",
)
LLVM_NAMES = (
    "libLLVM.so.19*",
    "libLLVM.so.2*",
    "libLLVM-19*.so*",
    "libLLVM.so.18*",
    "libLLVM-18.so*",
    "libLLVM-17.so*",
)
INSTALL = 'install it with: pip install "mvinverse[train]", and on Debian or Ubuntu: apt install libllvm19'

VARIANTS: Mapping[RenderDevice, str] = {"cpu": "llvm_ad_rgb", "cuda": "cuda_ad_rgb"}

# What `filled` makes the same for all scenes: parts and lamps come in multiples, the reach (metres from the origin to
# the corners) is the same for all but the largest. Of a lamp, the faces and the size of its picture.
FILLED_TO, LAMPS_FILLED_TO, REACH = 32, 12, 64.0
LAMP_FACES, LAMP_PICTURE = 512, (24, 32, 3)
SPECK = 1e-3  # metres, a side of what fills up the lamps

TILT_SLOTS = ("sheen", "clearcoat", "anisotropic")  # where the twin keeps the normal map


@dataclass(frozen=True)
class Traceable:
    """A scenery inside Mitsuba: as it looks, and its twin whose materials are read."""

    lit: Any
    read: Any


def start_mitsuba(device: RenderDevice = "cpu") -> Any:
    """Mitsuba with its backend for `device`, ready: LLVM for the CPU, CUDA and OptiX for a GPU.

    Raises MvInverseError, saying what to install, where Mitsuba, the denoiser or, for the CPU, LLVM 17 or newer is
    missing; OptionError where there is no GPU.
    """
    if device == "cpu":
        find_llvm()
    try:
        import drjit
        import mitsuba

        import_module("pyoidn")  # only to see that it is there
    except ImportError as error:
        raise MvInverseError(f"rendering needs Mitsuba and Open Image Denoise ({error}); {INSTALL}") from error
    if device == "cuda" and not drjit.has_backend(drjit.JitBackend.CUDA):
        raise OptionError("--device cuda: there is no NVIDIA GPU with a driver that Dr.Jit can use; take cpu")
    if mitsuba.variant() != VARIANTS[device]:
        mitsuba.set_variant(VARIANTS[device])
        mitsuba.set_log_level(mitsuba.LogLevel.Error)
    return mitsuba


def find_llvm() -> None:
    """Sets the variable by which Dr.Jit finds LLVM; raises MvInverseError where LLVM 17 or newer is not here."""
    if not os.environ.get(LLVM_VARIABLE):
        found = [
            path
            for name in LLVM_NAMES
            for place in LLVM_PLACES
            for path in sorted(Path("/").glob(f"{place[1:]}/{name}"))
        ]
        if not found:
            raise MvInverseError(f"rendering needs LLVM 17 or newer, which is not here; {INSTALL}")
        # older ones, which Dr.Jit would find by itself, abort the whole process
        os.environ[LLVM_VARIABLE] = str(found[0])
    elif not Path(os.environ[LLVM_VARIABLE]).exists():
        raise MvInverseError(f"{LLVM_VARIABLE}: there is no {os.environ[LLVM_VARIABLE]}; {INSTALL}")


def load(scenery: Scenery) -> Traceable:
    """Both scenes of a scenery, in the Mitsuba that `start_mitsuba` made ready."""
    import mitsuba as mi

    lit: dict[str, Any] = {"type": "scene"}
    read: dict[str, Any] = {"type": "scene"}
    parts, lamps = filled(scenery)
    for index, part in enumerate(parts):
        looks, values = _materials(part.material)
        lit[f"part{index}"] = _mesh(part, part.material.repeats, looks)
        read[f"part{index}"] = _mesh(part, part.material.repeats, values)
    for index, lamp in enumerate(lamps):
        shape = LAMP_PICTURE if lamp.radiance.ndim == 1 else lamp.radiance.shape
        black = {"type": "diffuse", "reflectance": {"type": "rgb", "value": 0.0}}
        # whose light is sampled; what fills is dark, and never is
        weight = float(index < len(scenery.lamps))
        glow = {"type": "area", "radiance": _texture(np.broadcast_to(lamp.radiance, shape)), "sampling_weight": weight}
        height, width = (max(part.size[axis] for part in lamp.lattices) for axis in (1, 0))
        lit[f"lamp{index}"] = _mesh(lamp, (1 / width, 1 / height), black, glow)
    sky = mi.Bitmap(np.ascontiguousarray(scenery.sky, np.float32))
    lit["sky"] = {"type": "envmap", "bitmap": sky}
    irradiance = {"type": "rgb", "value": [float(v) for v in scenery.sun]}
    lit["sun"] = {"type": "directional", "direction": scenery.sun_direction.tolist(), "irradiance": irradiance}
    return Traceable(mi.load_dict(lit), mi.load_dict(read))


def filled(scenery: Scenery) -> tuple[list[Part], list[Lamp]]:
    """The parts and the lamps, and others that nobody can see, which make their numbers round ones and their reach the
    same for all.

    All of it is written into the kernel that traces a scene, and to compile one takes longer than to run it: scenes of
    the same round figures share it.
    """
    surfaces = [*(part.lattices for part in scenery.parts), *(lamp.lattices for lamp in scenery.lamps)]
    reach = max(float(np.abs(lattice.points).max()) for lattices in surfaces for lattice in lattices)
    corner = np.full((2, 2, 3), max(REACH, 4.0 ** np.ceil(np.log2(reach) / 2)))
    missing = 2 + -(len(scenery.parts) + 2) % FILLED_TO
    one = np.ones((1, 1, 1), np.float32)
    nothing = Material(np.repeat(one, 3, -1), one, 1 - one, None, 1.0)
    # triangles in one point, which no ray meets; those of a lamp have an area, or Mitsuba refuses them
    parts = [Part((Lattice(corner * (1 if index else -1), (1.0, 1.0)),), nothing) for index in range(missing)]
    speck = corner + SPECK * np.array([[(0, 0, 0), (1, 0, 0)], [(0, 1, 0), (1, 1, 0)]])
    dark = Lamp((Lattice(speck, (1.0, 1.0)),), np.zeros(3, np.float32))
    return [*scenery.parts, *parts], [*scenery.lamps, *[dark] * (-(len(scenery.lamps) + 1) % LAMPS_FILLED_TO + 1)]


def _texture(values: Array) -> dict[str, Any]:
    """Numbers as they are, tiled."""
    import mitsuba as mi

    return {"type": "bitmap", "bitmap": mi.Bitmap(np.array(values, np.float32, order="C")), "raw": True}


def _materials(material: Material) -> tuple[dict[str, Any], dict[str, Any]]:
    """A material as it looks, and as its twin."""
    flat = np.tile(np.array((0, 0, 1), np.float32), (2, 2, 1))
    tilt = (flat if material.normal is None else material.normal) * 0.5 + 0.5
    surface = {
        "type": "principled",
        "base_color": _texture(material.base_color),
        "roughness": _texture(material.roughness),
        "metallic": _texture(material.metallic),
    }
    looks = {"type": "normalmap", "normalmap": _texture(tilt), "bsdf": surface}
    return looks, surface | {slot: _texture(tilt[..., axis : axis + 1]) for axis, slot in enumerate(TILT_SLOTS)}


def _mesh(
    part: Part | Lamp, repeats: float | tuple[float, float], bsdf: dict[str, Any], glow: dict[str, Any] | None = None
) -> Any:
    """The triangles of a part in a material; with `glow` they shine."""
    import mitsuba as mi

    mesh = triangles(part.lattices) if glow is None else shining(triangles(part.lattices))
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict(bsdf)
    if glow is not None:
        properties["emitter"] = mi.load_dict(glow)
    shape = mi.Mesh("", len(mesh.points), len(mesh.faces), properties, True, True)
    fields = mi.traverse(shape)
    fields["vertex_positions"] = np.ascontiguousarray(mesh.points).ravel()
    fields["vertex_normals"] = np.ascontiguousarray(mesh.normals).ravel()
    fields["vertex_texcoords"] = (mesh.coordinates * np.asarray(repeats)).astype(np.float32).ravel()
    fields["faces"] = mesh.faces.ravel()
    fields.update()
    return shape


def shining(mesh: Mesh) -> Mesh:
    """The mesh of a lamp with LAMP_FACES faces, where it has fewer: how long Mitsuba searches for the face that it
    samples is written into the kernel.

    What is added has no area, but for the last face, a speck of the first: to the last with an area it searches.
    """
    missing = LAMP_FACES - len(mesh.faces)
    if missing <= 0:
        return mesh
    a, b, c = mesh.points[mesh.faces[0]]
    speck = np.stack([a, a + SPECK * (b - a), a + SPECK * (c - a)])
    start = len(mesh.points)
    added = np.zeros((missing, 3), np.uint32)
    added[-1] = start, start + 1, start + 2
    first = mesh.faces[0]
    return Mesh(
        np.concatenate([mesh.points, speck]),
        np.concatenate([mesh.faces, added]),
        np.concatenate([mesh.normals, mesh.normals[first]]),
        np.concatenate([mesh.coordinates, mesh.coordinates[first]]),
    )

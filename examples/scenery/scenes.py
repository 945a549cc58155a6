"""Scenes: what stands where, and the cameras that look at it. Metres, +Y up, linear Rec. 709.

`room` and `terrace` return layers: the same things under different lights, whose pictures are to be added. The room's
sky is a pane in its window, which is easy to sample, and in the layer of the sun that window is open.
"""

from typing import NamedTuple

import mitsuba as mi
import numpy as np

from . import materials as m
from . import shapes as s


class Camera(NamedTuple):
    origin: tuple[float, float, float]
    target: tuple[float, float, float]
    width_deg: float  # horizontal field of view

    def axes(self):
        """Right, up and back, the axes of the normal map."""
        back = np.subtract(self.origin, self.target)
        right = np.cross([0, 1, 0], back)
        return [a / np.linalg.norm(a) for a in (right, np.cross(back, right), back)]


def room():
    """The layers (sky and lamp, sun) of a living room: x from 0 to 4.6, z from 0 to 5.2, window in the wall x = 0."""
    oak, walnut = m.wood("c89b6a", "8a5a34", gloss=0.4), m.wood("7a4c2e", "3c2213", gloss=0.3)
    white, steel, iron = m.paint("eeece6", 0.5), m.metal("c9cbce", 0.3, 24), m.metal("77797d", 0.4)
    sage, cream, brass = m.paint("8fa58f"), m.paint("e9dfcd"), m.metal("d9ad5e", 0.25)
    things = [
        (s.quad([0, 0, 5.2], [4.6, 0, 0], [0, 0, -5.2], (2.3, 2.6)), m.wood("b98a5c", "7c5029", 8, 0.3)),
        (s.quad([-0.3, 2.7, 0], [4.9, 0, 0], [0, 0, 5.2]), m.paint("f2f0ea")),
        (s.quad([-0.3, 0, 0], [4.9, 0, 0], [0, 2.7, 0]), cream),
        (s.quad([4.6, 0, 0], [0, 0, 5.2], [0, 2.7, 0]), m.paint("c4785a")),
        (s.quad([-0.3, 0, 5.2], [4.9, 0, 0], [0, 2.7, 0]), cream),
        # the window wall: below, above, behind and before the opening
        (s.box([-0.08, 0.35, 2.6], [0.16, 0.7, 5.2]), sage),
        (s.box([-0.08, 2.5, 2.6], [0.16, 0.4, 5.2]), sage),
        (s.box([-0.08, 1.5, 0.775], [0.16, 1.6, 1.55]), sage),
        (s.box([-0.08, 1.5, 4.25], [0.16, 1.6, 1.9]), sage),
        (s.box([0.02, 0.68, 2.425], [0.26, 0.04, 1.85]), white),
        *[(s.box([-0.06, 1.5, z], [0.05, 1.6, 0.05]), white) for z in (1.57, 2.13, 2.72, 3.28)],
        *[(s.box([-0.06, y, 2.425], [0.05, 0.05, 1.75]), white) for y in (0.72, 1.75, 2.28)],
        (s.box([2.3, 0.05, 0.01], [4.6, 0.1, 0.02]), white),
        (s.box([0.01, 0.05, 2.6], [0.02, 0.1, 5.2]), white),
        (s.box([4.59, 0.05, 2.6], [0.02, 0.1, 5.2]), white),
        (s.place(s.curtain(0.6, 2.3, 6), [0.14, 0.12, 0.85]), m.weave("d9c9a8", "c4ae86", lambda u, v: u * 0, 60)),
        (s.box([2.35, 0.008, 2.15], [2.5, 0.016, 1.7]), m.weave("a63d2f", "ead9b8", m.kilim)),
        # sideboard with lamp, books and plant, and the painting above it
        (s.box([1.95, 0.42, 0.3], [1.7, 0.5, 0.42], 0.7), oak),
        *[(s.box([1.95 + dx, 0.42, 0.515], [0.53, 0.42, 0.02]), m.paint("d3cfc4", 0.5)) for dx in (-0.555, 0, 0.555)],
        *[(s.blob([1.95 + dx, 0.5, 0.54], [0.035, 0.035, 0.035]), brass) for dx in (-0.36, 0.2, 0.36)],
        *[
            (s.box([1.95 + dx, 0.085, 0.3 + dz], [0.04, 0.17, 0.04]), brass)
            for dx in (-0.75, 0.75)
            for dz in (-0.15, 0.15)
        ],
        (s.box([2.2, 1.42, 0.02], [1.0, 0.66, 0.04]), walnut),
        (s.quad([1.75, 1.7, 0.042], [0.9, 0, 0], [0, -0.56, 0]), m.painting()),
        (s.place(s.vase(0.3, 0.07, 0.2), [1.3, 0.67, 0.3]), brass),
        (
            s.place(
                s.lathe([(0.165, 0.27), (0.17, 0.27), (0.11, 0.52), (0.1, 0.52), (0.16, 0.27)], rounds=1),
                [1.3, 0.67, 0.3],
            ),
            m.paint("f0e2c4"),
        ),
        *[
            (s.box([2.3 + 0.05 * k, 0.67 + h / 2, 0.27], [0.042, h, 0.17]), m.paint(c, 0.5))
            for k, (c, h) in enumerate(
                [("27445c", 0.24), ("b5482f", 0.21), ("e0b94f", 0.25), ("3d5a45", 0.22), ("efe8da", 0.23)]
            )
        ],
        (s.place(s.bowl(0.12, 0.09), [1.85, 0.67, 0.3]), m.material("2b6f77", 0.12)),
        (s.place(s.vase(0.34, 0.2, 0.7), [3.75, 0, 0.55]), m.metal("c98b5f", 0.35)),
        (
            s.place(s.plant(22, 0.85), [3.75, 0.3, 0.55]),
            m.material(m.mix("2f6b34", "7fae5a", m.plane(64)[0] * 2 % 1 > 0.86), 0.45),
        ),
        # a knitted pouf and the table with its group
        (
            s.blob([3.5, 0.2, 1.6], [0.62, 0.4, 0.62], 0.55, (8, 4)),
            m.weave("3f6f8c", "6fa0b8", lambda u, v: (v * 2 % 1 < 0.3) * 1.0, 12),
        ),
        (s.box([2.2, 0.43, 1.95], [1.35, 0.05, 0.75], 0.6), walnut),
        *[(s.box([2.2 + dx, 0.2, 1.95 + dz], [0.05, 0.41, 0.05]), iron) for dx in (-0.6, 0.6) for dz in (-0.3, 0.3)],
        (
            s.place(s.cloth(0.5, 0.75, 0.26, 3), [2.42, 0.456, 2.325]),
            m.weave("f0ead8", "2f5d8a", lambda u, v: (v * 3 % 1 < 0.25) * 1.0),
        ),
        (s.place(s.teapot(), [2.42, 0.46, 1.95], 25), steel),
        (s.blob([1.8, 0.565, 2.12], [0.22, 0.22, 0.22]), m.paint("d9512c", 0.9)),
        (s.place(s.vase(0.36, 0.09, 0.3), [1.98, 0.455, 1.78]), m.material("16386b", 0.08)),
        (s.place(s.box([0, 0.075, 0], [0.15, 0.15, 0.15]), [1.7, 0.455, 1.8], 30), m.paint("1b1b1d", 0.5)),
        (s.place(s.bowl(0.13, 0.1), [2.7, 0.46, 2.12]), m.material("f1f0ec", 0.15)),
        *[
            (s.blob([2.7 + dx, 0.54, 2.12 + dz], [0.085, 0.08, 0.085]), m.paint("e6a023", 0.4))
            for dx, dz in ((-0.04, 0.02), (0.045, 0.03), (0.0, -0.045))
        ],
        (s.place(s.blob([0, 0.06, 0], [0.12, 0.12, 0.12]), [2.1, 0.455, 2.2]), m.metal("f0a080", 0.12)),
    ]
    meshes = [s.mesh(lattice, bsdf) for lattices, bsdf in things for lattice in lattices]
    u, v = m.plane(128)
    outdoors = np.where((v + 0.03 * np.sin(9 * u) > 0.45)[..., None], m.mix("8fb0d8", "dbe8f5", v), m.colour("56713f"))
    sky = {"type": "bitmap", "bitmap": mi.Bitmap((outdoors * 22).astype(np.float32)), "raw": True}
    pane = s.mesh(s.quad([-0.15, 0.7, 3.3], [0, 0, -1.75], [0, 1.6, 0])[0], m.paint("000000"), sky)
    lamp = {"type": "rgb", "value": [150.0, 90.0, 42.0]}
    bulb = s.mesh(s.blob([1.3, 1.04, 0.3], [0.07, 0.07, 0.07])[0], m.paint("000000"), lamp)
    sun = {
        "type": "directional",
        "direction": [1, -0.6, -0.5],
        "irradiance": {"type": "rgb", "value": [11.0, 9.6, 7.7]},
    }
    return [scene([*meshes, pane, bulb]), scene(meshes, sun)]


def room_camera(t):
    """A slow dolly forward and to the left with a slight pan to the right, for t from 0 to 1."""
    t = 0.6 * t + 0.4 * t * t * (3 - 2 * t)
    return Camera((3.2 - 0.5 * t, 1.32 - 0.04 * t, 4.6 - 0.4 * t), (2.05 + 0.12 * t, 0.75 + 0.04 * t, 1.2), 54)


def terrace():
    """The layer (sun and sky in one) of a garden table before two walls; open to the sky."""
    glaze, yellow, copper = m.material("2a6f97", 0.1), m.material("f0c419", 0.45), m.metal("f0a080", 0.18)
    tin, clay = m.metal("c4c8cc", 0.35, 6), m.paint("b8623f", 0.85)
    stone = m.masonry(("b9b2a3", "9c9586"), "77726a", 4, 4, 0.03, 0, 0.55)
    brick = m.masonry(("b87a62", "96604c"), "c4bbae", 6, 14, 0.06, 0.5, 0.8)
    blocks = [
        ("d1495b", 0, 0.055, 10),
        ("edae49", 0.14, 0.055, -15),
        ("00798c", 0.065, 0.165, 5),
        ("f4f1e8", 0.06, 0.275, 40),
    ]
    things = [
        (s.quad([-4, 0, -4], [12, 0, 0], [0, 0, 12], (5, 5)), stone),
        (s.box([1.6, 0.9, -0.1], [5.2, 1.8, 0.2], 0.6), brick),
        (s.box([-0.9, 0.9, 1.4], [0.2, 1.8, 3.0], 0.6), m.paint("e6dcc6", 0.85)),
        (s.box([1.6, 1.83, -0.1], [5.3, 0.06, 0.3], 0.6), stone),
        *[
            (s.box([1.4, 0.72, 0.92 + 0.16 * k], [1.7, 0.04, 0.15]), m.wood("c79a68", "8d6038", 1, 0.5))
            for k in range(6)
        ],
        *[(s.box([1.4 + x, 0.35, 1.32 + z], [0.07, 0.7, 0.07]), tin) for x in (-0.7, 0.7) for z in (-0.36, 0.36)],
        (s.place(s.cloth(0.6, 0.97, 0.3, 3), [1.0, 0.743, 1.8]), m.weave("f3efe2", "c0392b", m.gingham)),
        (s.place(s.teapot(), [1.05, 0.748, 1.35], -20), tin),
        (s.place(s.bowl(0.16, 0.11), [1.5, 0.74, 1.6]), glaze),
        *[
            (s.place(s.blob([0, 0, 0], [0.12, 0.085, 0.085]), [1.5 + x, y, 1.6 + z], a), yellow)
            for x, y, z, a in (
                (-0.05, 0.83, 0.03, 20),
                (0.06, 0.83, 0.02, 110),
                (0, 0.83, -0.06, 60),
                (0.005, 0.89, 0, 150),
            )
        ],
        *[
            (s.place(s.box([0, 0, 0], [0.11, 0.11, 0.11]), [1.72 + x, 0.74 + y, 1.25], a), m.paint(c, 0.5))
            for c, x, y, a in blocks
        ],
        (
            s.place(
                s.lathe([(0, 0), (0.04, 0), (0.045, 0.1), (0.042, 0.1), (0.036, 0.01), (0, 0.01)]), [1.25, 0.745, 1.62]
            ),
            copper,
        ),
        (s.place(s.vase(0.2, 0.14, 0.85), [1.35, 0.74, 1.12]), clay),
        (
            s.place(s.plant(16, 0.36), [1.35, 0.91, 1.12]),
            m.material(m.mix("3d7a3a", "8fb562", m.plane(64)[0] * 2 % 1 > 0.86), 0.45),
        ),
        (s.place(s.vase(0.6, 0.28, 0.6), [0.0, 0, 0.5]), m.material("3c6e8f", 0.15)),
        (s.place(s.plant(26, 0.9), [0.0, 0.55, 0.5]), m.material("4b8b4f", 0.5)),
        (s.blob([1.9, 0.78, 1.62], [0.085, 0.085, 0.085]), m.material("b3261e", 0.3)),
        (s.blob([2.0, 0.78, 1.55], [0.085, 0.08, 0.085]), m.material("7a9e2f", 0.3)),
    ]
    sky = {
        "type": "sunsky",
        "sun_direction": [0.75, 0.85, 0.8],
        "turbidity": 3.0,
        "to_world": mi.ScalarTransform4f().rotate([1, 0, 0], -90),
    }
    return [scene([s.mesh(lattice, bsdf) for lattices, bsdf in things for lattice in lattices], sky)]


TERRACE_CAMERAS = [
    Camera(origin, (1.35, 0.8, 1.25), 47) for origin in ((0.45, 1.5, 3.2), (1.7, 1.35, 3.3), (2.8, 1.6, 2.75))
]


def scene(meshes, *emitters):
    """Load meshes and emitters as one scene."""
    parts = {f"part{k}": part for k, part in enumerate([*meshes, *emitters])}
    return mi.load_dict({"type": "scene", **parts})

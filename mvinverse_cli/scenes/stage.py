"""A scene in the making: what stands in it, what shines, and where a camera may look. Metres, +Y up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..maps import Array
from .materials import Material, Split, Use, random_material
from .record import Camera
from .shapes import Lattice, place

Place = tuple[float, float, float]  # metres


@dataclass(frozen=True)
class Part:
    """Surfaces of one material."""

    lattices: tuple[Lattice, ...]
    material: Material


@dataclass(frozen=True)
class Lamp:
    """Surfaces that shine and reflect nothing; `radiance` is linear Rec.709, (3,) or a picture (h, w, 3)."""

    lattices: tuple[Lattice, ...]
    radiance: Array


@dataclass(frozen=True)
class Top:
    """A level place, a disc of radius `reach`, where small things can stand."""

    centre: tuple[float, float, float]
    reach: float


@dataclass(frozen=True)
class Scenery:
    """All that the tracer needs; radiance and irradiance are linear Rec.709 in one arbitrary unit."""

    parts: tuple[Part, ...]
    lamps: tuple[Lamp, ...]
    sky: Array  # (h, w, 3) radiance from every direction, the top row is the zenith
    sun_direction: Array  # (3,) the way its light travels
    sun: Array  # (3,) irradiance of a surface that faces it
    cameras: tuple[Camera, ...]
    layout: str


@dataclass
class Stage:
    """Collects parts and lamps; `rng` makes every choice, `split` says from which half of the vocabulary."""

    rng: np.random.Generator
    split: Split
    parts: list[Part] = field(default_factory=list)
    lamps: list[Lamp] = field(default_factory=list)
    tops: list[Top] = field(default_factory=list)
    sights: list[tuple[float, float, float]] = field(default_factory=list)  # points worth looking at
    shared: list[Material] = field(default_factory=list)  # materials that come back under other light

    def material(self, use: Use) -> Material:
        """A new material, or one that is already in the scene: the same surface under other light."""
        if self.shared and use in ("object", "furniture") and self.rng.random() < 0.2:
            return self.shared[self.rng.integers(len(self.shared))]
        made = random_material(self.rng, use, self.split)
        if use in ("object", "furniture"):
            self.shared.append(made)
        return made

    def add(
        self,
        lattices: Iterable[Lattice],
        material: Material | Use,
        position: Sequence[float] = (0.0, 0.0, 0.0),
        turn: float = 0.0,
    ) -> None:
        """Put surfaces at a place, turned around the Y axis, in a material or in a new one of that use."""
        made = material if isinstance(material, Material) else self.material(material)
        self.parts.append(Part(tuple(place(lattices, position, turn)), made))

    def light(
        self,
        lattices: Iterable[Lattice],
        radiance: Array,
        position: Sequence[float] = (0.0, 0.0, 0.0),
        turn: float = 0.0,
    ) -> None:
        """Put a lamp at a place."""
        self.lamps.append(Lamp(tuple(place(lattices, position, turn)), np.asarray(radiance, np.float32)))

    def scenery(self, sky: Array, sun: tuple[Array, Array], cameras: tuple[Camera, ...], layout: str) -> Scenery:
        """All that stands here, under `sky` and the sun that `sun` (the way it travels, its irradiance) describes."""
        return Scenery(tuple(self.parts), tuple(self.lamps), sky, *sun, cameras, layout)

    def uniform(self, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        return float(self.rng.uniform(low, high))

    def chance(self, share: float) -> bool:
        """True in `share` of the cases."""
        return bool(self.rng.random() < share)


def white_light(rng: np.random.Generator) -> Array:
    """The colour of a lamp or of daylight: from tungsten to a blue sky, the green channel near 1."""
    t = rng.beta(1.2, 1.2)
    colour: Array = np.array([1.0, 0.66, 0.36]) * (1 - t) + np.array([0.78, 0.9, 1.12]) * t
    return colour * rng.uniform(0.94, 1.06, 3)

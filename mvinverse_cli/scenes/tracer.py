"""Path tracing: a loaded scenery and its cameras in, views with true maps out.

N views, H W pixels, S samples of each.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from ..maps import Array, MapName
from .light import FirstHit, incoming
from .record import Camera, View
from .renderer import TILT_SLOTS, Traceable

Quality = Literal["high", "balanced"]  # of the denoiser

STEP = 0.05  # share of its depth by which a pixel's surfaces lie apart where they are several
STRAIGHT = 0.98  # length of a pixel's mean normal under which it holds several surfaces
SURVEY_SIZE = (24, 32)  # rays of a first look through a camera


def survey(scene: Traceable, cameras: Sequence[Camera]) -> tuple[Array, Array]:
    """A coarse look: depth in metres (0 where nothing is) and whether a lamp is seen, both (views, 24 * 32)."""
    import drjit as dr
    import mitsuba as mi

    height, width = SURVEY_SIZE
    rays = _rays(cameras, width, height, dr.arange(mi.UInt32, len(cameras) * width * height), mi.Point2f(0.5, 0.5))
    hit = scene.lit.ray_intersect(mi.Ray3f(rays.ray))
    depth = dr.select(hit.is_valid(), dr.dot(hit.p - rays.ray.o, -rays.back), 0)
    shines = dr.select(hit.is_valid() & hit.shape.is_emitter(), 1.0, 0.0)
    dr.eval(depth, shines)
    return np.array(depth).reshape(len(cameras), -1), np.array(shines).reshape(len(cameras), -1) > 0


class Rays(NamedTuple):
    """Rays from cameras, with each one's axes in the world."""

    ray: Any
    right: Any
    up: Any
    back: Any


def _rays(cameras: Sequence[Camera], width: int, height: int, pixel: Any, place: Any) -> Rays:
    """Rays through `place` (in [0, 1]^2) of pixels, counted row by row and camera by camera."""
    import drjit as dr
    import mitsuba as mi

    # everything that differs from scene to scene stays out of the kernel, or each would compile its own
    columns, area = dr.opaque(mi.UInt32, width), dr.opaque(mi.UInt32, width * height)
    w, h = dr.opaque(mi.Float, width), dr.opaque(mi.Float, height)
    camera = pixel // area
    table = mi.Float(np.stack([camera.to_world[:3] for camera in cameras]).astype(np.float32).ravel())
    right, up, back, eye = (
        mi.Vector3f(*(dr.gather(mi.Float, table, camera * 12 + 4 * row + column) for row in range(3)))
        for column in range(4)
    )
    half = dr.opaque(mi.Float, float(np.tan(np.radians(cameras[0].fov_x_deg) / 2)))
    inside = pixel % area
    x = ((mi.Float(inside % columns) + place.x) / w * 2 - 1) * half
    y = (1 - (mi.Float(inside // columns) + place.y) / h * 2) * half * h / w
    ray = mi.RayDifferential3f(mi.Ray3f(mi.Point3f(eye), dr.normalize(right * x + up * y - back)))
    return Rays(ray, right, up, back)


def trace(
    scene: Traceable,
    cameras: Sequence[Camera],
    height: int,
    width: int,
    samples: int,
    seed: int,
    quality: Quality = "high",
) -> list[View]:
    """Views of one size and angle of view, denoised, in the scenery's own unit of light.

    Shading is irradiance / pi at the first hit, with the scene's own materials on every later bounce, so that
    albedo x shading is the diffuse image.
    """
    channels = _channels(scene, cameras, height, width, samples, seed)
    shape = (len(cameras), height, width, samples, -1)
    depths = channels.pop("depth").reshape(shape).astype(np.float32)
    nearest, farthest = depths.min(3), depths.max(3)
    steps = farthest > (1 + STEP) * nearest
    depths = depths[..., 0, :]  # through the middle of each pixel
    images = {name: values.reshape(shape).mean(3).astype(np.float32) for name, values in channels.items()}
    return [
        _view(camera, depth, step, {name: image[index] for name, image in images.items()}, quality)
        for index, (camera, depth, step) in enumerate(zip(cameras, depths, steps, strict=True))
    ]


def _view(camera: Camera, depth: Array, step: Array, images: dict[str, Array], quality: Quality) -> View:
    """The view that averages of the samples make; step: where a pixel holds surfaces at several depths.

    The diffuse picture is albedo x shading where a pixel is of one surface: their noise is the same. Where it is of
    several, the product of averages is not the average of products.
    """
    length = np.linalg.norm(images["normal"], axis=-1, keepdims=True)
    normal = images["normal"] / np.maximum(length, 1e-6)
    mixed = step | (length < STRAIGHT * images["is_surface"]) | (images["is_surface"] < 1)
    mask = images["is_surface"] > 0.999
    albedo = np.clip(images["albedo"], 0, 1)
    clean = partial(denoise, normal=normal, quality=quality)
    maps: dict[MapName, Array] = {
        "albedo": albedo,
        "metallic": np.clip(images["metallic"], 0, 1),
        "roughness": np.clip(images["roughness"], 0, 1),
        "normal": np.where(mask, normal, np.array((0, 0, 1), np.float32)),
        "shading": clean(images["shading"], np.ones_like(albedo)),
    }
    averaged = clean(images["lambert"], images["diffuse"])
    diffuse = np.where(mixed, averaged, images["diffuse"] * maps["shading"])
    beyond = clean(np.maximum(images["beyond"], 0), albedo)
    beyond -= clean(np.maximum(-images["beyond"], 0), albedo)  # what shines less than a matte surface
    return View(np.maximum(diffuse + beyond, 0), maps, depth, mask, camera)


def _channels(
    scene: Traceable, cameras: Sequence[Camera], height: int, width: int, samples: int, seed: int
) -> dict[str, Array]:
    """Every sample of every pixel, row by row and camera by camera: {name: (N * H * W * S, C)}."""
    import drjit as dr
    import mitsuba as mi

    count = len(cameras) * height * width * samples
    sampler = mi.load_dict({"type": "independent"})
    sampler.seed(seed, count)
    index, per_pixel = dr.arange(mi.UInt32, count), dr.opaque(mi.UInt32, samples)
    place = dr.select(index % per_pixel == 0, mi.Point2f(0.5, 0.5), mi.Point2f(sampler.next_2d()))
    ray, right, up, back = _rays(cameras, width, height, index // per_pixel, place)

    hit = scene.lit.ray_intersect(mi.Ray3f(ray))
    twin = scene.read.ray_intersect(mi.Ray3f(ray))
    seen = hit.is_valid() & ~hit.shape.is_emitter()
    dr.eval(seen)  # by itself, and the twin by itself: OptiX traces one scene in a kernel
    material = twin.bsdf()
    tilt = mi.Vector3f(*(material.eval_attribute_1(slot, twin, seen) * 2 - 1 for slot in TILT_SLOTS))
    normal = dr.normalize(twin.sh_frame.to_world(tilt))
    away = dr.dot(normal, ray.d)  # what is seen faces the camera, however its triangle or its relief is tilted
    normal = dr.select(away > 0, dr.normalize(normal - 1.02 * away * ray.d), normal)
    albedo = material.eval_attribute_3("base_color", twin, seen)
    metallic = material.eval_attribute_1("metallic", twin, seen)
    roughness = material.eval_attribute_1("roughness", twin, seen)
    dr.eval(normal, albedo, metallic, roughness)
    diffuse = albedo * (1 - metallic)
    irradiance, beyond = incoming(scene.lit, sampler, FirstHit(ray, hit, normal, diffuse, seen))
    result = {
        "beyond": beyond,
        "diffuse": diffuse,
        "lambert": diffuse * irradiance * dr.inv_pi,
        "albedo": albedo,
        "roughness": roughness,
        "metallic": metallic,
        "normal": mi.Color3f(dr.dot(normal, right), dr.dot(normal, up), dr.dot(normal, back)),
        "shading": irradiance * dr.inv_pi,
        "is_surface": dr.select(seen, 1.0, 0.0),
        "depth": dr.select(hit.is_valid(), dr.dot(hit.p - ray.o, -back), 0),
    }
    dr.eval(*result.values())  # one kernel for all that is left
    return {name: np.array(values).reshape(-1, count).T for name, values in result.items()}


def denoise(image: Array, albedo: Array, *, normal: Array, quality: Quality) -> Array:
    """Linear light (H, W, 3) float32 without the noise of few samples, guided by exact albedo and normals."""
    import pyoidn

    guides = [np.ascontiguousarray(guide, np.float32) for guide in (image, albedo, normal)]
    clean = pyoidn.denoise(guides[0], albedo=guides[1], normal=guides[2], hdr=True, clean_aux=True, quality=quality)
    result: Array = np.maximum(np.asarray(clean, np.float32), 0)
    return result

"""Light at the first surface that rays meet: irradiance, and what a material sends back beyond a matte one, apart.

At few paths of a pixel diffuse light is noisier than most reflections are bright, and a denoiser of their sum takes
both away: what is left shows nobody which surface is smooth. Apart, each is denoised by itself.
"""

from typing import Any, NamedTuple

PATH_DEPTH = 5  # surfaces on a path, the first included
BRIGHTEST = 30.0  # radiance of a path sample above which it is a firefly


class FirstHit(NamedTuple):
    """Where rays meet the scene.

    hit: interaction in the lit scene. normal: unit, in the world, with the relief, towards the ray. diffuse: albedo
    (1 - metallic), linear. seen: False where a lamp or nothing is hit.
    """

    ray: Any
    hit: Any
    normal: Any
    diffuse: Any
    seen: Any


def incoming(scene: Any, sampler: Any, first: FirstHit) -> tuple[Any, Any]:
    """Irradiance, and the radiance beyond diffuse x irradiance / pi: a linear colour of each ray.

    The second is all that lamps and sky send. Of a surface it is what its metallic-roughness material (Burley 2012)
    scatters more than a Lambertian one, negative where less: reflections.
    """
    import drjit as dr
    import mitsuba as mi

    hit, normal, seen = first.hit, first.normal, first.seen
    context, bsdf = mi.BSDFContext(), hit.bsdf(first.ray)

    # emitters, sampled for both
    lamp, arrives = scene.sample_emitter_direction(hit, sampler.next_2d(), True, seen)
    facing = dr.select(_is_before(hit, lamp.d), dr.maximum(dr.dot(lamp.d, normal), 0), 0)
    scatters, chance = bsdf.eval_pdf(context, hit, hit.to_local(lamp.d), seen)
    irradiance = arrives * facing * _share(lamp, facing * dr.inv_pi)
    beyond = arrives * (scatters - first.diffuse * dr.inv_pi * facing) * _share(lamp, chance)

    # a path of the cosine lobe
    around = mi.warp.square_to_cosine_hemisphere(sampler.next_2d())
    path = hit.spawn_ray(mi.Frame3f(normal).to_world(around))
    before = seen & _is_before(hit, path.d)
    irradiance = irradiance + _along(scene, sampler, hit, path, around.z * dr.inv_pi, before) * dr.pi

    # a path of the material's own lobes
    scattered, weight = bsdf.sample(context, hit, sampler.next_1d(), sampler.next_2d(), seen)
    path = hit.spawn_ray(hit.to_world(scattered.wo))
    lit = seen & (scattered.pdf > 0)
    facing = dr.select(_is_before(hit, path.d), dr.maximum(dr.dot(path.d, normal), 0), 0)
    lambert = first.diffuse * dr.inv_pi * facing / dr.maximum(scattered.pdf, 1e-9)
    beyond = beyond + (weight - lambert) * _along(scene, sampler, hit, path, scattered.pdf, lit)

    shining = dr.select(seen, 0, hit.emitter(scene).eval(hit))
    return dr.select(seen & dr.isfinite(irradiance), irradiance, 0), _bounded(dr.select(seen, beyond, shining))


def _is_before(hit: Any, way: Any) -> Any:
    """Whether a way leads to the side of the surface that is seen, whatever its relief says."""
    import drjit as dr

    return dr.dot(way, hit.n) * dr.dot(hit.to_world(hit.wi), hit.n) > 0


def _share(lamp: Any, chance: Any) -> Any:
    """Of a sampled emitter that a path would meet with this chance: the balance heuristic (Veach 1995)."""
    import drjit as dr

    return dr.select(lamp.delta, 1, lamp.pdf / dr.maximum(lamp.pdf + chance, 1e-9))


def _along(scene: Any, sampler: Any, hit: Any, path: Any, chance: Any, active: Any) -> Any:
    """Radiance that comes back along paths of this chance: all of what surfaces send, its share of what shines."""
    import drjit as dr
    import mitsuba as mi

    tracer = mi.load_dict({"type": "path", "max_depth": PATH_DEPTH - 1, "rr_depth": 4})
    total, _, _ = tracer.sample(scene, sampler, mi.RayDifferential3f(path), None, active)
    met = scene.ray_intersect(path, active)
    shines = met.emitter(scene, active).eval(met, active)
    sampled = scene.pdf_emitter_direction(hit, mi.DirectionSample3f(scene, met, hit), active)
    share = chance / dr.maximum(chance + sampled, 1e-9)
    return dr.select(active, shines * share + dr.maximum(_bounded(total) - _bounded(shines), 0), 0)


def _bounded(light: Any) -> Any:
    """Without fireflies, and finite."""
    import drjit as dr

    return dr.clip(dr.select(dr.isfinite(light), light, 0), -BRIGHTEST, BRIGHTEST)

"""Materials: (n, n) patterns in [0, 1] mixed into linear Rec. 709 base colours, as `principled` BSDFs of Mitsuba."""

import mitsuba as mi
import numpy as np

SEED = 2024


def linear(srgb):
    """Decode sRGB (IEC 61966-2-1, piecewise)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def encode_srgb(image):
    """Clip to [0, 1] and encode as sRGB (piecewise)."""
    image = np.clip(image, 0, 1)
    return np.where(image <= 0.0031308, image * 12.92, 1.055 * image ** (1 / 2.4) - 0.055)


def colour(code):
    """The linear colour of an sRGB hex code."""
    return linear(np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)]) / 255)


def mix(a, b, t):
    """Blend two colours, or hex codes, by a pattern: (n, n, 3)."""
    a, b = (colour(c) if isinstance(c, str) else c for c in (a, b))
    return a * (1 - np.asarray(t)[..., None]) + b * np.asarray(t)[..., None]


def noise(n=256, slope=1.4, stretch=1.0):
    """Tileable noise with a 1/f^slope spectrum, `stretch` times longer along u."""
    fy, fx = np.meshgrid(np.fft.fftfreq(n) * n, np.fft.fftfreq(n) * n, indexing="ij")
    spectrum = (
        np.fft.fft2(np.random.default_rng(SEED).normal(size=(n, n)))
        / np.maximum(np.hypot(fy, fx * stretch), 1) ** slope
    )
    value = np.fft.ifft2(spectrum).real
    return np.clip(0.5 + 0.2 * (value - value.mean()) / value.std(), 0, 1)


def plane(n=256):
    """Texture coordinates u and v of the texel centres, (n, n) each."""
    return np.meshgrid((np.arange(n) + 0.5) / n, (np.arange(n) + 0.5) / n)


def wood(light, dark, planks=1, gloss=0.35, n=512):
    """Boards along u with grain, a tone of their own and dark joints."""
    u, v = plane(n)
    row = np.minimum((v * planks).astype(int), planks - 1)
    rng = np.random.default_rng(SEED)
    shift, tone = rng.integers(0, n, planks), rng.uniform(-0.25, 0.25, planks) * (planks > 1)
    grain = 0.5 * noise(n, 1.3, 14) + 0.5 * (0.5 + 0.5 * np.sin(60 * noise(n, 2.0, 10)))
    grain = grain[np.arange(n)[:, None], (np.arange(n)[None] + shift[row]) % n]
    joint = (np.abs(v * planks - row) < 0.02) | (np.abs((u + 0.37 * row) % 1 - 0.5) < 0.0015)
    seam = joint * (planks > 1)
    base = mix(light, dark, np.clip(0.7 * grain + tone[row], 0, 1)) * (1 - 0.7 * seam)[..., None]
    return material(base, gloss + 0.25 * grain + 0.3 * seam)


def paint(code, gloss=0.75):
    """A matte wall colour with faint mottling."""
    spots = noise(256, 1.0)
    return material(colour(code) * (0.96 + 0.08 * spots)[..., None], gloss + 0.1 * (spots - 0.5))


def metal(code, gloss, brushed=1.0):
    """A metal whose roughness, and a little its colour, is scratched `brushed` times longer along u."""
    scratches = noise(256, 0.7, brushed)
    return material(colour(code) * (0.92 + 0.12 * scratches)[..., None], gloss + 0.25 * (scratches - 0.5), 1.0)


def weave(a, b, pattern, threads=96):
    """Two yarns in a plain weave; `pattern` says where the second one shows."""
    u, v = plane(512)
    over = 0.5 + 0.5 * np.sin(2 * np.pi * threads * u) * np.sin(2 * np.pi * threads * v)
    return material(mix(a, b, pattern(u, v)) * (0.75 + 0.3 * over)[..., None], 0.9 - 0.1 * over)


def kilim(u, v):
    """Diamonds between striped borders."""
    x, y = np.abs((u * 4) % 1 - 0.5), np.abs((v * 6) % 1 - 0.5)
    diamonds = ((x + y) * 5 % 1 < 0.45).astype(float)
    edge = np.minimum(np.minimum(u, 1 - u) * 4, np.minimum(v, 1 - v) * 6)
    return np.where(edge < 0.5, (edge * 6 % 1 < 0.5) * 1.0, diamonds)


def gingham(u, v):
    """Checks in three tones."""
    return 0.5 * ((u * 4 % 1 < 0.5) * 1.0 + (v * 4 % 1 < 0.5))


def painting():
    """A made-up landscape: a sun over hills."""
    u, v = plane(512)
    base = mix("f1d9b5", "e2906a", v)
    base[np.hypot(u - 0.64, v - 0.4) < 0.16] = colour("d8452f")
    for level, height, wave, code in [(0.5, 0.09, 5, "7c9a92"), (0.64, 0.1, 4, "37647a"), (0.8, 0.07, 6, "1d3349")]:
        base[v > level + height * np.sin(wave * u + 9 * level)] = colour(code)
    return material(base * (0.9 + 0.2 * noise(512, 0.8))[..., None], 0.55 + 0.2 * noise(512, 0.8))


def masonry(codes, joint, columns, rows, gap, offset, gloss):
    """Bricks or slabs between two colours, every second row moved by `offset`."""
    u, v = plane(512)
    row = (v * rows).astype(int)
    across = u * columns + offset * (row % 2)
    fx, fy = across % 1, v * rows % 1
    seam = (np.minimum(fx, 1 - fx) * rows / columns < gap) | (np.minimum(fy, 1 - fy) < gap)
    pick = np.random.default_rng(SEED).random((rows, columns + 1))[row, across.astype(int) % columns]
    base = mix(codes[0], codes[1], pick) * (0.8 + 0.4 * noise(512, 0.8))[..., None]
    return material(np.where(seam[..., None], colour(joint), base), gloss + 0.3 * seam + 0.1 * pick)


def material(base, roughness, metallic=0.0):
    """A two-sided principled BSDF; every one has the same plugins, so that all scenes share a kernel."""

    def texture(values):
        values = np.asarray(values, np.float32)
        values = np.broadcast_to(values, (2, 2, 3)) if values.ndim == 1 else values
        values = np.full((2, 2), values, np.float32) if values.ndim == 0 else values
        bitmap = mi.Bitmap(np.ascontiguousarray(np.clip(values.reshape(*values.shape[:2], -1), 0.02, 0.97)))
        return {"type": "bitmap", "bitmap": bitmap, "raw": True}

    base = colour(base) if isinstance(base, str) else base
    principled = {"type": "principled", "base_color": texture(base), "roughness": texture(roughness)}
    return mi.load_dict({"type": "twosided", "bsdf": principled | {"metallic": metallic, "specular": 0.5}})

"""Render the example material: a clip of a room, three views of a terrace, and a sheet of the room's true maps.

    pip install mitsuba pyoidn av pillow        # and on Debian: apt install libllvm19
    python examples/render_examples.py          # about 40 minutes on two cores; --draft is rougher and takes ten
    python examples/render_examples.py sheet    # only some of: clip, views, sheet

Everything comes from code and fixed seeds; no model, texture or picture of anybody else is used.
Images are (H, W, 3) float32, linear Rec. 709, until they are written.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("DRJIT_LIBLLVM_PATH", "/usr/lib/x86_64-linux-gnu/libLLVM.so.19.1")  # 14 to 16 abort

import av
import drjit as dr
import mitsuba as mi
import numpy as np
import pyoidn
from PIL import Image, ImageDraw, ImageFont
from scenery import materials, scenes

REPOSITORY = Path(__file__).resolve().parent.parent
CLIP_FRAMES, CLIP_FPS, CLIP_SIZE, SHEET_FRAME = 48, 24, (640, 360), 30
VIEW_SIZE = (640, 426)
MEAN_LIGHT = 0.2  # of the first picture, linear
SAMPLES_PER_PASS = 16  # 3.7 million paths at once: about 1 GB
BRIGHTEST_SAMPLE = 12.0  # a path that brings more light than this is a firefly


def render(layers, camera, size, samples, with_shading=False):
    """Averages over the pixels: colour, base colour, normal, (metallic, roughness, 0) and diffuse shading.

    `layers` are one scene under different lights, whose light adds up.
    """
    (width, height), total = size, None
    for seed in range(samples // SAMPLES_PER_PASS):
        channels = trace(layers, camera, width, height, seed, with_shading)
        dr.eval(*channels)  # one kernel for all of them
        averages = np.stack([np.array(dr.block_sum(c, SAMPLES_PER_PASS)) for c in channels], -1) / SAMPLES_PER_PASS
        total = averages if total is None else total + averages
    image = (total / (samples // SAMPLES_PER_PASS)).reshape(height, width, -1).astype(np.float32)
    names = ("colour", "albedo", "normal", "surface", "shading")
    return dict(zip(names, np.split(image, image.shape[2] // 3, 2), strict=False))


def trace(layers, camera, width, height, seed, with_shading):
    """Trace one pass: three colour channels after another, for every sample of every pixel."""
    count = width * height * SAMPLES_PER_PASS
    sampler = mi.load_dict({"type": "independent"})
    sampler.seed(seed, count)
    pixel = dr.arange(mi.UInt32, count) // SAMPLES_PER_PASS
    jitter, half = sampler.next_2d(), np.tan(np.radians(camera.width_deg / 2))
    x = ((mi.Float(pixel % width) + jitter.x) / width * 2 - 1) * half
    y = (1 - (mi.Float(pixel // width) + jitter.y) / height * 2) * half * height / width
    origin, *axes = [[dr.opaque(mi.Float, float(v)) for v in row] for row in (camera.origin, *camera.axes())]
    right, up, back = [mi.Vector3f(*axis) for axis in axes]
    ray = mi.RayDifferential3f(mi.Ray3f(mi.Point3f(*origin), dr.normalize(right * x + up * y - back)))

    hit = layers[0].ray_intersect(mi.Ray3f(ray))
    bsdf, normal = hit.bsdf(), hit.sh_frame.n
    normal = dr.select(dr.dot(normal, ray.d) > 0, -normal, normal)
    is_hit = hit.is_valid()
    surface = [bsdf.eval_attribute_1(name, hit, is_hit) for name in ("metallic", "roughness")]
    result = [
        sum(light(layer, sampler, ray) for layer in layers),
        bsdf.eval_attribute_3("base_color", hit, is_hit),
        mi.Color3f(*(dr.dot(normal, axis) for axis in (right, up, back))),
        mi.Color3f(*surface, 0),
    ]
    if with_shading:
        result.append(sum(irradiance(layer, sampler, hit, normal) for layer in layers) * dr.inv_pi)
    return [dr.select(is_hit | (k == 0), channel, 0) for k, colours in enumerate(result) for channel in colours]


def light(scene, sampler, ray, active=True):
    """Light that arrives along a ray, without fireflies."""
    paths = mi.load_dict({"type": "path", "max_depth": 7, "rr_depth": 5})
    colours, _, _ = paths.sample(scene, sampler, ray, None, active)
    return dr.minimum(dr.select(dr.isfinite(colours), colours, 0), BRIGHTEST_SAMPLE)


def irradiance(scene, sampler, hit, normal):
    """Light from the emitters at the first hit, and along one ray of the cosine lobe what is not seen of them."""
    frame, is_hit = mi.Frame3f(normal), hit.is_valid()
    sample, direct = scene.sample_emitter_direction(hit, sampler.next_2d(), True, is_hit)
    ray = hit.spawn_ray(frame.to_world(mi.warp.square_to_cosine_hemisphere(sampler.next_2d())))
    beyond = scene.ray_intersect(ray, is_hit)
    indirect = light(scene, sampler, mi.RayDifferential3f(ray), is_hit) - beyond.emitter(scene).eval(beyond, is_hit)
    return direct * dr.maximum(dr.dot(sample.d, normal), 0) + dr.maximum(indirect, 0) * dr.pi


def denoise(image, maps, albedo=None):
    """Denoise linear light, guided by the exact base colour and normal."""
    guides = [np.ascontiguousarray(g) for g in (image, maps["albedo"] if albedo is None else albedo, maps["normal"])]
    return pyoidn.denoise(guides[0], albedo=guides[1], normal=guides[2], hdr=True, clean_aux=True)


def exposure(image):
    """The gain that gives a picture the mean light."""
    return MEAN_LIGHT / image.mean()


def as_bytes(image):
    """Round [0, 1] to 8 bits."""
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def write_clip(room, samples):
    """H.264 in 4:2:0, limited range, matrix and tags of BT.709; the pixels are sRGB-encoded."""
    with av.open(REPOSITORY / "examples" / "room.mp4", "w", options={"movflags": "+faststart"}) as output:
        stream = output.add_stream("libx264", rate=CLIP_FPS, options={"crf": "12", "preset": "veryslow"})
        stream.width, stream.height = CLIP_SIZE
        stream.pix_fmt = "yuv420p"
        codec = stream.codec_context
        codec.color_primaries = codec.color_trc = codec.colorspace = 1  # BT.709
        codec.color_range = 1  # limited
        gain = None
        for index in range(CLIP_FRAMES):
            maps = render(room, scenes.room_camera(index / (CLIP_FRAMES - 1)), CLIP_SIZE, samples)
            image = denoise(maps["colour"], maps)
            gain = gain or exposure(image)
            picture = av.VideoFrame.from_ndarray(as_bytes(materials.encode_srgb(image * gain)), format="rgb24")
            picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
            output.mux(stream.encode(picture))
            print(f"room.mp4: frame {index + 1} of {CLIP_FRAMES}", flush=True)
        output.mux(stream.encode())


def write_views(samples):
    """Three photographs of the terrace, exposed like the first."""
    terrace, gain = scenes.terrace(), None
    for index, camera in enumerate(scenes.TERRACE_CAMERAS):
        maps = render(terrace, camera, VIEW_SIZE, samples)
        image = denoise(maps["colour"], maps)
        gain = gain or exposure(image)
        path = REPOSITORY / "examples" / "views" / f"terrace_{index + 1}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(as_bytes(materials.encode_srgb(image * gain))).save(path, quality=92, optimize=True)
        print(path, flush=True)


def write_sheet(room, samples):
    """One frame of the clip beside its true maps, encoded as the tool writes its own."""
    maps = render(room, scenes.room_camera(SHEET_FRAME / (CLIP_FRAMES - 1)), CLIP_SIZE, samples, with_shading=True)
    image = denoise(maps["colour"], maps)
    shading = denoise(maps["shading"], maps, albedo=np.ones_like(image))
    metallic, roughness = (np.repeat(maps["surface"][..., k : k + 1], 3, 2) for k in (0, 1))
    gain = exposure(image)
    cells = {
        "input": materials.encode_srgb(image * gain),
        "albedo": materials.encode_srgb(maps["albedo"]),
        "shading": materials.encode_srgb(shading * gain),
        "normal": maps["normal"] * 0.5 + 0.5,
        "roughness": roughness,
        "metallic": metallic,
    }
    width, height, gap, caption = 416, 234, 8, 26
    sheet = Image.new("RGB", (3 * width + 4 * gap, 2 * (height + caption) + gap + 20), "white")
    draw = ImageDraw.Draw(sheet)
    for k, (name, cell) in enumerate(cells.items()):
        x, y = gap + k % 3 * (width + gap), gap + k // 3 * (height + caption)
        sheet.paste(Image.fromarray(as_bytes(cell)).resize((width, height), Image.Resampling.LANCZOS), (x, y))
        draw.text((x + width / 2, y + height + 4), name, "#222222", ImageFont.load_default(15), anchor="ma")
    note = "rendered ground truth of one frame of examples/room.mp4, not the output of a network"
    draw.text((sheet.width - gap, sheet.height - 6), note, "#555555", ImageFont.load_default(12), anchor="rs")
    path = REPOSITORY / "docs" / "images" / "maps.png"
    path.parent.mkdir(exist_ok=True)
    sheet.save(path, optimize=True)
    print(path, flush=True)


def main():
    """Render what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=["clip", "views", "sheet"], default=["clip", "views", "sheet"])
    parser.add_argument("--draft", action="store_true", help="16 samples a pixel")
    options = parser.parse_args()
    mi.set_variant("llvm_ad_rgb")
    mi.set_log_level(mi.LogLevel.Error)
    room = scenes.room() if {"clip", "sheet"} & set(options.parts) else None
    if "sheet" in options.parts:
        write_sheet(room, 16 if options.draft else 256)
    if "views" in options.parts:
        write_views(16 if options.draft else 128)
    if "clip" in options.parts:
        write_clip(room, 16 if options.draft else 64)


if __name__ == "__main__":
    main()

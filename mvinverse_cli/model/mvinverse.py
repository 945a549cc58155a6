"""The network: N views of one scene in, five maps of each view out.

Attribute names are the published checkpoint's keys. B scenes, N frames, n frames of a batch, T tokens of a frame
(registers, then patches), C channels, H W pixels, h w patches.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from ..maps import MAPS, SPECS, MapName
from .attention import Seen, attend_across, choose_seen
from .block import Block
from .bypass import build_bypass, bypass_channels, bypass_size
from .config import ModelConfig
from .dpt import DPTHead
from .rope import patch_positions, rope_table
from .second_look import merged, seen_again
from .slopes import steepened
from .vit import VisionTransformer

# Of the pictures the network was trained on (ImageNet's), in the checkpoint as buffers.
IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_STD = (0.229, 0.224, 0.225)

TOKEN_LEVELS = slice(2, 4)  # of the bypass: the one that meets the token grid, and the next coarser


@dataclass(frozen=True)
class Attended:
    """Frames that have seen each other: what the heads need to make their maps."""

    images: Tensor  # (B, N, 3, H, W) as they were given
    levels: Sequence[Sequence[Tensor]]  # of each frame batch four, (B * n, h * w, 2 C)
    pyramids: Sequence[Sequence[Tensor]]  # of each frame batch the bypass's four, or none where heads run it
    grid: tuple[int, int]
    frame_batch: int  # n, frames of each scene in a batch (fewer in the last)
    again: "Attended | None" = None  # the same frames, smaller and mirrored, where they are looked at twice


class MVInverse(nn.Module):
    """MVInverse (CVPR 2026): DINOv2 encoder, alternating decoder, convolutional bypass, five DPT heads.

    `ModelConfig()` is the published network, whose file loads strictly. All tokens, their keys and values in one block
    at a time, and the levels that the heads read are held for all frames; everything else for `frame_batch` frames.
    """

    image_mean: Tensor
    image_std: Tensor

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.register_token = nn.Parameter(torch.zeros(1, 1, config.registers, config.dim))
        self.register_buffer("image_mean", torch.tensor(IMAGE_MEAN).view(1, 3, 1, 1))
        self.register_buffer("image_std", torch.tensor(IMAGE_STD).view(1, 3, 1, 1))
        channels = bypass_channels(config)
        self.encoder = VisionTransformer(config, channels[TOKEN_LEVELS] if config.bypass_tokens else ())
        self.decoder = nn.ModuleList(
            Block(config.dim, config.heads, config.mlp_ratio, qk_norm=True, scale=0.01)
            for _ in range(config.decoder_depth)
        )
        self.res_encoder = build_bypass(config)
        for name in MAPS:
            seen = channels if name in config.bypass_maps else ()
            self.add_module(f"{name}_head", DPTHead(config, SPECS[name].channels, seen))
        for name in config.sloped_maps:
            self.register_buffer(f"{name}_slopes", torch.ones(2))  # below and above one half

    def forward(self, images: Tensor, *, maps: Sequence[MapName] = MAPS, frame_batch: int = 1) -> dict[MapName, Tensor]:
        """Maps of every view, seen together: `attend`, then `read_out` of all frames.

        images: (B, N, 3, H, W) in [0, 1] on the curve `config.input_transfer`, H and W multiples of the patch size.
        maps: those wanted; the heads of others do not run.
        frame_batch: frames, of all scenes together, that go through at once; same numbers.
        Returns (B, N, H, W, C) float32 for each map: albedo and shading in [0, 1] on the config's curves, metallic and
        roughness in [0, 1], normals of unit length in camera space (OpenGL axes).
        """
        return self.read_out(self.attend(images, frame_batch=frame_batch), slice(None), maps)

    def attend(
        self,
        images: Tensor,
        *,
        frame_batch: int = 1,
        kv_stride: int = 1,
        kv_mean: bool = False,
        levels_dtype: torch.dtype | None = None,
        levels_device: torch.device | None = None,
        looks: int = 1,
    ) -> Attended:
        """Lets all frames see each other: all but the heads.

        images: as in `forward`, or on the host, from where each batch is then fetched.
        frame_batch: frames, of all scenes together (but one of each at least), that go through at once; same numbers.
        kv_stride, kv_mean: how many times fewer patches are seen across frames (`choose_seen`).
        levels_dtype, levels_device: how and where to keep what the heads will read; as and where it was computed.
        looks: 2: once more, smaller and mirrored (`second_look`).
        """
        scenes, _, _, height, width = images.shape
        patch_size = self.config.patch_size
        if height % patch_size or width % patch_size:
            raise ValueError(f"pictures of {width}x{height}: sides must be multiples of {patch_size}")
        grid = (height // patch_size, width // patch_size)
        device = self.register_token.device
        seen = choose_seen(grid, self.config.registers, stride=kv_stride, mean=kv_mean, device=device)
        share = max(1, frame_batch // scenes)
        keep = partial(Tensor.to, device=levels_device, dtype=levels_dtype)
        pieces, pyramids = [], []
        for batch in images.split(share, dim=1):
            frames = self.normalise(batch)
            # What joins the tokens is kept for the heads: less than a level, and the bypass is the dearer part.
            pyramid = self.see(frames) if self.config.bypass_tokens else []
            tokens = self.encoder(frames, pyramid[TOKEN_LEVELS])  # (B * n, h * w, C)
            pieces.append(tokens.unflatten(0, (scenes, -1)))
            pyramids.append([keep(level) for level in pyramid])
        levels = self.decode(pieces, grid, seen, keep)
        again = None
        if looks > 1:
            again = self.attend(
                seen_again(images, patch_size),
                frame_batch=frame_batch,
                kv_stride=kv_stride,
                kv_mean=kv_mean,
                levels_dtype=levels_dtype,
                levels_device=levels_device,
            )
        return Attended(images, levels, pyramids, grid, share, again)

    def normalise(self, images: Tensor) -> Tensor:
        """(B, n, 3, H, W), perhaps on the host -> (B * n, 3, H, W) on the device, as the network computes."""
        frames = (images.to(self.image_mean.device).flatten(0, 1) - self.image_mean) / self.image_std
        return frames.to(self.register_token.dtype)

    def see(self, frames: Tensor) -> list[Tensor]:
        """Normalised frames (n, 3, H, W) -> the four levels of the bypass, fine to coarse."""
        height, width = frames.shape[-2:]
        size = bypass_size((height, width), self.config.patch_size)
        return self.res_encoder(interpolate(frames, size, mode="bilinear"))

    def decode(
        self, pieces: list[Tensor], grid: tuple[int, int], seen: Seen, keep: Callable[[Tensor], Tensor]
    ) -> list[list[Tensor]]:
        """Patch tokens in pieces (B, n, h * w, C) -> of each piece the four levels that the heads read,
        (B * n, h * w, 2 C) each, as `keep` makes them. Empties `pieces`: no more than needed is held."""
        config = self.config
        positions = patch_positions(*grid, config.registers, self.register_token.device)
        rope = rope_table(positions, config.dim // config.heads, config.rope_base)
        x = []
        while pieces:
            tokens = pieces.pop(0)
            x.append(torch.cat([self.register_token.expand(*tokens.shape[:2], -1, -1), tokens], dim=2))  # (B, n, T, C)
        levels: list[list[Tensor]] = [[] for _ in x]
        for pair in range(config.decoder_depth // 2):
            within, across = self.decoder[2 * pair], self.decoder[2 * pair + 1]
            assert isinstance(across, Block)
            for i, piece in enumerate(x):
                x[i] = within(piece.flatten(0, 1), rope).view_as(piece)
            for i, piece in enumerate(attend_across(across, x, rope, seen)):
                if pair in config.levels:
                    both = [part[:, :, config.registers :] for part in (x[i], piece)]
                    levels[i].append(keep(torch.cat(both, dim=-1).flatten(0, 1)))
                x[i] = piece
        return levels

    def read_out(self, attended: Attended, frames: slice, maps: Sequence[MapName] = MAPS) -> dict[MapName, Tensor]:
        """The heads, for some of the frames: each map as `forward` returns it, (B, n, H, W, C) for n frames, merged out
        of both looks where there were two, and then as steep as it was calibrated."""
        values = self.read_look(attended, frames, maps)
        if attended.again is not None:
            values = merged(values, self.read_look(attended.again, frames, maps), self.config.patch_size)
        for name in (name for name in maps if name in self.config.sloped_maps):
            values[name] = steepened(values[name], *self.get_buffer(f"{name}_slopes"))
        return values

    def read_look(self, attended: Attended, frames: slice, maps: Sequence[MapName]) -> dict[MapName, Tensor]:
        """What the heads make of one look at some of the frames, (B, n, H, W, C).

        The batches are those of `attend` whatever is asked for, so that a part has the bits that it has in the whole.
        """
        first, last, _ = frames.indices(attended.images.shape[1])
        share = attended.frame_batch
        parts = []
        for index in range(first // share, -(-last // share)):
            part = self.read_batch(attended, index, maps)
            own = slice(max(0, first - index * share), last - index * share)
            parts.append({name: values[:, own] for name, values in part.items()})
        return {name: torch.cat([part[name] for part in parts], dim=1) for name in maps}

    def read_batch(self, attended: Attended, index: int, maps: Sequence[MapName]) -> dict[MapName, Tensor]:
        """The heads for one batch of frames: (B, n, H, W, C) of each map."""
        images = attended.images.split(attended.frame_batch, dim=1)[index]
        frames = self.normalise(images)
        fetch = partial(Tensor.to, device=frames.device, dtype=frames.dtype)
        levels = [fetch(level) for level in attended.levels[index]]
        pyramid = [fetch(level) for level in attended.pyramids[index]]
        seeing = self.config.bypass_maps
        if not pyramid and any(name in seeing for name in maps):
            pyramid = self.see(frames)
        outputs = {}
        for name in maps:
            head = self.get_submodule(f"{name}_head")
            raw = head(levels, attended.grid, pyramid if name in seeing else None, frames)  # (B * n, C, H, W)
            raw = raw.float().permute(0, 2, 3, 1).unflatten(0, images.shape[:2])
            outputs[name] = normalize(raw.tanh(), dim=-1) if SPECS[name].kind == "vector" else raw.sigmoid()
        return outputs

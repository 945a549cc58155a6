"""One pre-norm transformer block: 24 in the encoder, 36 in the decoder.

Attribute names (`attn.qkv`, `ls1.gamma`, ...) are the published checkpoint's keys: rename a class freely, never an
attribute. B sequences, T tokens, S tokens that are seen, C channels, D = C // heads.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

from .rope import Rope, rotate


class Attention(nn.Module):
    """Multi-head self-attention through PyTorch's fused kernels, on every device."""

    def __init__(self, dim: int, heads: int, *, qk_norm: bool):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        # eps 1e-5 here and 1e-6 in Block: the checkpoint was trained so
        self.q_norm = nn.LayerNorm(dim // heads) if qk_norm else nn.Identity()
        self.k_norm = nn.LayerNorm(dim // heads) if qk_norm else nn.Identity()

    def forward(self, x: Tensor, rope: Rope | None = None) -> Tensor:
        """Each sequence sees itself: (B, T, C) -> (B, T, C)."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        q, k = self.q_norm(q), self.k_norm(k)  # (B, heads, T, D)
        if rope is not None:
            q, k = rotate(q, rope), rotate(k, rope)
        out = scaled_dot_product_attention(q.to(v.dtype), k.to(v.dtype), v)
        return self.proj(out.transpose(1, 2).flatten(2))

    def keys_values(self, x: Tensor, rope: Rope) -> tuple[Tensor, Tensor]:
        """What others see of the tokens x (B, T, C): keys, normalised and turned, and values, (B, heads, T, D) each."""
        own = slice(x.shape[-1], None)
        both = linear(x, self.qkv.weight[own], self.qkv.bias[own])
        k, v = both.unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        return rotate(self.k_norm(k), rope).to(v.dtype), v

    def attend(self, x: Tensor, keys: Tensor, values: Tensor, rope: Rope) -> Tensor:
        """What the tokens x (B, T, C) see in keys and values (B, heads, S, D) -> (B, T, C)."""
        own = slice(0, x.shape[-1])
        q = linear(x, self.qkv.weight[own], self.qkv.bias[own]).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        q = rotate(self.q_norm(q), rope)  # (B, heads, T, D)
        out = scaled_dot_product_attention(q.to(values.dtype), keys, values)
        return self.proj(out.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Two linear layers around the exact (error function) GELU."""

    def __init__(self, dim: int, ratio: float):
        super().__init__()
        self.fc1 = nn.Linear(dim, int(dim * ratio))
        self.fc2 = nn.Linear(int(dim * ratio), dim)

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) -> (..., C)."""
        return self.fc2(nn.functional.gelu(self.fc1(x)))


class LayerScale(nn.Module):
    """A learned gain per channel on a residual branch (CaiT, equation 3); it starts small so that a block starts as
    nearly the identity."""

    def __init__(self, dim: int, scale: float):
        super().__init__()
        self.gamma = nn.Parameter(torch.full((dim,), scale))

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) -> (..., C)."""
        return x * self.gamma


class Block(nn.Module):
    """Attention and MLP, each normalised before, scaled after and added to its input."""

    def __init__(self, dim: int, heads: int, mlp_ratio: float, *, qk_norm: bool, scale: float):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attn, self.mlp = Attention(dim, heads, qk_norm=qk_norm), Mlp(dim, mlp_ratio)
        self.ls1, self.ls2 = LayerScale(dim, scale), LayerScale(dim, scale)

    def forward(self, x: Tensor, rope: Rope | None = None) -> Tensor:
        """Each sequence sees itself: (B, T, C) -> (B, T, C)."""
        x = x + self.ls1(self.attn(self.norm1(x), rope))
        return x + self.ls2(self.mlp(self.norm2(x)))

    def keys_values(self, x: Tensor, rope: Rope) -> tuple[Tensor, Tensor]:
        """Of the tokens x (B, T, C), for `attend`: (B, heads, T, D) each."""
        return self.attn.keys_values(self.norm1(x), rope)

    def attend(self, x: Tensor, keys: Tensor, values: Tensor, rope: Rope) -> Tensor:
        """As `forward` where keys and values are those of x: a part (B, T, C) of the tokens sees (B, heads, S, D)."""
        x = x + self.ls1(self.attn.attend(self.norm1(x), keys, values, rope))
        return x + self.ls2(self.mlp(self.norm2(x)))

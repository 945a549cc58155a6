"""Where maps come from: what every file written says of the weights, the source and the curves."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..color import Transfer
from ..formats import Normals
from ..maps import SPECS


def plain_text(text: str) -> str:
    """`text` as valid UTF-8: the undecodable bytes of an odd file name become `\\udcff` and the like."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


NORMAL_CONVENTIONS: Mapping[Normals, str] = {
    "opengl": SPECS["normal"].meaning,
    "directx": "camera space, +X right, +Y down, +Z to the camera (DirectX)",
}


@dataclass(frozen=True)
class About:
    """The provenance of one shot's maps."""

    software: str  # "mvinverse 0.1.0"
    model: str  # as the user knows it: small, owner/name, a path
    revision: str | None  # commit of a hub model
    sha256: str  # of the weights file
    source: str  # a video, the pattern of a sequence, the name of a set of stills
    input_transfer: Transfer
    albedo_transfer: Transfer
    shading_transfer: Transfer
    normal_convention: str = NORMAL_CONVENTIONS["opengl"]
    config_sha256: str = ""  # of the network's config, which a file of its own may hold
    source_sha256: str = ""  # of how the shot's files begin; of a sequence, which may grow, of its first picture alone

    def attributes(self, source: str | None = None) -> Mapping[str, str]:
        """Named texts for a file's header, in a fixed order; `source` is the frame's own file where it has one."""
        texts = {
            "software": self.software,
            "mvinverse/model": self.model,
            "mvinverse/revision": self.revision,
            "mvinverse/sha256": self.sha256,
            "mvinverse/source": source or self.source,
            "mvinverse/inputTransfer": self.input_transfer,
            "mvinverse/albedoTransfer": self.albedo_transfer,
            "mvinverse/shadingTransfer": self.shading_transfer,
            "mvinverse/normalConvention": self.normal_convention,
        }
        return {name: plain_text(text) for name, text in texts.items() if text}

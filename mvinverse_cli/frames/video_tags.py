"""The colour tags of a video, by the names that FFmpeg's tools print. The codes are those of ITU-T H.273."""

from collections.abc import Mapping

from av.video.codeccontext import VideoCodecContext


def _by_code(names: str) -> dict[int, str]:
    """Names in the order of their codes, from 0 on."""
    return dict(enumerate(names.split()))


_RANGES = _by_code("unknown tv pc")
_MATRICES = _by_code(
    "gbr bt709 unknown reserved fcc bt470bg smpte170m smpte240m ycgco bt2020nc bt2020c smpte2085"
    " chroma-derived-nc chroma-derived-c ictcp"
)
_PRIMARIES = _by_code(
    "reserved bt709 unknown reserved bt470m bt470bg smpte170m smpte240m film bt2020 smpte428 smpte431 smpte432"
) | {22: "ebu3213"}
_TRANSFERS = _by_code(
    "reserved bt709 unknown reserved bt470m bt470bg smpte170m smpte240m linear log100 log316 iec61966-2-4 bt1361e"
    " iec61966-2-1 bt2020-10 bt2020-12 smpte2084 smpte428 arib-std-b67"
)


def matrix_name(code: int) -> str:
    """What FFmpeg calls a colour matrix; a code without a name as it is."""
    return _MATRICES.get(code, str(code))


def color_tags(context: VideoCodecContext) -> dict[str, str]:
    """The matrix, range, primaries and transfer that a stream is tagged with; a code without a name as it is."""

    def named(names: Mapping[int, str], code: int) -> str:
        return names.get(code, str(code))

    return {
        "matrix": matrix_name(int(context.colorspace)),
        "range": named(_RANGES, int(context.color_range)),
        "primaries": named(_PRIMARIES, int(context.color_primaries)),
        "transfer": named(_TRANSFERS, int(context.color_trc)),
    }

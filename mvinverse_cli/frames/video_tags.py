"""The colour tags of a video, by the names that FFmpeg's tools print. The codes are those of ITU-T H.273."""

from collections.abc import Mapping

from av.video.codeccontext import VideoCodecContext

_RANGES = {0: "unknown", 1: "tv", 2: "pc"}
_MATRICES = {
    **{0: "gbr", 1: "bt709", 2: "unknown", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco"},
    **{9: "bt2020nc", 10: "bt2020c", 11: "smpte2085", 12: "chroma-derived-nc", 13: "chroma-derived-c", 14: "ictcp"},
}
_PRIMARIES = {
    **{1: "bt709", 2: "unknown", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020"},
    **{10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213"},
}
_TRANSFERS = {
    **{1: "bt709", 2: "unknown", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100"},
    **{10: "log316", 11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12"},
    **{16: "smpte2084", 17: "smpte428", 18: "arib-std-b67"},
}


def color_tags(context: VideoCodecContext) -> dict[str, str]:
    """The matrix, range, primaries and transfer that a stream is tagged with; a code without a name as it is."""

    def named(names: Mapping[int, str], code: int) -> str:
        return names.get(code, str(code))

    return {
        "matrix": named(_MATRICES, int(context.colorspace)),
        "range": named(_RANGES, int(context.color_range)),
        "primaries": named(_PRIMARIES, int(context.color_primaries)),
        "transfer": named(_TRANSFERS, int(context.color_trc)),
    }

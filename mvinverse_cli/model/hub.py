"""One file of a Hugging Face hub repository, in the local cache and of the content that the hub vouches for.

huggingface-hub keeps the cache, shows progress and reads HF_ENDPOINT, HF_HUB_OFFLINE, HF_TOKEN, HF_HOME; it checks
lengths but no hashes, and waits 24 s for a hub that is down. Here each download is hashed once, and asked for first
with a single request. A commit that is in the cache makes no request.
"""

import errno
import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest, sha1
from pathlib import Path
from typing import cast

from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import (
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ..errors import WeightsError, WeightsNotHereError

logger = logging.getLogger(__name__)

SHA256 = re.compile(r"[0-9a-f]{64}")  # the etag of a large file
GIT_SHA1 = re.compile(r"[0-9a-f]{40}")  # the etag of a small one, as git names its content, and a commit
CHECKED_FOLDER = ".mvinverse"  # beside `snapshots`: etags of the files whose content was found right

# The base of all network failures: HTTPError of the library that huggingface-hub makes its requests with.
NetworkError = cast(type[Exception], HfHubHTTPError.__mro__[1])


@dataclass(frozen=True)
class HubFile:
    """A file in the cache. `sha256` of its content where the hub gives one."""

    path: Path
    commit: str
    sha256: str | None


def fetch(repository: str, revision: str, filename: str, *, download: bool = True) -> HubFile | None:
    """The file `filename` of `repository` at a branch, tag or commit; None where the repository has no such file.

    With `download=False`, or HF_HUB_OFFLINE=1, only the cache is read. Where the hub cannot be reached, the cached copy
    of a branch serves, with a warning. Raises WeightsError for all else, saying what to do.
    """
    try:
        cached = try_to_load_from_cache(repository, filename, revision=revision)
    except HFValidationError as error:
        raise WeightsError(f"{repository}: no name of a hub repository: {error}") from error
    offline = constants.HF_HUB_OFFLINE or not download
    if offline or GIT_SHA1.fullmatch(revision):
        if isinstance(cached, str):
            return cached_file(Path(cached))
        if cached is not None:  # the cache remembers that the commit has no such file
            return None
    if offline:
        reason = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else "nothing was downloaded"
        raise WeightsNotHereError(
            f"{repository}@{revision}: {filename} is not in the cache {constants.HF_HUB_CACHE} and {reason}; "
            f"run `mvinverse weights pull {repository}@{revision}` with a network, or use --model FILE"
        )
    try:
        return download_file(repository, revision, filename)
    except RemoteEntryNotFoundError:
        return None
    except (NetworkError, OSError, ValueError, RuntimeError) as error:
        # LocalEntryNotFoundError is huggingface-hub's "and not in the cache either" around the cause
        cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) and error.__cause__ else error
        reason = explain(cause, repository, revision)
        if cached is not None and not isinstance(cause, RevisionNotFoundError | RepositoryNotFoundError):
            if not isinstance(cached, str):  # the cache remembers that there was no such file
                return None
            logger.warning("%s; using the copy in the cache, %s", reason, cached)
            return cached_file(Path(cached))
        raise WeightsError(reason) from error


def download_file(repository: str, revision: str, filename: str) -> HubFile:
    """The file from the hub, its content checked. Raises what huggingface-hub raises, and WeightsError."""
    logger.info("asking %s for %s of %s@%s", constants.ENDPOINT, filename, repository, revision)
    etag = None
    # hf_hub_download alone would try again and again; of a file that is not there it leaves a note in the cache
    with suppress(RemoteEntryNotFoundError):
        url = hf_hub_url(repository, filename, revision=revision)
        etag = get_hf_file_metadata(url, timeout=constants.HF_HUB_ETAG_TIMEOUT).etag
    path = Path(hf_hub_download(repository, filename, revision=revision))
    return checked_file(path, etag or blob_name(path))


def cached_file(path: Path) -> HubFile:
    """The file at `path` in the cache; hashed unless this program did so before. Raises WeightsError where it cannot be
    read."""
    note = note_of(path)
    with suppress(OSError):  # there is none, or it is another user's
        return hub_file(path, note.read_text())
    try:
        return checked_file(path, blob_name(path))
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror or error}; check the rights") from error


def checked_file(path: Path, etag: str) -> HubFile:
    """The file at `path`, its content compared with `etag`; where they differ it leaves the cache: WeightsError."""
    found = content_hash(path, etag)
    if found is None:
        logger.info("%s: the hub gives no hash of it", path)
    elif found != etag:
        discard(path)
        raise WeightsError(
            f"{path}: damaged on its way: its hash is {found}, the hub says {etag}; it was removed, run again"
        )
    note = note_of(path)
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(etag)
    except OSError as error:
        logger.info("%s: cannot be noted as checked: %s", path, error)
    return hub_file(path, etag)


def hub_file(path: Path, etag: str) -> HubFile:
    """The record of a file in the cache whose content is as `etag` says."""
    return HubFile(path, path.parent.name, etag if SHA256.fullmatch(etag) else None)


def content_hash(path: Path, etag: str) -> str | None:
    """The hash of the file at `path` of the kind that `etag` is, or None for another kind."""
    if SHA256.fullmatch(etag):
        logger.info("checking the sha256 of %s", path)
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    if GIT_SHA1.fullmatch(etag):
        content = path.read_bytes()
        return sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return None


def blob_name(path: Path) -> str:
    """The etag under which the cache keeps the content of `path`, or an empty text where it keeps no links."""
    return path.readlink().name if path.is_symlink() else ""


def note_of(path: Path) -> Path:
    """Where it is noted that the content of `snapshots/<commit>/<file>` was checked."""
    return path.parents[2] / CHECKED_FOLDER / path.parent.name / path.name


def discard(path: Path) -> None:
    """Removes the file at `path` and every link on the way to it."""
    while path.is_symlink():
        target = path.parent / path.readlink()
        path.unlink()
        path = target
    path.unlink(missing_ok=True)


def explain(error: BaseException, repository: str, revision: str) -> str:
    """What went wrong and what to do about it, in one line."""
    place = f"{repository}@{revision} on {constants.ENDPOINT}"
    said = " ".join(str(error).split())
    match error:
        case GatedRepoError():
            return f"{place}: access must be granted: ask for it on its page and set HF_TOKEN"
        case RepositoryNotFoundError():
            return f"{place}: no such repository, or a private one: check the name, or set HF_TOKEN"
        case RevisionNotFoundError():
            return f"{place}: the repository has no such revision: check the part behind @"
        case HfHubHTTPError() if error.response.status_code in (401, 403):
            return f"{place}: refused ({error.response.status_code}): set HF_TOKEN to a token that may read it"
        case HfHubHTTPError() if error.response.status_code == 429:
            return f"{place}: too many requests (429): wait some minutes, or set HF_TOKEN for a higher limit"
        case HfHubHTTPError():
            trouble = f"the hub answered {error.response.status_code}"
        case FileMetadataError():
            return f"{place}: not the answer of a hub: check HF_ENDPOINT and the proxy ({said})"
        case OSError() if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"{place}: no room in the cache {constants.HF_HUB_CACHE}: free some, or set HF_HUB_CACHE ({said})"
        case OSError() if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR):
            return f"{place}: the cache {constants.HF_HUB_CACHE} cannot be written: set HF_HUB_CACHE ({said})"
        case _:
            trouble = f"download failed ({type(error).__name__}: {said})"
    return (
        f"{place}: {trouble}: try again, set HF_ENDPOINT to a mirror, or fetch the file elsewhere and use --model FILE"
    )

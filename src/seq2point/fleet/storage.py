"""Files of this machine and of object stores (s3://, gs://), by fsspec where they are remote."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Any, NamedTuple

from seq2point.errors import DataError, Seq2PointError, UsageError
from seq2point.system.atomic_files import atomic_write, remove_leftovers

WILDCARDS = frozenset("*?[")
CLOUD_PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
"""What fsspec needs beside itself, by the protocol of an address."""
LISTED_AGAIN = "etag", "ETag", "md5Hash", "mtime", "LastModified", "last_modified", "updated"
"""What an object store says of a version of a file; the first that is there counts."""


class OutputError(Seq2PointError):
    """The output cannot be written: no home could be, so that the run ends."""


class StoredFile(NamedTuple):
    """A file by its path or address, and a stamp that changes with its content: of size and time,
    or of a store's own digest.
    """

    address: str
    stamp: str


def is_remote(address: str) -> bool:
    """Return whether an address is one of a store, as s3://bucket/key."""
    return "://" in address


def list_files(pattern: str) -> list[StoredFile]:
    """Return the files of a pattern, a folder or a path, sorted by their addresses.

    A folder means all files below it whose names do not begin with a dot or an underscore.
    Raises DataError for a store that cannot be read, UsageError where its package is missing.
    """
    if is_remote(pattern):
        return _list_remote(pattern)
    if WILDCARDS & set(pattern):
        root = Path(Path(pattern).anchor)
        paths = list(root.glob(str(Path(pattern).relative_to(root))))
    elif Path(pattern).is_dir():
        root = Path(pattern)
        paths = [path for path in root.rglob("*") if is_visible(path.relative_to(root).parts)]
    else:
        paths = [Path(pattern)]
    return sorted(
        StoredFile(str(path), f"{status.st_size}-{status.st_mtime_ns}")
        for path in paths
        if path.is_file() and (status := path.stat())
    )


def is_visible(parts: tuple[str, ...]) -> bool:
    """Whether a file below a folder is listed: no part of its path begins with a dot or _."""
    return not any(part.startswith((".", "_")) for part in parts)


def _list_remote(pattern: str) -> list[StoredFile]:
    protocol, _, path = pattern.partition("://")
    with explain_store(pattern):
        store = open_store(pattern)
        if WILDCARDS & set(path):
            infos = store.glob(path, detail=True)
        elif store.isdir(path):
            infos = store.find(path, detail=True)
        else:
            infos = {path: store.info(path)}
    root = path.rstrip("/") + "/"
    return sorted(
        StoredFile(f"{protocol}://{name}", f"{info['size']}-{_find_version(info)}")
        for name, info in infos.items()
        if info["type"] == "file" and is_visible(PurePosixPath(name.removeprefix(root)).parts)
    )


def _find_version(info: dict[str, Any]) -> str:
    return next((str(info[name]).strip('"') for name in LISTED_AGAIN if name in info), "")


def open_store(address: str) -> Any:
    """Return the file system of fsspec for an address.

    Raises UsageError where a package for it is missing. Keys and endpoints come from where the
    store's own package reads them: AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ~/.aws and so on.
    """
    protocol = address.partition("://")[0]
    package = CLOUD_PACKAGES.get(protocol, "fsspec")
    try:
        import fsspec

        return fsspec.filesystem(protocol)
    except ImportError:
        extra = "pip install 'seq2point[fleet]'" if protocol == "s3" else f"pip install {package}"
        raise UsageError(f"{address}: {protocol}:// needs {package}; {extra}") from None
    except ValueError:
        raise UsageError(
            f"{address}: unknown kind of address '{protocol}://'; expected a path, s3:// or gs://"
        ) from None


@contextmanager
def explain_store(address: str) -> Iterator[None]:
    """Turn what a store raises into a DataError of one line that names the address."""
    try:
        yield
    except Seq2PointError:
        raise
    except FileNotFoundError:
        raise DataError(f"{address}: no such file or bucket") from None
    except Exception as error:  # the stores' packages raise classes of their own
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"{address}: cannot be read ({reason})") from None


@contextmanager
def fetch_file(address: str) -> Iterator[Path]:
    """Yield a local path of a file: its own, or that of a copy that goes when the block ends."""
    if not is_remote(address):
        yield Path(address)
        return
    with TemporaryDirectory(prefix="seq2point-") as folder:
        path = Path(folder) / PurePosixPath(address).name
        with explain_store(address):
            open_store(address).get_file(address.partition("://")[2], str(path))
        yield path


@contextmanager
def open_file(address: str) -> Iterator[IO[bytes]]:
    """Yield a file to read, of which a remote one is read where it is needed alone."""
    if not is_remote(address):
        with Path(address).open("rb") as file:
            yield file
        return
    with explain_store(address), open_store(address).open(address, "rb") as file:
        yield file


class OutputFolder(NamedTuple):
    """The folder of the results, by its path or address."""

    address: str

    def join(self, name: str) -> str:
        """Return the path or address of a file in the folder."""
        return f"{self.address.rstrip('/')}/{name}"

    @contextmanager
    def write(self, name: str) -> Iterator[Path]:
        """Yield a local path to write; the file appears whole when the block ends.

        Raises OutputError where it cannot be written.
        """
        try:
            if not is_remote(self.address):
                with atomic_write(self.join(name)) as beside:
                    yield beside
                return
            with TemporaryDirectory(prefix="seq2point-") as folder:
                path = Path(folder) / PurePosixPath(name).name
                yield path
                self._upload(path, name)
        except (Seq2PointError, OSError) as error:
            raise OutputError(str(error)) from error

    def _upload(self, path: Path, name: str) -> None:
        address = self.join(name)
        try:
            open_store(address).put_file(str(path), address.partition("://")[2])
        except Exception as error:  # the stores' packages raise classes of their own
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise OutputError(f"{address}: cannot be written ({reason})") from None

    def remove(self, name: str) -> None:
        """Remove a file if it is there. Raises OutputError where it cannot be removed."""
        address = self.join(name)
        try:
            if not is_remote(address):
                Path(address).unlink(missing_ok=True)
                return
            store, path = open_store(address), address.partition("://")[2]
            if store.exists(path):
                store.rm_file(path)
        except OSError as error:
            raise OutputError(f"{address}: cannot be removed ({error})") from None

    def remove_leftovers(self) -> None:
        """Remove what processes that died here have half written. A store has no such files."""
        if not is_remote(self.address):
            remove_leftovers(Path(self.address))

    def list_names(self, below: str) -> set[str]:
        """Return the names of all files below a folder in this one, as they are joined."""
        root = self.join(below)
        if not is_remote(root):
            start = len(str(Path(self.address))) + 1
            return {
                f"{folder[start:]}/{name}"
                for folder, _, names in os.walk(Path(root))
                for name in names
            }
        store, path = open_store(root), root.partition("://")[2]
        with explain_store(root):
            store.invalidate_cache()
            above = path[: -len(below)]
            return {name.removeprefix(above) for name in store.find(path)}

"""Documents and photos: what is stored where, and under which hash and reference each account may have it.

Owns every stored file. Access hashes and file references belong to one viewer, and references expire
(telegram-facts.md, 1.6). Uploads under way are in uploads.py, contents in blobs.py, pictures in images.py.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from telethon.tl import types

from tests.telegram.dispatch import RpcError

from . import images
from .blobs import Blob, BytesBlob, GeneratedBlob
from .uploads import Uploads

if TYPE_CHECKING:
    from . import World

_REFERENCE = struct.Struct("<BqqdI")


@dataclass(eq=False)
class StoredSize:
    """One size of a photo, or a document's thumbnail."""

    type: str
    width: int
    height: int
    blob: Blob


@dataclass(eq=False)
class StoredDocument:
    id: int
    blob: Blob
    mime_type: str
    attributes: list[Any]
    dc_id: int
    date: float
    thumbs: list[StoredSize] = field(default_factory=list)
    #: It is popular: clients are sent to a CDN for it, whether they have said that they can use one or not.
    cdn: bool = False


@dataclass(eq=False)
class StoredPhoto:
    id: int
    sizes: list[StoredSize]
    dc_id: int
    date: float
    width: int
    height: int
    #: As of a document.
    cdn: bool = False

    @property
    def blob(self) -> Blob:
        """The largest size."""
        return self.sizes[-1].blob


Stored = StoredDocument | StoredPhoto


class Files:
    """All files. `reference_lifetime` is in seconds of the world's clock."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._secret = world.random.getrandbits(128).to_bytes(16, "little")
        self._documents: dict[int, StoredDocument] = {}
        self._photos: dict[int, StoredPhoto] = {}
        self._generation = 0
        self.uploads = Uploads(world)
        self.reference_lifetime = 3600.0

    # Contents

    @property
    def keep_uploads_up_to(self) -> int:
        return self.uploads.keep_up_to

    @keep_uploads_up_to.setter
    def keep_uploads_up_to(self, size: int) -> None:
        self.uploads.keep_up_to = size

    def from_bytes(self, data: bytes) -> Blob:
        return BytesBlob(data)

    def generated(self, size: int, seed: int) -> Blob:
        return GeneratedBlob(size, seed)

    def jpeg(self, width: int, height: int, seed: int = 0) -> bytes:
        return images.jpeg(width, height, seed)

    def image_size(self, blob: Blob) -> tuple[int, int] | None:
        """(width, height) of a JPEG or PNG, by its header; None if it is neither."""
        return images.dimensions(blob.read(0, 64 * 1024))

    def take_upload(self, account_id: int, input_file: Any) -> Blob:
        return self.uploads.take(account_id, input_file)

    def forget_uploads(self, key_id: int | None = None) -> None:
        self.uploads.forget(key_id)

    # Storing

    def add_document(
        self,
        blob: Blob,
        *,
        mime_type: str = "application/octet-stream",
        attributes: list[Any] | tuple[Any, ...] = (),
        dc_id: int = 2,
        thumb: Blob | None = None,
        number: int | None = None,
    ) -> StoredDocument:
        """Keep a document, under an id of our choice unless said. A thumbnail that is no picture of at most
        320 pixels is dropped."""
        number = self._new_id(dc_id) if number is None else number
        stored = StoredDocument(number, blob, mime_type, list(attributes), dc_id, self._world.now())
        if thumb is not None and thumb.size <= 200 * 1024:
            size = self.image_size(thumb)
            if size is not None and max(size) <= 320:
                stored.thumbs.append(StoredSize("m", *size, thumb))
        self._documents[stored.id] = stored
        return stored

    def add_photo(
        self, blob: Blob, *, width: int, height: int, dc_id: int = 2, reencode: bool = True
    ) -> StoredPhoto:
        """Keep a photo in several sizes. Re-encoded, none of them has the bytes of `blob`."""
        photo_id = self._new_id(dc_id)
        sizes: list[StoredSize] = []
        for letter, w, h in images.photo_sizes(width, height):
            made = BytesBlob(images.jpeg(w, h, photo_id + ord(letter)))
            sizes.append(StoredSize(letter, w, h, made))
        if not reencode:
            sizes[-1].blob = blob
        stored = StoredPhoto(photo_id, sizes, dc_id, self._world.now(), sizes[-1].width, sizes[-1].height)
        self._photos[photo_id] = stored
        return stored

    def _new_id(self, dc_id: int) -> int:
        while True:
            number = (dc_id << 59) | self._world.random.getrandbits(58)
            number -= (1 << 64) if number >= 1 << 63 else 0
            if number not in self._documents and number not in self._photos:
                return number

    # Showing

    def document(self, stored: StoredDocument, viewer_id: int) -> Any:
        thumbs: list[Any] = []
        for thumb in stored.thumbs:
            thumbs.append(types.PhotoStrippedSize("i", images.stripped(thumb.width, thumb.height)))
            thumbs.append(types.PhotoSize(thumb.type, thumb.width, thumb.height, thumb.blob.size))
        return types.Document(
            id=stored.id,
            access_hash=self.access_hash(viewer_id, stored.id),
            file_reference=self.reference(viewer_id, stored.id),
            date=datetime.fromtimestamp(int(stored.date), UTC),
            mime_type=stored.mime_type,
            size=stored.blob.size,
            dc_id=stored.dc_id,
            attributes=list(stored.attributes),
            thumbs=thumbs or None,
        )

    def photo(self, stored: StoredPhoto, viewer_id: int) -> Any:
        sizes: list[Any] = [types.PhotoStrippedSize("i", images.stripped(stored.width, stored.height))]
        for size in stored.sizes:
            if size.type in ("y", "w"):
                ends = [size.blob.size * n // 4 for n in (1, 2, 3)] + [size.blob.size]
                sizes.append(types.PhotoSizeProgressive(size.type, size.width, size.height, ends))
            else:
                sizes.append(types.PhotoSize(size.type, size.width, size.height, size.blob.size))
        return types.Photo(
            id=stored.id,
            access_hash=self.access_hash(viewer_id, stored.id),
            file_reference=self.reference(viewer_id, stored.id),
            date=datetime.fromtimestamp(int(stored.date), UTC),
            sizes=sizes,
            dc_id=stored.dc_id,
        )

    def access_hash(self, viewer_id: int, file_id: int) -> int:
        digest = hashlib.blake2b(f"{viewer_id}:{file_id}".encode(), key=self._secret, digest_size=8).digest()
        return int.from_bytes(digest, "little", signed=True)

    # References

    def reference(self, viewer_id: int, file_id: int) -> bytes:
        """A fresh file reference of this viewer."""
        body = _REFERENCE.pack(1, viewer_id, file_id, self._world.now(), self._generation)
        return body + self._mac(body)

    def expire_references(self) -> None:
        """Make every reference given out until now an expired one."""
        self._generation += 1

    def check_reference(self, viewer_id: int, file_id: int, reference: bytes) -> None:
        """Raise FILE_REFERENCE_EMPTY, _INVALID or _EXPIRED unless it is this viewer's and fresh."""
        if not reference:
            raise RpcError(400, "FILE_REFERENCE_EMPTY")
        body, mac = reference[: _REFERENCE.size], reference[_REFERENCE.size :]
        if len(body) != _REFERENCE.size or not hmac.compare_digest(mac, self._mac(body)):
            raise RpcError(400, "FILE_REFERENCE_INVALID")
        _, viewer, known_id, issued, generation = _REFERENCE.unpack(body)
        if viewer != viewer_id or known_id != file_id:
            raise RpcError(400, "FILE_REFERENCE_INVALID")
        if generation < self._generation or issued + self.reference_lifetime < self._world.now():
            raise RpcError(400, "FILE_REFERENCE_EXPIRED")

    def _mac(self, body: bytes) -> bytes:
        return hashlib.blake2b(body, key=self._secret, digest_size=8).digest()

    # Resolving

    def resolve_document(self, viewer_id: int, document: Any) -> StoredDocument:
        """The file that an InputDocument names, for sending it again."""
        if not isinstance(document, types.InputDocument):
            raise RpcError(400, "MEDIA_EMPTY")
        stored = self._documents.get(document.id)
        if stored is None or document.access_hash != self.access_hash(viewer_id, document.id):
            raise RpcError(400, "DOCUMENT_INVALID")
        self.check_reference(viewer_id, document.id, document.file_reference)
        return stored

    def resolve_photo(self, viewer_id: int, photo: Any) -> StoredPhoto:
        """The photo that an InputPhoto names, for sending it again."""
        if not isinstance(photo, types.InputPhoto):
            raise RpcError(400, "MEDIA_EMPTY")
        stored = self._photos.get(photo.id)
        if stored is None or photo.access_hash != self.access_hash(viewer_id, photo.id):
            raise RpcError(400, "PHOTO_INVALID")
        self.check_reference(viewer_id, photo.id, photo.file_reference)
        return stored

    def locate(self, viewer_id: int, location: Any) -> tuple[Stored, Blob]:
        """What an InputFileLocation points to: the file and the content of the size that it names."""
        stored: Stored | None
        if isinstance(location, types.InputDocumentFileLocation):
            stored = self._documents.get(location.id)
        elif isinstance(location, types.InputPhotoFileLocation):
            stored = self._photos.get(location.id)
        else:
            raise RpcError(400, "LOCATION_INVALID")
        if stored is None or location.access_hash != self.access_hash(viewer_id, location.id):
            raise RpcError(400, "LOCATION_INVALID")
        self.check_reference(viewer_id, location.id, location.file_reference)
        if isinstance(stored, StoredDocument) and not location.thumb_size:
            return stored, stored.blob
        sizes = stored.thumbs if isinstance(stored, StoredDocument) else stored.sizes
        for size in sizes:
            if size.type == location.thumb_size:
                return stored, size.blob
        raise RpcError(400, "LOCATION_INVALID")

    # For tests

    def documents(self) -> list[StoredDocument]:
        """All of them, in the order in which they were stored."""
        return list(self._documents.values())

    def get_document(self, document_id: int) -> StoredDocument | None:
        return self._documents.get(document_id)

    def get_photo(self, photo_id: int) -> StoredPhoto | None:
        return self._photos.get(photo_id)

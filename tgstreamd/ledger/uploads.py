"""Keeps the state of uploads: the parts that Telegram has acknowledged, and the committed media.

Parts are valid only for the key that sent them. Acknowledgements are stored in groups; a lost one only costs
sending its part again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..domain.messages import Upload
from .engine import Db
from .rows import UploadRow


def upload(db: Db, job: int, source_id: int, *, thumb: bool = False) -> UploadRow | None:
    row = db.execute(
        "SELECT * FROM upload WHERE job = ? AND source_id = ? AND thumb = ?", (job, source_id, thumb)
    ).fetchone()
    if row is None:
        return None
    bits = row["done"]
    done = frozenset(i for i in range(len(bits) * 8) if bits[i // 8] >> (i % 8) & 1)
    return UploadRow(
        upload=Upload(file_id=row["file_id"], size=row["size"], name=row["name"], small=bool(row["small"])),
        media_id=row["media_id"],
        key=row["key"],
        done=done,
    )


def begin_upload(
    db: Db, job: int, source_id: int, new: Upload, *, media_id: int, key: int, thumb: bool = False
) -> None:
    """Store a new upload in place of any older one of this message."""
    db.execute(
        'INSERT INTO upload (job, source_id, thumb, media_id, file_id, size, name, small, "key", done) '
        "VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (job, source_id, thumb) DO UPDATE SET "
        "media_id = excluded.media_id, "
        "file_id = excluded.file_id, size = excluded.size, name = excluded.name, small = excluded.small, "
        '"key" = excluded."key", done = excluded.done, refusals = 0',
        (
            job,
            source_id,
            thumb,
            media_id,
            new.file_id,
            new.size,
            new.name,
            new.small,
            key,
            bytes(-(-new.parts // 8)),
        ),
    )
    db.execute("DELETE FROM committed WHERE job = ? AND source_id = ?", (job, source_id))


def acknowledge(db: Db, file_id: int, parts: Sequence[int]) -> None:
    """Record that Telegram has these parts."""
    _set_bits(db, file_id, parts, value=True)


def forget_parts(db: Db, file_id: int, parts: Sequence[int]) -> None:
    """Record that Telegram does not have these parts after all."""
    _set_bits(db, file_id, parts, value=False)


def _set_bits(db: Db, file_id: int, parts: Sequence[int], *, value: bool) -> None:
    row = db.execute("SELECT done FROM upload WHERE file_id = ?", (file_id,)).fetchone()
    if row is None:
        return
    bits = bytearray(row["done"])
    for part in parts:
        if value:
            bits[part // 8] |= 1 << part % 8
        else:
            bits[part // 8] &= ~(1 << part % 8)
    db.execute("UPDATE upload SET done = ? WHERE file_id = ?", (bytes(bits), file_id))


def drop_upload(db: Db, job: int, source_id: int) -> None:
    """Discard the uploads and committed media of this message."""
    db.execute("DELETE FROM upload WHERE job = ? AND source_id = ?", (job, source_id))
    db.execute("DELETE FROM committed WHERE job = ? AND source_id = ?", (job, source_id))


def refuse_upload(
    db: Db, job: int, source_id: int, *, after: int, at_most: int, new_id: Callable[[], int]
) -> bool:
    """Count a refusal without a reason to create a file; return whether the parts are to be sent again.

    True after every `after` refusals, `at_most` times; with new file ids, since Telegram may reject the old
    ones.
    """
    row = db.execute(
        "UPDATE upload SET refusals = refusals + 1 WHERE job = ? AND source_id = ? AND thumb = 0 "
        "RETURNING refusals",
        (job, source_id),
    ).fetchone()
    if row is None or row["refusals"] % after or row["refusals"] > after * at_most:
        return False
    for thumb in (0, 1):
        db.execute(
            "UPDATE upload SET file_id = ?, done = zeroblob(length(done)) "
            "WHERE job = ? AND source_id = ? AND thumb = ?",
            (new_id(), job, source_id, thumb),
        )
    return True


def commit_upload(db: Db, job: int, source_id: int, *, media_id: int, raw: bytes) -> None:
    """Store the document or photo that an upload became. Its parts are no longer needed."""
    db.execute(
        "INSERT INTO committed (job, source_id, media_id, raw) VALUES (?,?,?,?) "
        "ON CONFLICT (job, source_id) DO UPDATE SET media_id = excluded.media_id, raw = excluded.raw",
        (job, source_id, media_id, raw),
    )
    db.execute("DELETE FROM upload WHERE job = ? AND source_id = ?", (job, source_id))


def committed(db: Db, job: int) -> dict[int, tuple[int, bytes]]:
    """Return the media ready to be sent: by source id, the source's media id and the adapter's bytes."""
    rows = db.execute("SELECT source_id, media_id, raw FROM committed WHERE job = ?", (job,))
    return {row["source_id"]: (row["media_id"], row["raw"]) for row in rows}

"""The ledger: the only owner of the program's durable state, and the only package that imports sqlite3.

`Store` is the whole interface. Each attribute is one transaction (a `query` only reads, and is answered from
memory until something is written): an async method made from a plain function of the module it belongs to
(mirrors, intake, jobs, attempts, topics, …).
"""

from __future__ import annotations

from . import (
    accounts,
    attempts,
    attribution,
    changes,
    chat_profile,
    copies,
    facts,
    intake,
    jobs,
    leftovers,
    limits,
    mirrors,
    rebuild,
    reconcile,
    replacing,
    report,
    resend,
    supergroup_migration,
    topic_jobs,
    topics,
    uploads,
)
from .accounts import READER
from .changes import Change
from .copies import Copied, Entry
from .engine import Db, Engine, NoLedger, query, transaction
from .enqueue import ALBUM_MAX
from .intake import ALBUM_WAIT
from .limits import BACKLOG, CHANGES, MESSAGES, changes_in, messages_to
from .rebuild import NOT_THERE, Lines, Recognised
from .reconcile import PendingCheck
from .replacing import KEPT_COPY, NO_NEW_COPY
from .report import ParkedJob, Standing
from .rows import CopyRow, Gap, Heads, Job, JobState, Lane, MirrorRow, Origin, Send, UploadRow, encode
from .topics import UNSURE, TopicRow

__all__ = [
    "ALBUM_MAX",
    "ALBUM_WAIT",
    "BACKLOG",
    "CHANGES",
    "KEPT_COPY",
    "MESSAGES",
    "NOT_THERE",
    "NO_NEW_COPY",
    "READER",
    "UNSURE",
    "Change",
    "Copied",
    "CopyRow",
    "Entry",
    "Gap",
    "Heads",
    "Job",
    "JobState",
    "Lane",
    "Lines",
    "MirrorRow",
    "NoLedger",
    "Origin",
    "ParkedJob",
    "PendingCheck",
    "Recognised",
    "Send",
    "Standing",
    "Store",
    "TopicRow",
    "UploadRow",
    "changes_in",
    "encode",
    "messages_to",
]


def _nothing(db: Db) -> None:
    """Do nothing, to show that the store answers."""
    db.execute("SELECT 1")


class Store(Engine):
    """An open ledger and its transactions. Every method raises StoreError where SQLite fails."""

    nothing = transaction(_nothing)
    encodable = staticmethod(encode)

    mirror_list = query(mirrors.mirror_list)
    find_mirror = query(mirrors.find_mirror)
    uncheck_all = transaction(mirrors.uncheck_all)
    deactivate = transaction(mirrors.deactivate)
    bear = transaction(mirrors.bear)
    list_only = transaction(mirrors.list_only)
    activate = transaction(mirrors.activate)
    pause = transaction(mirrors.pause)
    pause_not_created = transaction(mirrors.pause_not_created)
    pause_of_not_created = query(mirrors.pause_of_not_created)
    release = transaction(mirrors.release)
    resume = transaction(mirrors.resume)
    await_resume = transaction(mirrors.await_resume)
    checked = transaction(mirrors.checked)
    set_last_error = transaction(mirrors.set_last_error)
    moved_to = query(supergroup_migration.moved_to)
    remember_move = transaction(supergroup_migration.remember_move)
    former_chats = query(supergroup_migration.former_chats)
    move_source = transaction(supergroup_migration.move_source)
    move_target = transaction(supergroup_migration.move_target)
    known_name = query(mirrors.known_name)
    remember_name = transaction(mirrors.remember_name)
    fact = query(facts.fact)
    set_fact = transaction(facts.set_fact)

    box = query(intake.box)
    begin_box = transaction(mirrors.begin_box)
    gaps = query(intake.gaps)
    born_to = query(intake.born_to)
    next_seal = query(intake.next_seal)
    take_edits = transaction(intake.take_edits)
    ingest_push = transaction(intake.ingest_push)
    take_deleted = transaction(intake.take_deleted)
    take_difference = transaction(intake.take_difference)
    take_page = transaction(intake.take_page)
    take_missed = transaction(intake.take_missed)
    take_lifted = transaction(intake.take_lifted)
    skip_unreadable = transaction(intake.skip_unreadable)

    doubts = query(reconcile.doubts)
    doubtful = transaction(reconcile.doubtful)
    answer_doubt = transaction(reconcile.answer_doubt)
    answer_pinned = transaction(reconcile.answer_pinned)
    forget_doubt = transaction(reconcile.forget_doubt)

    open_polls = query(reconcile.open_polls)
    take_polls = transaction(reconcile.take_polls)

    heads = query(jobs.heads)
    count_ahead = query(jobs.count_ahead)
    media_ahead = query(jobs.media_ahead)
    open_job = query(jobs.open_job)
    live_floor = query(jobs.live_floor)
    job = query(jobs.job)
    messages = query(jobs.messages)
    refresh = transaction(jobs.refresh)
    change_media = transaction(jobs.change_media)
    origin = query(copies.origin)
    first_copy = query(copies.first_copy)
    plan_sends = transaction(attempts.plan_sends)
    sends = query(attempts.sends)
    attempt = transaction(attempts.attempt)
    repeat = transaction(attempts.repeat)
    mapped = transaction(copies.mapped)
    open_prints = transaction(copies.open_prints)
    highest_copy = query(copies.highest_copy)
    unsent = transaction(jobs.unsent)
    refused = transaction(attempts.refused)
    vanished = transaction(attempts.vanished)
    settle = transaction(attempts.settle)
    published = transaction(attempts.published)
    split_off = transaction(attempts.split_off)
    media_to_send = query(leftovers.media_to_send)
    leave_out_deleted = transaction(leftovers.leave_out_deleted)
    finish = transaction(jobs.finish)
    postpone = transaction(jobs.postpone)

    due_changes = transaction(changes.due)
    note_change = transaction(changes.note)
    edit_attempted = transaction(changes.edit_attempted)
    change_done = transaction(changes.change_done)
    edit_done = transaction(leftovers.edit_done)
    postpone_change = transaction(changes.postpone_change)
    hold_deletions = transaction(limits.hold_deletions)
    deleted = transaction(replacing.deleted)
    deletion_refused = transaction(replacing.deletion_refused)
    copies_of_change = query(replacing.copies_of_change)
    send_anew = transaction(resend.send_anew)
    copies_of = query(copies.copies_of)
    where_copied = query(copies.where_copied)
    shown_media = query(copies.shown_media)

    voice = query(attribution.voice)
    others_spoke = transaction(attribution.others_spoke)
    forget_last_authors = transaction(attribution.forget_last_authors)

    is_forum = query(topics.is_forum)
    set_forum = transaction(topics.set_forum)
    topics_heard = query(topics.topics_heard)
    take_topics = transaction(topics.take_topics)
    topic = query(topics.topic)
    place_topic = transaction(topic_jobs.place_topic)
    topic_attempted = transaction(topics.topic_attempted)
    topic_changed = transaction(topics.topic_changed)
    topic_settled = transaction(topic_jobs.topic_settled)
    topic_list = transaction(topics.topic_list)
    forget_topic = transaction(topic_jobs.forget_topic)
    order_shown = transaction(topics.order_shown)
    made_topics = transaction(topics.made_topics)

    note_face = transaction(chat_profile.note_face)
    face = query(chat_profile.face)
    face_shown = transaction(chat_profile.face_shown)

    known_upto = transaction(rebuild.known_upto)
    adopt_copies = transaction(rebuild.adopt_copies)

    entries = transaction(copies.entries)
    copies_between = transaction(copies.copies_between)
    first_of = transaction(copies.first_of)
    feeds = transaction(copies.feeds)
    album_of = transaction(resend.album_of)
    send_again = transaction(resend.send_again)
    capture = transaction(resend.capture)
    found_again = transaction(resend.found_again)
    out_of_date = transaction(resend.out_of_date)

    upload = query(uploads.upload)
    begin_upload = transaction(uploads.begin_upload)
    acknowledge = transaction(uploads.acknowledge)
    forget_parts = transaction(uploads.forget_parts)
    drop_upload = transaction(uploads.drop_upload)
    refuse_upload = transaction(uploads.refuse_upload)
    commit_upload = transaction(uploads.commit_upload)
    committed = query(uploads.committed)

    pace = query(limits.pace)
    holds = query(limits.holds)
    set_marks = transaction(limits.set_marks)
    set_tempo = transaction(limits.set_tempo)
    note_account = transaction(accounts.note_account)
    hold_until = transaction(limits.hold_until)
    lift_hold = transaction(limits.lift_hold)
    login_unknown = transaction(limits.login_unknown)
    login_known = transaction(limits.login_known)
    clock_was_set = transaction(limits.clock_was_set)

    note_titles = transaction(jobs.note_titles)
    titles = query(jobs.titles)

    standings = query(report.standings)
    parked = transaction(report.parked)
    retry_parked = transaction(report.retry_parked)
    skip_parked = transaction(report.skip_parked)

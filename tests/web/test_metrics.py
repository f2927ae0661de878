"""What a scrape says: every metric of the catalogue, in names that Prometheus takes, and few of each."""

from __future__ import annotations

import re
from collections import defaultdict

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from tgstreamd.web.health import illness
from tgstreamd.web.metrics import OTHERS, REASONS_MAX
from tgstreamd.web.prometheus import catalogue, render
from tgstreamd.web.reading import Reading

from .readings import mirror, reading

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"


def scraped(one: Reading) -> dict[str, dict[tuple[str, ...], float]]:
    """Samples by name and by the values of their labels, in the labels' order."""
    found: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
    for family in plain(render(one, "")[0].decode()):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            assert labels not in found[sample.name], (sample.name, labels)
            found[sample.name][labels] = sample.value
    return found


FULL = reading(
    mirror(
        "main", done=7, skipped=3, parked=1, rescued=1, skipped_by={"service message": 2, "filter ads": 1},
        waiting_live=2, waiting_history=40, lag_seconds=9, eta_seconds=147, last_sent_at=990, streamed=2,
        streamed_bytes=3_000_000_000, by_reference=1, by_reference_bytes=5, changes=4,
        given_up={"edit": {"count": 2}},
    ),
    mirror("second", paused="paused by the operator", eta_seconds=None, note="falling behind: …"),
    status={
        "backlog_interval": 7.0,
        "transfers": [{}],
        "holds": [
            {"scope": "account", "until": 1060, "reason": ""},
            {"scope": "method:messages.sendMedia", "until": 1030, "reason": ""},
            {"scope": "method:upload.getFile", "until": 1005, "reason": ""},
        ],
    },
    requests={("messages.sendMessage", "ok"): 7, ("messages.sendMessage", "flood"): 2},
    flood_seconds={"messages.sendMessage": 90},
    file_bytes={"down": 10, "up": 8},
    answered_at=999.0,
    ledger_bytes=4096,
    free_bytes=10**9,
)  # fmt: skip


def test_every_metric_of_the_catalogue_is_scraped_and_nothing_else() -> None:
    assert sorted(scraped(FULL)) == sorted(metric["name"] for metric in catalogue())


def test_figures() -> None:
    seen = scraped(FULL)
    assert seen["tgstreamd_messages_done_total"] == {("main",): 7, ("second",): 0}
    assert seen["tgstreamd_messages_skipped_total"] == {
        ("main", "service message"): 2,
        ("main", "filter ads"): 1,
    }
    assert seen["tgstreamd_messages_waiting"]["history", "main"] == 40
    assert seen["tgstreamd_changes_given_up_total"]["edit", "main"] == 2
    assert seen["tgstreamd_changes_given_up_total"]["pin", "second"] == 0
    assert seen["tgstreamd_eta_seconds"] == {("main",): 147}
    assert seen["tgstreamd_mirror_paused"] == {("main",): 0, ("second",): 1}
    assert seen["tgstreamd_mirror_falling_behind"] == {("main",): 0, ("second",): 1}
    assert seen["tgstreamd_mirror_last_sent_timestamp_seconds"] == {("main",): 990}
    assert seen["tgstreamd_files_bytes_total"]["main", "moved"] == 3_000_000_000
    assert seen["tgstreamd_requests_total"]["messages.sendMessage", "flood"] == 2
    assert seen["tgstreamd_hold_seconds"] == {("account",): 60, ("chat",): 0, ("method",): 30}
    assert seen["tgstreamd_pace_interval_seconds"] == {("live",): 3.5, ("history",): 7}
    assert seen["tgstreamd_healthy"] == {(): 1}
    assert seen["process_resident_memory_bytes"] == {(): 70_000_000}


def test_a_daemon_that_is_starting_has_only_what_it_knows() -> None:
    starting = {"window": None, "buffer_parts": None, "state": "starting", "note": "no network, 8 s"}
    seen = scraped(reading(status=starting, connected=False))
    assert (seen["tgstreamd_healthy"], seen["tgstreamd_connected"]) == ({(): 0}, {(): 0})
    assert not {"tgstreamd_transfer_window_parts", "tgstreamd_lag_seconds"} & set(seen)
    assert scraped(reading(trouble="the ledger does not answer", status={}))["tgstreamd_healthy"] == {(): 0}
    # Without a status at all there is still the process.
    nothing = Reading(at=1.0, started_at=1.0, status={}, process=FULL.process, trouble="disk")
    assert scraped(nothing)["process_open_fds"] == {(): 20}


def test_names_and_units_are_prometheus_own() -> None:
    # https://prometheus.io/docs/practices/naming/
    for metric in catalogue():
        name, kind = metric["name"], metric["kind"]
        assert re.fullmatch(r"(tgstreamd|process)_[a-z]+(_[a-z]+)*", name)
        assert name.endswith("_total") == (kind == "counter"), name
        assert not re.search(r"_(ms|milliseconds|kb|mb|minutes|hours|count|percent)\b", name)
        if metric["unit"] in ("s", "dateTimeAsIso"):
            assert "_seconds" in name
        assert ("_bytes" in name) == (metric["unit"] == "bytes"), name
        assert ("_timestamp_seconds" in name or "start_time" in name) == (metric["unit"] == "dateTimeAsIso")
        assert metric["help"].endswith(".")
        assert {*metric["labels"]} <= {
            "mirror", "reason", "kind", "lane", "way", "direction", "method", "outcome", "scope", "version",
            "python",
        }  # fmt: skip


def test_openmetrics_for_those_who_ask_for_it() -> None:
    body, content_type = render(FULL, OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text")
    families = openmetrics(body.decode())  # type: ignore[no-untyped-call]  # the library's
    assert {family.name for family in families} == {
        metric["name"].removesuffix("_total") for metric in catalogue()
    }
    assert render(FULL, "text/html")[1].startswith("text/plain; version=0.0.4")


def test_labels_stay_few_and_whole_whatever_they_hold() -> None:
    many = {f"filter {number}": number + 1 for number in range(200)}
    hostile = 'a "quoted"\nname\\ {x="y"} 1\u202e'
    seen = scraped(reading(mirror(hostile, skipped=sum(many.values()), skipped_by=many), mirror(hostile)))
    skipped = scraped(reading(mirror(hostile, skipped=sum(many.values()), skipped_by=many)))
    reasons = skipped["tgstreamd_messages_skipped_total"]
    assert len(reasons) == REASONS_MAX + 1
    assert sum(reasons.values()) == sum(many.values())
    assert reasons[hostile, OTHERS] == sum(range(1, 201 - REASONS_MAX))
    assert set(seen["tgstreamd_messages_done_total"]) == {(hostile,)}


def test_what_makes_it_ill() -> None:
    assert illness(FULL) == ""
    frozen = [{"scope": "account", "until": 253_402_300_799, "reason": "FROZEN_METHOD_INVALID"}]
    for one, why in (
        (reading(trouble="the ledger does not answer within 10 s"), "the ledger does not answer within 10 s"),
        (reading(overdue=("send", "follow")), "services are overdue: send, follow"),
        (reading(unauthorised="SESSION_REVOKED (tgstreamd login)"), "SESSION_REVOKED (tgstreamd login)"),
        (reading(status={"state": "starting"}), "starting: not ready yet"),
        (reading(status={"state": "starting", "note": "no network"}), "starting: no network"),
        (
            reading(status={"holds": frozen}),
            "the account is frozen, a person must appeal in the app: FROZEN_METHOD_INVALID",
        ),
    ):
        assert illness(one) == why

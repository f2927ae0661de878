"""What a filter drops is not copied, not even moved, and says so; everything else goes its way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import House

NO_STICKERS = {"name": "no stickers", "kinds": ["sticker"]}


async def test_what_is_dropped_is_skipped_with_the_filter_s_name(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "first")
        house.post(source, media=house.world.media.sticker())
        ad = house.post(source, "Buy NOW at our shop")
        house.post(source, "a photo", media=house.world.media.photo())
        filters = [NO_STICKERS, {"name": "no ads", "regex": r"(?i)\bbuy\b"}]
        house.mirror(source, target, filter=filters)
        await house.start()
        await house.run()
        house.post(source, "live: you can buy it")
        house.post(source, "last", reply_to=ad)
        await house.run()
        shown = house.texts(target)
        assert shown[:2] == ["first", "a photo"]
        # The reply tells no reader how the operator calls his filters.
        assert shown[2] == "↪ not mirrored\nlast"
        reasons = [
            reason
            for _, state, reason in await house.jobs()
            if state == "skipped" and "service" not in reason
        ]
        assert reasons == ["filter no stickers", "filter no ads", "filter no ads"]
        assert (await house.status())["mirrors"][0]["parked"] == 0


async def test_the_bytes_of_a_dropped_file_are_not_moved(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "large", media=house.world.media.document(size=3_000_000))
        house.post(source, "small", media=house.world.media.document(size=1000))
        house.mirror(source, target, filter=[{"name": "size", "larger_than": "2 MB"}])
        await house.start()
        await house.run()
        assert house.texts(target) == ["small"]
        assert house.tg.log.count("upload.saveFilePart") == 1
        assert house.tg.log.count("upload.getFile") == 1


@pytest.mark.parametrize(("action", "word"), [("drop", "words"), ("keep", "abac")])
async def test_a_filter_that_takes_too_long_decides_nothing(tmp_path: Path, action: str, word: str) -> None:
    """The post is parked, since nobody knows whether it is wanted, and its bytes are not moved."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, word)
        house.post(source, "ab" * 2000)
        house.post(source, "ab" * 500, media=house.world.media.document(size=1000))
        house.post(source, f"{word} again")
        slow = {"name": "slow", "regex": "a.*b.*a.*c", "action": action}
        house.mirror(source, target, filter=[slow])
        await house.start()
        await house.run()
        assert house.texts(target) == [word, f"{word} again"]
        reasons = {reason for _, state, reason in await house.jobs() if state == "parked"}
        assert reasons == {"filter slow took too long"}
        assert house.tg.log.count("upload.getFile") == 0
        # As the remedy says: another pattern, a reload, and once more.
        house.mirrors.clear()
        house.mirror(source, target, filter=[slow | {"regex": "b"}])
        await house.reload()
        await house.verb("retry", ids=[one["id"] for one in (await house.verb("parked"))["parked"]])
        await house.run()
        late = ["ab" * 2000, "ab" * 500] if action == "keep" else []
        assert house.texts(target) == [word, f"{word} again", *late]
        assert (await house.status())["mirrors"][0]["parked"] == 0


async def test_an_edit_that_a_filter_takes_too_long_over_is_given_up(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        post = house.post(source, "short")
        house.mirror(source, target, filter=[{"name": "slow", "regex": "a.*b.*a.*c"}])
        await house.start()
        await house.run()
        house.world.chats.edit(post, text="ab" * 2000)
        house.post(source, "after")
        await house.run()
        assert house.texts(target) == ["short", "after"]
        assert (await house.status())["mirrors"][0]["given_up"]


async def test_a_copy_stays_whose_successor_a_filter_takes_too_long_over(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        post = house.post(source, "ab" * 2000)
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.mirrors.clear()
        house.mirror(source, target, filter=[{"name": "slow", "regex": "a.*b.*a.*c"}])
        await house.reload()
        said = await house.verb("resend", mirror="m1", ids=[post.id], write=True)
        assert [one["why"] for one in said["messages"]] == [
            "filter slow took too long: change the configuration first"
        ]
        house.world.chats.edit(post, media=house.world.media.photo())
        await house.run()
        assert house.texts(target) == ["ab" * 2000]


async def test_an_album_is_kept_or_dropped_whole(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        make = house.world.media
        house.world.chats.post_album(source, house.other, [make.photo(), (make.video(), "kept")])
        house.world.chats.post_album(
            source, house.other, [make.photo(seed=3), (make.photo(seed=4), "an #ad")]
        )
        house.post(source, "words")
        filters = [
            {"name": "ads", "text": "#ad"},
            {"name": "only pictures", "action": "keep", "kinds": ["photo", "video"]},
        ]
        house.mirror(source, target, filter=filters)
        await house.start()
        await house.run()
        assert house.texts(target) == ["", "kept"]


async def test_by_author_and_by_topic(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source = house.supergroup("Source", forum=True)
        target = house.own_supergroup("Target")
        bot = house.world.peers.add_account("Newsbot", username="newsbot")
        house.world.chats.join(source, bot)
        tea = house.world.chats.add_topic(source, house.other, "Tea")
        house.post(source, "by a person")
        house.post(source, "by the bot", sender=bot)
        house.post(source, "about tea", topic=tea)
        filters = [{"name": "bot", "author": "@NewsBot"}, {"name": "tea", "topic": [tea]}]
        house.mirror(source, target, filter=filters, topic_names=False)
        await house.start()
        await house.run()
        assert house.texts(target) == ["by a person"]


async def test_an_edit_that_a_filter_would_drop_leaves_the_copy_as_it_is(tmp_path: Path) -> None:
    """And a later one that it lets through is carried out; what was dropped stays dropped."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, filter=[{"name": "ads", "text": ["#ad"]}])
        await house.start()
        post, ad = house.post(source, "news"), house.post(source, "soap #ad")
        await house.run()
        house.world.chats.edit(post, "news #ad")
        house.world.chats.edit(ad, "soap")
        await house.run()
        assert house.texts(target) == ["news"]
        house.world.chats.edit(post, "better news")
        await house.run()
        assert house.texts(target) == ["better news"]


async def test_a_new_filter_holds_from_a_reload_on(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        house.post(source, media=house.world.media.sticker())
        await house.run()
        house.mirrors[0]["filter"] = [NO_STICKERS]
        await house.reload()
        house.post(source, media=house.world.media.sticker())
        house.post(source, "after")
        await house.run()
        assert house.texts(target) == ["", "after"]

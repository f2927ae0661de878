"""What vanishes from the source before its turn is copied where deletions are kept, and counted as such."""

from __future__ import annotations

from pathlib import Path

from tests.harness import House


async def test_what_was_deleted_before_its_turn_is_counted(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        await house.run()
        posts = [house.post(source, f"post {n}") for n in range(4)]
        await house.hear()
        await house.run(until=lambda: len(house.messages(target)) == 1)
        for post in posts[1:3]:
            house.world.chats.delete(post)
        house.world.chats.delete(posts[0])  # its copy stands already: nothing to rescue
        await house.run()
        assert house.texts(target) == [f"post {n}" for n in range(4)]
        (mirror,) = (await house.status())["mirrors"]
        assert (mirror["done"], mirror["rescued"], mirror["backlog"]) == (4, 2, 0)
        assert (mirror["source_title"], mirror["target_title"]) == ("Source", "Target")

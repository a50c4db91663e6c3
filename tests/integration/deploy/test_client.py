from pathlib import Path

from deploy.client import sources_hash


def test_the_hash_of_the_sources_follows_names_and_contents_and_nothing_that_is_made(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.ts").write_text("one")
    first = sources_hash(tmp_path)

    for made in ("node_modules", "dist", "coverage"):
        (tmp_path / made).mkdir()
        (tmp_path / made / "file").write_text("made")
    assert sources_hash(tmp_path) == first

    (tmp_path / "src" / "main.ts").write_text("two")
    second = sources_hash(tmp_path)
    (tmp_path / "src" / "main.ts").rename(tmp_path / "src" / "app.ts")
    assert len({first, second, sources_hash(tmp_path)}) == 3

"""Pages made from executed notebooks, and the pictures that the README shows."""

from __future__ import annotations

import base64
import copy
import html.parser
import io
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

from eqflow_nb.running import pages, thumbnails
from eqflow_nb.running.catalogue import CourseError
from eqflow_nb.running.commands import main

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def png(colour: tuple[int, int, int], size: tuple[int, int] = (640, 480)) -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", size, colour).save(drawn, format="png")
    return drawn.getvalue()


def gif(colours: list[tuple[int, int, int]], size: tuple[int, int], noise: bool = False) -> bytes:
    """A film of a frame for each colour, 160 ms each; with noise it packs badly."""
    frames = [Image.new("RGB", size, colour) for colour in colours]
    if noise:
        frames = [Image.blend(f, Image.effect_noise(size, 90).convert("RGB"), 0.5) for f in frames]
    moving = io.BytesIO()
    more = {"save_all": True, "append_images": frames[1:], "duration": 160, "loop": 0}
    frames[0].save(moving, format="gif", **more)
    return moving.getvalue()


def cell(*contents: bytes, tags: tuple[str, ...] = (), mime: str = "image/png", **about: object):
    outputs = [
        nbformat.v4.new_output(
            "display_data",
            {mime: base64.encodebytes(content).decode(), "text/plain": "a picture"},
            metadata={mime: about},
        )
        for content in contents
    ]
    metadata = {"tags": list(tags)}
    return nbformat.v4.new_code_cell("draw()", outputs=outputs, metadata=metadata)


def put(folder: Path, stem: str, *cells: nbformat.NotebookNode) -> None:
    folder.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), folder / f"{stem}.ipynb")


def look(path: Path) -> tuple[tuple[int, int], object]:
    picture = Image.open(path).convert("RGB")
    return picture.size, picture.getpixel((0, 0))


# ---- pages ----


class Pictures(html.parser.HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.found.append(dict(attributes))


def test_pages_describe_their_pictures() -> None:
    alt = 'Two "rings" & a <b>cloud</b>'
    film, svg = b"GIF89a", "<svg xmlns='http://www.w3.org/2000/svg'/>"
    last = cell(b"", mime="image/svg+xml", alt="a drawing")
    last.outputs[0].data["image/svg+xml"] = svg
    cells = [cell(png(RED), alt=alt, width=320), cell(film, mime="image/gif", alt="a film"), last]
    notebook = nbformat.v4.new_notebook(cells=cells)
    before = copy.deepcopy(notebook)
    first, second, third = Pictures(pages.to_html(notebook, "01_a")).found
    assert first["alt"] == alt
    assert first["width"] == "320"
    address = "data:image/png;base64,"
    assert first["src"] == address + base64.b64encode(png(RED)).decode()
    assert second["alt"] == "a film"
    assert (second["src"] or "").startswith("data:image/gif;base64,")
    assert third["alt"] == "a drawing"
    assert base64.b64decode((third["src"] or "").partition(",")[2]) == svg.encode()
    assert notebook == before, "thumbnails need the picture"


def test_a_page_leaves_pictures_without_description_as_they_are() -> None:
    (found,) = Pictures(pages.to_html(nbformat.v4.new_notebook(cells=[cell(png(RED))]), "a")).found
    assert "No description" in (found["alt"] or "")


def test_pages_link_to_pages_and_not_to_what_needs_a_kernel() -> None:
    text = "[one](01_a.ipynb), [two](exercises/01_a_exercises.ipynb), [three](https://b.org)"
    page = pages.to_html(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)]), "a")
    assert '<a href="01_a.html">one</a>, two, <a href="https://b.org"' in page


# ---- the README's pictures ----


def test_thumbnails_take_the_tagged_picture_or_the_last(tmp_path: Path) -> None:
    folder, docs = tmp_path / "notebooks", tmp_path / "docs"
    put(folder, "00_start", cell(png(RED)), cell(png(GREEN), png(BLUE)), cell())
    put(folder, "01_toys", cell(png(RED)), cell(png(GREEN), tags=("thumbnail",)), cell(png(BLUE)))
    put(folder, "02_chaos", cell(png(BLUE, (900, 300)), tags=("hero", "thumbnail")))
    put(folder, "03_words", cell())
    put(folder, "Untitled", cell(png(RED)))
    written = thumbnails.thumbnails(folder, docs)
    assert sorted(path.name for path in written) == ["00.png", "01.png", "02.png", "lorenz.png"]
    assert sorted(docs.iterdir()) == sorted(written), "and no drafts are left"
    assert look(docs / "00.png") == ((320, 240), BLUE)
    assert look(docs / "01.png") == ((320, 240), GREEN)
    assert look(docs / "02.png") == ((320, 107), BLUE)
    assert (docs / "lorenz.png").read_bytes() == png(BLUE, (900, 300))


def test_a_small_picture_is_not_blown_up_and_thin_lines_stay() -> None:
    assert Image.open(io.BytesIO(thumbnails.small(png(RED, (100, 50))))).size == (100, 50)
    striped = Image.new("P", (960, 3))
    striped.putpalette([255, 255, 255, 0, 0, 0])
    striped.putdata([int(column % 9 == 0) for column in range(960)] * 3)
    drawn = io.BytesIO()
    striped.save(drawn, format="png")
    shrunk = Image.open(io.BytesIO(thumbnails.small(drawn.getvalue()))).convert("L")
    line = [shrunk.getpixel((x, 0)) for x in range(30, 290)]
    blocks = [min(line[start : start + 4]) for start in range(0, 256, 4)]
    assert max(blocks) < 240, "every line is still seen, one in three pixels"


def test_the_tagged_film_is_shown_beside_the_pictures(tmp_path: Path) -> None:
    folder, docs = tmp_path / "notebooks", tmp_path / "docs"
    film = gif([RED, GREEN, BLUE], (120, 60))
    put(folder, "03_waves", cell(gif([RED], (9, 9)), mime="image/gif"), cell(png(GREEN)))
    tagged = cell(film, mime="image/gif", tags=("readme-film",))
    put(folder, "04_life", cell(png(RED)), tagged, cell(png(BLUE)))
    names = sorted(path.name for path in thumbnails.thumbnails(folder, docs))
    assert names == ["03.png", "04.gif", "04.png"], "a film without the tag stays in its notebook"
    assert (docs / "04.gif").read_bytes() == film, "a small one as it is"
    assert look(docs / "04.png")[1] == BLUE, "and the picture is still the last"


def test_a_large_film_is_made_narrower_with_all_its_frames() -> None:
    film = gif([RED, GREEN, BLUE, RED], (300, 200), noise=True)
    largest = len(film) // 2
    less = thumbnails.small_film(film, largest=largest)
    assert len(less) <= largest
    moving = Image.open(io.BytesIO(less))
    assert moving.n_frames == 4
    assert moving.info["loop"] == 0
    assert moving.width < 300
    assert moving.width / moving.height == pytest.approx(1.5, abs=0.02)
    for frame, colour in enumerate((RED, GREEN, BLUE, RED)):
        moving.seek(frame)
        assert moving.info["duration"] == 160
        seen = np.asarray(moving.convert("RGB")).mean((0, 1))
        assert seen.argmax() == colour.index(255)
    with pytest.raises(
        CourseError, match=r"05_a has a film of 4 frames .* under 1 kB; give it few"
    ):
        thumbnails.small_film(film, "05_a", 1000)


def test_the_pictures_that_the_readme_shows_are_there_and_light() -> None:
    root = Path(__file__).parents[1]
    shown = re.findall(r"!\[([^\]]*)\]\((docs/[^)]*)\)", (root / "README.md").read_text())
    assert len(shown) >= 8
    for alt, place in shown:
        assert len(alt) > 8, f"{place} needs words for those who can't see it"
        assert (root / place).is_file(), place
        assert (root / place).stat().st_size < 300_000, place
    assert {place for _, place in shown} == {f"docs/{p.name}" for p in (root / "docs").iterdir()}


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ([cell(tags=("thumbnail",))], "01_a has a cell tagged 'thumbnail' without"),
        ([cell(png(RED), tags=("readme-film",))], "01_a .* 'readme-film' without a picture in GIF"),
        (
            2 * [cell(b"GIF89a", tags=("readme-film",), mime="image/gif")],
            "01_a has a second cell tagged 'readme-film'",
        ),
        (
            [cell(png(RED), tags=("hero",)), cell(png(RED), tags=("hero",))],
            "second cell tagged 'hero'",
        ),
    ],
)
def test_bad_input_tags_that_give_no_picture(tmp_path: Path, cells: list, says: str) -> None:
    folder, docs = tmp_path / "notebooks", tmp_path / "docs"
    put(folder, "01_a", *copy.deepcopy(cells))
    with pytest.raises(CourseError, match=says):
        thumbnails.thumbnails(folder, docs)
    assert not docs.exists()


def test_refresh_remakes_the_pictures_where_there_is_a_readme(shelf, tmp_path: Path) -> None:
    shelf(**{"01_a": "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])\n"})
    with pytest.raises(SystemExit):
        main(["refresh", "-o", str(tmp_path / "out")])
    assert not (tmp_path / "docs").exists()
    (tmp_path / "README.md").touch()
    with pytest.raises(SystemExit) as end:
        main(["refresh", "-o", str(tmp_path / "out")])
    assert not end.value.code
    assert look(tmp_path / "docs" / "01.png")[0][0] == 320

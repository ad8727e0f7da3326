"""Pages made from executed notebooks, and the pictures that the README shows."""

import base64
import copy
import html
import importlib
import io
import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from PIL import Image, ImageSequence

from eqflow_nb.panels import live
from eqflow_nb.running import catalogue as course
from eqflow_nb.running import front, pages
from eqflow_nb.running.formulas import mathml

ROOT = Path(__file__).parents[1]
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def png(colour: tuple[int, int, int], size: tuple[int, int] = (640, 480)) -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", size, colour).save(drawn, format="png")
    return drawn.getvalue()


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


def test_pages_describe_their_pictures():
    alt = 'Two "rings" & a <b>cloud</b>'
    film = b"GIF89a"
    cells = [cell(png(RED), alt=alt, width=320), cell(film, mime="image/gif", alt="a film")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    before = copy.deepcopy(notebook)
    page = BeautifulSoup(pages.to_html(notebook, "01_a"), "html.parser")
    shown = page.find_all("img")
    assert [each["alt"] for each in shown] == [alt, "a film"]
    assert shown[0]["width"] == "320"
    sources = [each["src"].partition(",") for each in shown]
    assert [each[0] for each in sources] == ["data:image/png;base64", "data:image/gif;base64"]
    assert [base64.b64decode(each[2]) for each in sources] == [png(RED), film]
    assert notebook == before, "the README's pictures need it"


def test_pages_link_to_pages_and_not_to_what_needs_a_kernel():
    text = "[one](01_a.ipynb), [two](exercises/01_a_exercises.ipynb), [three](https://b.org)"
    page = pages.to_html(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)]), "a")
    assert '<a href="01_a.html">one</a>, two, <a href="https://b.org"' in page


def test_cells_for_the_tests_are_not_shown():
    plain, hidden = cell(png(RED), alt="seen"), cell(png(BLUE), tags=(pages.HIDDEN,))
    page = pages.to_html(nbformat.v4.new_notebook(cells=[plain, hidden]), "a")
    assert page.count("<img") == 1


FORMULAS = {
    r"v = K s": "v=Ks",
    r"K = -K^\top": "K=−K⊤",
    r"r := \nabla\cdot v \tag{1}": "r≔∇·v(1)",
    r"D\,\Delta\psi + \tfrac12\,|v|^2/2": "DΔψ+12|v|2/2",
    r"s = \nabla\log p": "s=∇logp",
    r"\begin{pmatrix}0&1\\-1&0\end{pmatrix}": "(01−10)",
}


@pytest.mark.parametrize(("latex", "shown"), FORMULAS.items())
def test_formulas_are_set_without_a_script(latex, shown):
    made = BeautifulSoup(mathml(latex, display=True), "html.parser")
    assert "".join(made.get_text().split()) == shown
    assert made.math["display"] == "block"
    assert not made.find("script")


def test_signs_names_and_bars_stand_as_in_print():
    assert '<mo>=</mo><mo form="prefix">−</mo>' in html.unescape(mathml("K = -K"))
    assert 'form="prefix"' not in mathml("a - b") + mathml("(a) - b") + mathml("|a| - b")
    assert 'lspace="0" rspace="0"' in mathml("|v|")
    assert mathml("<b>") == mathml("< b >") and "<b>" not in mathml("<b>")


@pytest.mark.parametrize("latex", [r"\nonsense{a}", r"\frac{a}{"])
def test_what_is_no_formula_is_shown_as_written(latex):
    assert mathml(latex) == f"<code>{latex}</code>"


@pytest.mark.parametrize("one", course.chapters(ROOT / "notebooks"), ids=lambda one: one.stem)
def test_every_formula_of_the_course_can_be_set(one):
    page = pages.to_html(course.load(one.path), one.stem)
    words = BeautifulSoup(page, "html.parser")
    written = sum(cell.source.count("$") for cell in course.load(one.path).cells)
    assert written // 8 <= len(words.find_all("math")) <= written // 2
    for part in words.find_all(["pre", "code", "style", "annotation"]):
        part.clear()
    assert not re.search(r"[$]|\\[a-z]+", words.get_text())
    assert not re.search(r'(?:src|href)="(?:https?:)?//[^"]*\.(?:js|css|woff)', page)
    assert "<script" not in page or "eqflow" in page


# ---- the README's pictures ----


@pytest.fixture
def make_pictures(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("make_pictures")


def film(*colours: tuple[int, int, int], size: tuple[int, int] = (640, 480)) -> bytes:
    frames, drawn = [Image.new("RGB", size, each) for each in colours], io.BytesIO()
    lasting = [200] + [100] * (len(frames) - 1)
    frames[0].save(drawn, "gif", save_all=True, append_images=frames[1:], duration=lasting)
    return drawn.getvalue()


def test_the_readme_shows_what_is_tagged(tmp_path, make_pictures):
    folder, docs = tmp_path / "notebooks", tmp_path / "docs"
    docs.mkdir()
    halves = Image.new("RGB", (800, 300), RED)
    halves.paste(GREEN, (400, 0, 800, 300))
    halves.save(drawn := io.BytesIO(), "png")
    one = cell(drawn.getvalue(), tags=("thumbnail",))
    one.metadata["part"] = [0.5, 0, 1, 1]
    opening = cell(film(RED, GREEN), tags=("hero",), mime="image/gif")
    put(folder, "01_toys", opening, cell(png(RED)), one, cell(png(BLUE)))
    second = cell(film(BLUE, RED, BLUE, size=(300, 200)), tags=("hero",), mime="image/gif")
    put(folder, "02_chaos", second, cell(png(BLUE, (900, 300)), tags=("thumbnail",)))
    put(folder, "04_words", cell())
    written = make_pictures.make(folder, docs)
    assert sorted(path.name for path in written) == ["01.png", "02.png", "hero.gif"]
    assert sorted(docs.iterdir()) == sorted(written)
    assert look(docs / "01.png") == ((front.WIDTH, round(front.WIDTH * 3 / 4)), GREEN)
    assert look(docs / "02.png") == ((front.WIDTH, front.WIDTH // 3), BLUE)
    whole = Image.open(docs / "hero.gif")
    assert (whole.size, whole.n_frames, whole.info["loop"]) == ((640, 480), 5, 0)
    middles = [frame.convert("RGB").getpixel((320, 240)) for frame in ImageSequence.Iterator(whole)]
    assert middles == [RED, GREEN, BLUE, RED, BLUE]
    for tag in ("thumbnail", "hero"):
        put(folder, "05_none", cell(tags=(tag,)))
        with pytest.raises(SystemExit, match=f"05_none has a cell tagged '{tag}' without"):
            make_pictures.make(folder, docs)


def test_the_readme_is_as_the_committed_runs_fill_it(make_pictures):
    text = (ROOT / "README.md").read_text()
    blank = re.sub(r"(?m)\| [\d.]+ \|$", lambda old: re.sub(r"\d", "7", old[0]), text)
    blank = re.sub(r"(ipynb\) \|[^|]*\|)[^|]*\|", r"\1 to come |", blank)
    assert text != blank
    assert make_pictures.filled(blank, ROOT / "notebooks") == text


def test_the_pictures_that_the_readme_shows_are_there_and_light():
    shown = re.findall(r"!\[([^\]]*)\]\((docs/[^)]*)\)", (ROOT / "README.md").read_text())
    assert len(shown) == 8
    for alt, place in shown:
        assert len(alt) > 8, f"{place} needs words for those who can't see it"
        assert (ROOT / place).stat().st_size < (1_500_000 if place.endswith("gif") else 60_000)
    there = [path for kind in ("png", "gif") for path in (ROOT / "docs").glob(f"*.{kind}")]
    assert {place for _, place in shown} == {f"docs/{path.name}" for path in there}


# ---- the front page ----


def test_a_card_shows_what_moves_and_what_was_found():
    about = course.Chapter("02_lorenz_chaos", Path("a.py"), "Butterflies & <b>", "Why?")
    seen = film(RED, GREEN, BLUE)
    notebook = nbformat.v4.new_notebook(
        cells=[cell(seen, tags=("readme-film",), mime="image/gif", alt="colours")]
    )
    rows = {row: {"value": 0.5} for row in front.HEADLINES[about.stem][1:]}
    made = BeautifulSoup(front.card(about, "a.html", notebook, rows, "3 s"), "html.parser")
    assert made.a["href"] == "a.html"
    said = [each.text for each in made.find_all("span")]
    assert said[:2] == ["02 Butterflies & <b>", "Why?"] and said[3] == "3 s"
    assert ".500" in said[2] and "0.5" not in said[2]
    assert made.img["alt"] == "colours"
    moving = Image.open(io.BytesIO(base64.b64decode(made.img["src"].partition(",")[2])))
    assert (moving.format, moving.n_frames, moving.width) == ("WEBP", 3, front.WIDTH)
    rows.popitem()
    assert front.headline(about.stem, rows) == "" == front.headline("other", rows)
    bare = front.card(about, "", nbformat.v4.new_notebook(), {})
    assert "<img" not in bare and "href" not in bare


def test_the_front_page_says_what_is_still_to_come(tmp_path):
    put(tmp_path, "01_toys", cell(png(RED)))
    chapters = [
        course.Chapter(stem, tmp_path / f"{stem}.py", stem, "?") for stem in ("01_toys", "02")
    ]
    page = BeautifulSoup(
        pages.write_pages(tmp_path, chapters, due=["02"]).read_text(), "html.parser"
    )
    cards = page.select(".eqflow-card")
    assert [each.name for each in cards] == ["a", "div"]
    assert cards[0]["href"] == "01_toys.html" and "being run" in cards[1].text
    assert len(page.select(".eqflow-live-slot")) == 1
    first = page.body.find(class_=re.compile("eqflow-(live-slot|cards)"))
    assert "eqflow-live-slot" in first["class"], "the first screen is the drawing panel"


def test_the_engine_is_once_on_a_page():
    def panel(name):
        data = {pages.WIDGET: {}, "text/plain": "", "text/html": f"{name}{live.page_script()}"}
        output = nbformat.v4.new_output("display_data", data)
        return nbformat.v4.new_code_cell("", outputs=[output])

    page = pages.to_html(nbformat.v4.new_notebook(cells=[panel("one"), panel("two")]), "a")
    assert page.count("window.eqflow ??=") == 1
    assert page.index("two") < page.index("window.eqflow ??=")

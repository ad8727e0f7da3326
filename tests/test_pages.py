"""Pages made from executed notebooks, and the pictures that the README shows."""

from __future__ import annotations

import base64
import copy
import html
import importlib
import io
import re
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from eqflow_nb.running import catalogue as course
from eqflow_nb.running import pages
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


def test_pages_describe_their_pictures() -> None:
    alt = 'Two "rings" & a <b>cloud</b>'
    film, svg = b"GIF89a", "<svg xmlns='http://www.w3.org/2000/svg'/>"
    last = cell(b"", mime="image/svg+xml", alt="a drawing")
    last.outputs[0].data["image/svg+xml"] = svg
    cells = [cell(png(RED), alt=alt, width=320), cell(film, mime="image/gif", alt="a film"), last]
    notebook = nbformat.v4.new_notebook(cells=cells)
    before = copy.deepcopy(notebook)
    page = BeautifulSoup(pages.to_html(notebook, "01_a"), "html.parser")
    shown = page.find_all("img")
    assert [each["alt"] for each in shown] == [alt, "a film", "a drawing"]
    assert shown[0]["width"] == "320"
    sources = [each["src"].partition(",") for each in shown]
    assert [source[0] for source in sources[:2]] == [
        "data:image/png;base64",
        "data:image/gif;base64",
    ]
    assert [base64.b64decode(source[2]) for source in sources] == [png(RED), film, svg.encode()]
    assert notebook == before, "the README's pictures need it"


def test_pages_link_to_pages_and_not_to_what_needs_a_kernel() -> None:
    text = "[one](01_a.ipynb), [two](exercises/01_a_exercises.ipynb), [three](https://b.org)"
    page = pages.to_html(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)]), "a")
    assert '<a href="01_a.html">one</a>, two, <a href="https://b.org"' in page


def test_cells_for_the_tests_are_not_shown() -> None:
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
def test_formulas_are_set_without_a_script(latex: str, shown: str) -> None:
    made = BeautifulSoup(mathml(latex, display=True), "html.parser")
    assert "".join(made.get_text().split()) == shown
    assert made.math["display"] == "block"
    assert not made.find("script")


def test_signs_names_and_bars_stand_as_in_print() -> None:
    assert '<mo>=</mo><mo form="prefix">−</mo>' in html.unescape(mathml("K = -K"))
    assert 'form="prefix"' not in mathml("a - b") + mathml("(a) - b") + mathml("|a| - b")
    assert 'lspace="0" rspace="0"' in mathml("|v|")
    assert mathml("<b>") == mathml("< b >") and "<b>" not in mathml("<b>")


@pytest.mark.parametrize("latex", [r"\nonsense{a}", r"\frac{a}{"])
def test_what_is_no_formula_is_shown_as_written(latex: str) -> None:
    assert mathml(latex) == f"<code>{latex}</code>"


@pytest.mark.parametrize("one", course.chapters(ROOT / "notebooks"), ids=lambda one: one.stem)
def test_every_formula_of_the_course_can_be_set(one: course.Chapter) -> None:
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
def make_pictures(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("make_pictures")


def test_the_readme_shows_what_is_tagged(tmp_path: Path, make_pictures: ModuleType) -> None:
    folder, docs = tmp_path / "notebooks", tmp_path / "docs"
    docs.mkdir()
    put(folder, "01_toys", cell(png(RED)), cell(png(GREEN), tags=("thumbnail",)), cell(png(BLUE)))
    put(folder, "02_chaos", cell(png(BLUE, (900, 300)), tags=("hero", "thumbnail")))
    put(folder, "03_waves", cell(b"GIF89a", mime="image/gif", tags=("readme-film",)))
    put(folder, "04_words", cell())
    written = make_pictures.make(folder, docs)
    assert sorted(path.name for path in written) == ["01.png", "02.png", "03.gif", "lorenz.png"]
    assert sorted(docs.iterdir()) == sorted(written)
    assert look(docs / "01.png") == ((320, 240), GREEN)
    assert look(docs / "02.png") == ((320, 107), BLUE)
    assert (docs / "lorenz.png").read_bytes() == png(BLUE, (900, 300))
    assert (docs / "03.gif").read_bytes() == b"GIF89a"
    for tag in ("thumbnail", "readme-film"):
        put(folder, "05_none", cell(tags=(tag,)))
        with pytest.raises(SystemExit, match=f"05_none has a cell tagged '{tag}' without"):
            make_pictures.make(folder, docs)


def test_the_pictures_that_the_readme_shows_are_there_and_light() -> None:
    shown = re.findall(r"!\[([^\]]*)\]\((docs/[^)]*)\)", (ROOT / "README.md").read_text())
    assert len(shown) >= 8
    for alt, place in shown:
        assert len(alt) > 8, f"{place} needs words for those who can't see it"
        assert (ROOT / place).stat().st_size < 400_000, place
    there = [path for kind in ("png", "gif") for path in (ROOT / "docs").glob(f"*.{kind}")]
    assert {place for _, place in shown} == {f"docs/{path.name}" for path in there}

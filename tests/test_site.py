"""The website: built from what is committed, whole, offline, fit for a phone and for the dark."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from browser import contrasts, opened, served, start_panels
from bs4 import BeautifulSoup

from eqflow_nb.running import catalogue as course
from eqflow_nb.running import pages as course_pages
from eqflow_nb.running import scorecard

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs" / "site"))
import prepare  # noqa: E402

PHONE, DESK = 360, 1300
CHAPTERS = course.chapters(ROOT / "notebooks")
NOTEBOOKS = [*CHAPTERS, *course.studies(ROOT / "notebooks")]


def dead_links(folder: Path) -> list[str]:
    """Addresses within `folder` that lead nowhere; those of other hosts are not followed."""
    pages = {path.resolve(): BeautifulSoup(path.read_text(), "html.parser").find_all(True)
             for path in sorted(folder.rglob("*.html"))}  # fmt: skip

    def attributes(path: Path, *keys: str) -> list[str]:
        return [tag[key] for tag in pages[path] for key in keys if key in tag.attrs]

    anchors = {path: set(attributes(path, "id", "name")) for path in pages}
    dead = []
    for path in pages:
        for address in attributes(path, "href", "src"):
            place, anchor = urldefrag(address)
            if urlsplit(address).scheme:
                continue
            target = (path.parent / unquote(urlsplit(place).path)).resolve() if place else path
            known = anchors.get(target, {anchor})
            if not target.is_file() or (anchor and unquote(anchor) not in known):
                dead.append(f"{path.name}: {address}")
    return dead


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built with warnings as errors."""
    folder = tmp_path_factory.mktemp("site")
    sources = prepare.prepare(folder / "src")
    options = ["-q", "-W", "--keep-going", "-c", ROOT / "docs/site", "-d", folder / "trees"]
    command = [sys.executable, "-m", "sphinx", *options, sources, folder / "html"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site):
    return sorted(str(path.relative_to(site)) for path in site.rglob("*.html"))


@pytest.fixture(scope="module")
def address(site):
    with served(site) as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The pages that `make course` writes, of the committed notebooks."""
    folder = tmp_path_factory.mktemp("made") / "course"
    folder.mkdir()
    for one in CHAPTERS:
        shutil.copy2(one.path.with_suffix(".ipynb"), folder)
    return course_pages.write_pages(folder, CHAPTERS).parent


# ---- as files ----


def test_the_site_has_a_page_for_everything(site, pages):
    for one in NOTEBOOKS:
        place = one.path.relative_to(ROOT).with_suffix(".html")
        assert (site / place).is_file()
    assert {f"api/{room}.html" for room in prepare.ROOMS} <= set(pages)
    assert {"index.html", "search.html", "notebooks/README.html"} <= set(pages)


def test_no_link_is_dead(site):
    assert dead_links(site) == []


@pytest.mark.parametrize("one", NOTEBOOKS, ids=lambda one: one.stem)
def test_all_pictures_of_a_notebook_are_shown_and_described(site, one):
    cells = json.loads(one.path.with_suffix(".ipynb").read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    drawn = [about for output in outputs for about in output.get("metadata", {}).items()]
    due = [(mime == "image/gif", about["alt"]) for mime, about in drawn if "image/" in mime]
    page = (site / one.path.relative_to(ROOT).with_suffix(".html")).read_text()
    shown = BeautifulSoup(page, "html.parser").find_all("img")
    assert [(one["src"].endswith(".gif"), one.get("alt")) for one in shown] == due


def test_scorecards_are_shown_whole(site):
    text = (site / "pages/scorecards.html").read_text()
    for one in NOTEBOOKS:
        for name in scorecard.read(one.path.with_suffix(".ipynb")):
            assert name in text


def test_every_module_is_on_one_page_of_the_reference(site):
    files = (ROOT / "eqflow_nb").rglob("*.py")
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files}
    names = {name.removesuffix(".__init__") for name in names if ".data." not in name}
    listed = re.findall(r"automodule:: (\S+)", "\n".join(prepare.reference().values()))
    assert sorted(listed) == sorted(names - {"eqflow_nb"})
    text = (site / "api/scores.html").read_text()
    assert 'id="eqflow_nb.scores.closed_form.fit_mixture"' in text
    assert "Parameters" in (site / "api/rollout.html").read_text()


# ---- in a browser ----

# What is wider than its box must scroll in it.
CLIPPED = """[...document.querySelectorAll('pre, .formula, .table-wrapper')].filter(
    box => box.scrollWidth > box.clientWidth + 1
        && !['auto', 'scroll'].includes(getComputedStyle(box).overflowX)
).map(box => box.outerHTML.slice(0, 200))"""


def test_pages_are_quiet_whole_and_fit_a_phone(chrome, address, pages):
    for name in pages:
        with opened(chrome, f"{address}/{name}", PHONE) as (tab, wrong):
            assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE, name
            assert tab.evaluate(CLIPPED) == [], name
            missing = "[...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
            assert tab.evaluate(missing) == [], name
            assert "Jupyter widget" not in tab.content(), name
            assert wrong == [], name


LIVE = {"index": 1, "00": 1, "01": 2, "02": 1, "03": 1, "06": 1}  # panels at least
SPECS = ".eqflow-live-slot > script[type='application/json']"
LARGEST_MB = 2
# What a page and all that it loaded weigh, in bytes as they are stored.
WEIGHT = """['resource', 'navigation'].flatMap(kind => performance.getEntriesByType(kind))
    .reduce((sum, one) => sum + one.decodedBodySize, 0)"""


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("kind", ["site", "made"])
def test_every_panel_is_live_without_kernel_or_network(request, chrome, kind, width):
    folder = request.getfixturevalue(kind)
    within = "notebooks/" if kind == "site" else ""
    names = ["index.html", *(f"{within}{one.stem}.html" for one in CHAPTERS)]
    with served(folder) as host:
        for name in names:
            with opened(chrome, f"{host}/{name}", width) as (tab, wrong):
                least = LIVE.get(Path(name).stem.split("_")[0], 0)
                assert start_panels(tab) >= least, name
                assert tab.locator(".eqflow-live-slot:not(:has(.eqflow-live))").count() == 0
                assert tab.evaluate("document.documentElement.scrollWidth") <= width, name
                assert tab.evaluate(WEIGHT) <= LARGEST_MB * 1e6, name
                shown = [one.get_attribute("alt") for one in tab.locator("img:visible").all()]
                for spec in tab.locator(SPECS).all_text_contents():
                    assert json.loads(spec)["alt"] not in shown, "its static picture is still there"
                assert wrong == [], name


@pytest.mark.parametrize("kind", ["site", "made"])
def test_without_scripts_there_are_the_static_pictures(request, chrome, kind):
    place = f"{'notebooks/' if kind == 'site' else ''}01_toys_2d.html"
    still = {"java_script_enabled": False}
    with (
        served(request.getfixturevalue(kind)) as host,
        opened(chrome, f"{host}/{place}", PHONE, **still) as (tab, wrong),
    ):
        specs = [json.loads(each) for each in tab.locator(SPECS).all_text_contents()]
        assert len(specs) >= LIVE["01"]
        for spec in specs:
            assert tab.get_by_alt_text(spec["alt"], exact=True).first.is_visible()
        assert wrong == []


def test_search_finds_what_is_written(chrome, address):
    tab = chrome.new_page(viewport={"width": DESK, "height": 800})
    tab.goto(f"{address}/search.html?q=Lyapunov")
    # Results are listed one after another; one that never comes fails by running out of time.
    for page in ("02_lorenz_chaos.html", "api/measures.html"):
        tab.wait_for_selector(f"#search-results li a[href*='{page}']", state="attached")
    tab.goto(f"{address}/search.html?q=Xylophone")
    tab.wait_for_function("document.body.innerText.includes('did not match any documents')")
    tab.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_code_and_formulas_are_legible(chrome, address, scheme):
    context = chrome.new_context(viewport={"width": DESK, "height": 800}, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(f"{address}/notebooks/01_toys_2d.html")
    paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (min(map(int, re.findall(r"\d+", paper)[:3])) > 200) == (scheme == "light")
    for what in ("article p", "article a", "h2", "pre", "pre span", "math", "summary"):
        assert min(contrasts(tab.locator(what))) >= 4.5, what
    context.close()

"""How Sphinx turns the course into pages; `prepare.py` gathers the sources first."""

import base64
import hashlib
import json
import re
import sys
from pathlib import Path

from docutils import nodes

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from eqflow_nb.running.formulas import mathml  # noqa: E402

project = "eqflow_nb"
author = "the eqflow_nb authors"
html_title = "Equilibrium flow"
exclude_patterns = ["README.md"]  # parts of it are on other pages
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
]
suppress_warnings = [
    "mystnb.unknown_mime_type",  # scorecards carry their rows as data beside the text shown
    "ref.python",  # two modules have a class of the same short name
]

# The notebooks are shown as committed.  Live panels bring their engine, so no widgets' JavaScript.
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_merge_streams = True
nb_render_markdown_format = "myst"  # which knows tables
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3

# Docstrings are plain text with `names`, in the sections of NumPy's style.
default_role = "literal"
add_module_names = False
autosummary_generate = False
autodoc_default_options = {"members": True, "ignore-module-all": True}
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_param = False
napoleon_use_rtype = False

html_theme = "furo"
pygments_dark_style = "a11y-high-contrast-dark"  # furo's own has words too dark to read
html_math_renderer = "mathml"
html_static_path = [
    str(Path(__file__).parent / "static"),
    str(ROOT / "eqflow_nb/running/common.css"),
]
html_css_files = ["common.css", "site.css"]
html_favicon = str(Path(__file__).parent / "static" / "favicon.svg")
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False


def describe_pictures(app, doctree):
    """Give a notebook's pictures the descriptions that it carries, which myst-nb leaves out."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.suffix != ".ipynb":
        return
    words = {}
    for cell in json.loads(path.read_text())["cells"]:
        for output in cell.get("outputs", []):
            for mime, about in output.get("metadata", {}).items():
                if mime in ("image/png", "image/gif") and "alt" in about:
                    content = base64.b64decode("".join(output["data"][mime]))
                    words[hashlib.sha256(content).hexdigest()] = about["alt"]
    for image in doctree.findall(nodes.image):
        image.setdefault("alt", words.get(Path(image["uri"]).stem, ""))


def tell_width(app, pagename, templatename, context, doctree):
    """Tell the style sheet how wide a picture is meant to be."""
    told = r'<img\1 width="\2" style="--width: \2px"'
    context["body"] = re.sub(r'<img([^>]*) width="(\d+)"', told, context.get("body", ""))


def plain_words(app, what, name, obj, options, lines):
    """Keep signs in docstrings, such as |v| and p*, from being read as markup."""
    for number, line in enumerate(lines):
        parts = re.split(r"(``.*?``|`.*?`)", line)
        parts[::2] = [re.sub(r"[|*]|(?<=\w)_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
        lines[number] = "".join(parts)


def formula(writer, node):
    """Write a formula as MathML, as on the pages of `make course`."""
    writer.body.append(mathml(node.astext(), display=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def setup(app):
    """Connect them."""
    app.connect("doctree-read", describe_pictures)
    app.connect("html-page-context", tell_width)
    app.connect("autodoc-process-docstring", plain_words, priority=400)  # before napoleon
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))

"""The house: how large it is, which way it imports, and that nothing in it is unused.

The limits are here, in one place.  Raise one only for something that a reader gains.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "eqflow_nb"

# The package may have what there is now; 14,000 is the aim.  What equations have over 1,900 makes
# them the same in all units, and finds more of them.
# Of the tests some 900 lines hold the panels' engine, in JavaScript, to what Python computes.
LINES = {"eqflow_nb": 15_637, "eqflow_nb/equations": 2_323, "tests": 9_751}
ENTRIES = 16  # files and folders at the package's top
FAMILY = 3  # files of one folder whose names begin with the same word

# A room imports only from rooms in lines above its own.
ORDER = [
    {"inputs", "data"},
    {"fourier"},
    {"snapshots"},
    {"user_data"},
    {"scores"},
    {"flows", "equations"},
    {"rollout"},
    {"measures"},
    {"figures"},
    {"report"},
    {"course"},
    {"panels"},
    {"running"},
]
ALSO = {("equations", "eqflow_nb.flows.continuity")}


def modules() -> list[Path]:
    """All modules but the scripts that make the shipped data."""
    return sorted(path for path in PACKAGE.rglob("*.py") if PACKAGE / "data" not in path.parents)


@pytest.mark.parametrize("folder", LINES)
def test_it_stays_small(folder):
    lines = sum(len(path.read_text().splitlines()) for path in (ROOT / folder).rglob("*.py"))
    assert lines <= LINES[folder], (
        f"{folder} has {lines:,} lines of Python, over the {LINES[folder]:,} it may have: look for "
        "what a library does, what is there twice, and what nobody uses, before you add"
    )


def test_the_package_has_few_entries():
    entries = [path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"]
    assert len(entries) <= ENTRIES, (
        f"eqflow_nb has {len(entries)} entries, over {ENTRIES}: put a new file into the room it "
        "belongs to"
    )


def test_files_that_belong_together_are_a_folder():
    for folder in {path.parent for path in modules()}:
        words = Counter(path.stem.partition("_")[0] for path in folder.glob("[!_]*.py"))
        families = [f"{word}_*" for word, number in words.items() if number > FAMILY]
        assert families == [], f"{folder.relative_to(ROOT)}: make folders of {families}"


def imported(path: Path) -> Iterator[str]:
    """The modules of the package that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.startswith("eqflow_nb."))
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: import by the whole name, from eqflow_nb.room"
            if node.module == "eqflow_nb":
                yield from (f"eqflow_nb.{each.name}" for each in node.names)
            elif (node.module or "").startswith("eqflow_nb."):
                yield str(node.module)


def test_imports_go_downwards():
    level = {room: number for number, rooms in enumerate(ORDER) for room in rooms}
    faults = []
    for path in modules():
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        for module in imported(path):
            other = module.split(".")[1]
            allowed = other == room or level[other] < level[room] or (room, module) in ALSO
            if not allowed:
                faults.append(f"{path.relative_to(ROOT)} imports {module}")
    assert faults == [], "move what is imported to the room below, or its user up: " + str(faults)


def test_every_public_name_has_a_user():
    """A use is a name in code outside of its definition; tests are no users, nor are exports."""
    ours = modules()
    code = [*ours, *(ROOT / "notebooks").rglob("*.py"), *(ROOT / "docs").rglob("*.py")]
    defined: dict[str, Path] = {}
    used: set[str] = set()
    for path in code:
        for node in ast.parse(path.read_text()).body:
            own = getattr(node, "name", "")
            if path in ours and own and not own.startswith("_"):
                defined[own] = path
            if path.name == "__init__.py" and isinstance(node, ast.ImportFrom):
                continue
            for each in ast.walk(node):
                names = [each.id] if isinstance(each, ast.Name) else []
                names += [each.attr] if isinstance(each, ast.Attribute) else []
                names += [one.name for one in getattr(each, "names", []) if hasattr(one, "name")]
                used |= {name for name in names if name != own}
            used |= {own} if "command" in "".join(map(ast.unparse, decorators(node))) else set()
    told = "".join(path.read_text() for path in [*ROOT.glob("*.md"), ROOT / "pyproject.toml"])
    unused = [
        f"{path.relative_to(ROOT)}: {name}"
        for name, path in defined.items()
        if name not in used and not re.search(rf"\b{name}\b", told)
    ]
    assert unused == [], "nobody uses these but tests; delete them:\n" + "\n".join(unused)


def decorators(node: ast.stmt) -> list[ast.expr]:
    return getattr(node, "decorator_list", [])

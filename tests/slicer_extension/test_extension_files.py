"""The extension as a package: what the build and the Extensions Index look at; slips that only a real Slicer shows."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from panel_paths import MODULE, ROOT
from PIL import Image

SCRIPTS = sorted(file.relative_to(MODULE) for file in MODULE.rglob("*.py"))
SHIPPED = [file for file in SCRIPTS if file.parts[0] != "Testing"]
# Slicer's own, and what it always has.
OURS = {"PRSMed", "PRSMedLib", "PRSMedPanel"}
HOST = {"slicer", "vtk", "qt", "ctk", "SampleData"}
METADATA = (ROOT / "CMakeLists.txt").read_text()


def listed(variable: str) -> set[str]:
    text = (MODULE / "CMakeLists.txt").read_text().replace("${MODULE_NAME}", "PRSMed")
    return set(re.search(rf"set\({variable}\s+([^)]*)\)", text).group(1).split())  # type: ignore[union-attr]


def meta(name: str) -> str:
    found = re.search(rf'^set\({name} "([^"]*)"\)', METADATA, re.MULTILINE)
    assert found, name
    return found.group(1)


def test_the_build_takes_every_file_and_no_other() -> None:
    assert listed("MODULE_PYTHON_SCRIPTS") == {file.as_posix() for file in SHIPPED}
    resources = {file.relative_to(MODULE).as_posix() for file in (MODULE / "Resources").rglob("*") if file.is_file()}
    assert listed("MODULE_PYTHON_RESOURCES") == resources


def test_the_index_finds_what_it_asks_for() -> None:
    entry = json.loads((ROOT / "PRSMed.json").read_text())
    assert {"$schema", "category", "scm_url"} <= set(entry)
    assert entry["scm_url"].rsplit("/", 1)[1].startswith("Slicer")
    assert re.search(r"^project\(PRSMed\)", METADATA, re.MULTILINE)
    assert meta("EXTENSION_CATEGORY") == entry["category"]
    for address in (meta("EXTENSION_ICONURL"), *meta("EXTENSION_SCREENSHOTURLS").split()):
        file = ROOT / address.split("/main/", 1)[1]
        assert Image.open(file).format == "PNG"
    assert "not a medical device" in meta("EXTENSION_DESCRIPTION")
    assert (ROOT / "LICENSE").is_file()
    size = Image.open(MODULE / "Resources" / "Icons" / "PRSMed.png").size
    assert size == (128, 128)


def test_what_is_shipped_is_small() -> None:
    assert sum(file.stat().st_size for file in MODULE.rglob("*") if file.is_file()) < 5 << 20


@pytest.mark.parametrize("file", SHIPPED, ids=str)
def test_nothing_but_slicer_is_imported_at_file_scope(file: Path) -> None:
    tree = ast.parse((MODULE / file).read_text())
    wanted: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            wanted |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            wanted.add((node.module or "").split(".")[0])
    assert wanted <= {*sys.stdlib_module_names, *HOST, *OURS}


def test_the_library_imports_without_slicer_numpy_and_requests() -> None:
    """The Qt-free part, in a Python that has none of them."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "for name in ('numpy', 'requests', 'slicer', 'vtk', 'qt', 'PySide6'): sys.modules[name] = None\n"
        "from PRSMedLib import answer, asking, conversation, geometry, jobs, learning, nrrd, page, problem, questions,"
        " report, sending, server, terminology\n"
        "server.Server('127.0.0.1:8000'); page.conversationPage([]); report.reportText([])"
    )
    subprocess.run([sys.executable, "-I", "-c", code, str(MODULE)], check=True)


@pytest.mark.parametrize("file", SHIPPED, ids=str)
def test_names_are_slicer_s_kind_and_nothing_is_used_that_pythonqt_lacks(file: Path) -> None:
    text = (MODULE / file).read_text()
    assert not re.search(r"\bqt\.(Signal|Slot|Property)\b|processEvents|PySide|PyQt", text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("__"):
            name = node.name.removeprefix("test_")
            assert re.fullmatch(r"_?[a-z][A-Za-z0-9]*", name), f"{file}:{node.lineno} {node.name}"


@pytest.mark.parametrize("file", SHIPPED, ids=str)
def test_texts_that_are_translated_are_whole(file: Path) -> None:
    """An f-string inside _() is no text that a translator could find."""
    for node in ast.walk(ast.parse((MODULE / file).read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
            (text,) = node.args
            assert isinstance(text, ast.Constant), f"{file}:{node.lineno}"


def test_widgets_that_show_the_scene_are_given_it() -> None:
    tree = ElementTree.parse(MODULE / "Resources" / "UI" / "PRSMed.ui")
    shows = {w.get("name") for w in tree.iter("widget") if w.get("class", "").startswith("qMRML")} - {"PRSMed"}
    given = {
        connection.findtext("receiver")
        for connection in tree.iter("connection")
        if connection.findtext("sender") == "PRSMed"
        and connection.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
        and connection.findtext("slot") == "setMRMLScene(vtkMRMLScene*)"
    }
    assert shows == given


def test_every_widget_to_press_or_fill_has_a_tooltip() -> None:
    tree = ElementTree.parse(MODULE / "Resources" / "UI" / "PRSMed.ui")
    kinds = {"QPushButton", "QToolButton", "QLineEdit", "QComboBox", "QSpinBox", "QPlainTextEdit", "qMRMLNodeComboBox"}
    for widget in tree.iter("widget"):
        if widget.get("class") in kinds:
            assert any(each.get("name") == "toolTip" for each in widget.findall("property")), widget.get("name")

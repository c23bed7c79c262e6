"""The stand-ins themselves, with a small scripted module of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

MODULE = Path(__file__).parent / "probe_module" / "Probe.py"


@pytest.fixture
def probe(host: Any) -> Any:
    return host.loadModule(MODULE)


def test_ask(host, probe):

    print(probe.parameters.getValue("opacity"), probe.ui.opacity.value, probe.ui.scope.count)
    probe.ui.question.text = "abc"
    host.answers.append("Yes")
    probe.ui.askButton.click()
    host.pump(lambda: probe.ui.answer.plainText == "ABC")
    host.screenshot(probe, "/tmp/h/probe.png")
    print(host.boxes, host.registered)
    host.closeScene()
    print(probe.parameters.question, probe.ui.question.text)

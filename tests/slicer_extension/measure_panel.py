"""Measure the panel against a real server with nano; prints a table.

    .venv/bin/python tests/slicer_extension/measure_panel.py

- from the click to the panel's reaction, while nothing and while a whole volume's question is under way;
- a slice of a 512 x 512 x 200 volume: seconds and megabytes of the first and of the second question.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from panel_paths import MODULE, ROOT

for folder in (MODULE, ROOT / "tests" / "monailabel_app", ROOT / "tests" / "slicer_host"):
    sys.path.insert(0, str(folder))
os.environ["QT_QPA_PLATFORM"] = "offscreen"

import numpy as np  # noqa: E402
import slicer  # noqa: E402
from host import Host  # noqa: E402
from panel_driving import Driver  # noqa: E402
from running import serve  # noqa: E402

ROUNDS = 15


def milliseconds(driver: Driver, press: str) -> float:
    """From the click until the events it caused are done."""
    began = time.perf_counter()
    getattr(driver.ui, press).click()
    driver.host.step()
    return 1000 * (time.perf_counter() - began)


def clicks(driver: Driver) -> None:
    driver.sample("PRSMedChestCT")
    driver.ask("Where is the lung nodule?")
    driver.ui.scopeComboBox.currentIndex = 2
    asked, meanwhile, cancelled = [], [], []
    for _ in range(ROUNDS):
        driver.type("Where is the lung nodule?")
        asked.append(milliseconds(driver, "askButton"))
        driver.host.pump(lambda: "Slice" in driver.said, 60)
        meanwhile += [milliseconds(driver, press) for press in ("copyButton", "alignButton")]
        cancelled.append(milliseconds(driver, "cancelButton"))
        driver.host.pump(lambda: not driver.panel.tasks._jobs, 60)
    for name, times in (("ask", asked), ("other buttons while it runs", meanwhile), ("cancel", cancelled)):
        print(f"{name:32} median {statistics.median(times):5.1f} ms, slowest {max(times):5.1f} ms")


def large(driver: Driver) -> None:
    from PRSMedLib import consultation

    sent: list[int] = []
    send = consultation.sendForAWhile

    def counted(server, name, content, tell):  # type: ignore[no-untyped-def]
        sent.append(len(content))
        return send(server, name, content, tell)

    consultation.sendForAWhile = counted
    voxels = np.random.default_rng(0).normal(40, 20, (200, 512, 512)).astype(np.int16)
    volume = slicer.util.addVolumeFromArray(voxels, ijkToRAS=np.diag([-0.7, -0.7, 1.5, 1.0]))
    driver.panel.chooseVolume(volume)
    driver.ui.scopeComboBox.currentIndex = 0
    for number, k in enumerate((100, 101), start=1):
        driver.show(volume, k)
        driver.type("Is there a tumour?")
        began = time.perf_counter()
        reaction = milliseconds(driver, "askButton")
        driver.wait(300)
        seconds, size = time.perf_counter() - began, sum(sent) / 1e6
        sent.clear()
        told = f"{seconds:5.1f} s, {size:6.1f} MB sent, reaction {reaction:.1f} ms"
        print(f"question {number} about 512x512x200      {told}")


def main() -> None:
    host = Host()
    with tempfile.TemporaryDirectory() as folder:
        studies = Path(folder) / "studies"
        studies.mkdir()
        for server in serve(studies, Path("nano"), Path(folder) / "log", PRSMED_STATE=folder):
            driver = Driver(host)
            print(driver.connect(server.url))
            clicks(driver)
            large(driver)
            host.reset()


if __name__ == "__main__":
    main()

"""Pictures of the panel and of a slice view, made and looked at. With PRSMED_PICTURES=FOLDER they are kept there.

    PRSMED_PICTURES=docs/pictures ./scripts/test tests/slicer_extension -k 'picture or curve'

makes those of the README and of docs/slicer.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel_driving import Driver
from PIL import Image

pytestmark = pytest.mark.slow


def colors(file: Path) -> int:
    """How many different colours a picture has."""
    return len(np.unique(np.asarray(Image.open(file).convert("RGB")).reshape(-1, 3), axis=0))


def test_panel_and_view_of_an_answer(host: Any, nano_server: str, pictures: Path) -> None:
    from PRSMedLib import segments

    driver = Driver(host)
    driver.connect(nano_server)
    volume = driver.sample("PRSMedBrainMR")
    driver.show(volume, 19)
    turn = driver.ask("Where is the brain tumour?")
    assert turn.segmentIds
    pixels = host.sliceView("Red", pictures / "slice_view.png", 512, 512)
    display = segments.segmentationOf(volume).GetDisplayNode()
    display.SetVisibility(False)
    without = host.sliceView("Red", None, 512, 512)
    display.SetVisibility(True)
    # The image itself is there.
    assert without.mean() > 20
    changed = np.any(pixels != without, axis=2)
    # About as much of the view is coloured as the mask covers; the rest is the image, untouched and grey.
    assert 50 < changed.sum() < 0.2 * changed.size
    grey = without[..., 0] == without[..., 1]
    assert grey[~changed].mean() > 0.99
    colored = pixels[changed].astype(int)
    assert np.median(colored.max(axis=1) - colored.min(axis=1)) > 20
    driver.ask("Is there a kidney stone?")
    driver.picture(pictures / "panel.png")
    assert colors(pictures / "panel.png") > 50


def test_panel_of_mistakes(host: Any, nano_server: str, pictures: Path) -> None:
    driver = Driver(host)
    assert "No server listens" in driver.connect("http://127.0.0.1:9")
    driver.type("Where is the brain tumour?")
    driver.press_ask()
    driver.picture(pictures / "panel_wrong_address.png")
    driver.connect(nano_server)
    driver.sample("PRSMedBrainMR", align=False)
    import slicer

    node = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    node.SetSliceToRASByNTP(0, 0.5, 0.87, 1, 0, 0, 0, 0, 0, 0)
    driver.press_ask()
    assert "Align view" in driver.said
    driver.picture(pictures / "panel_oblique.png")
    assert colors(pictures / "panel_oblique.png") > 20

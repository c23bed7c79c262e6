"""`prsmed data paraphrase`: more wordings by a language model, checked by the parser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prsmed.console import err, out, progress
from prsmed.errors import PRSMedError


def paraphrase(
    out_file: Annotated[Path, typer.Option("--out", help="Template file to write (YAML), for data build --wording.")],
    endpoint: Annotated[
        str | None,
        typer.Option(help="An OpenAI-compatible server, e.g. http://localhost:8000/v1; key: PRSMED_LLM_KEY."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Name of the model at the endpoint.")] = None,
    folder: Annotated[Path | None, typer.Option(help="A local transformers model instead of an endpoint.")] = None,
    wording: Annotated[
        Path | None, typer.Option(help="Your own templates (YAML); the shipped ones by default.")
    ] = None,
    prompt: Annotated[Path | None, typer.Option(help="Your own prompt; it holds {template}.")] = None,
    cache: Annotated[
        Path, typer.Option(help="Where replies are kept, so that a second run asks nothing twice.")
    ] = Path("paraphrases.jsonl"),
) -> None:
    """Let a language model reword the templates; keep what still says the same place."""
    from prsmed.data.paraphrase import write_paraphrases
    from prsmed.speakers import EndpointSpeaker, FolderSpeaker, Speaker

    speaker: Speaker
    if folder is not None and endpoint is None:
        speaker = FolderSpeaker(folder)
    elif endpoint is not None and model is not None and folder is None:
        speaker = EndpointSpeaker(endpoint, model)
    else:
        raise PRSMedError("no_speaker", "say who rewords: --endpoint URL with --model NAME, or --folder FOLDER")
    with progress() as bar:
        task = bar.add_task("paraphrases", total=None)
        counts = write_paraphrases(
            out_file,
            speaker,
            cache,
            wording=wording,
            prompt=prompt,
            report=lambda *_: bar.advance(task),
        )
    for reason, count in counts.most_common():
        err.print(f"{count} x {reason}", highlight=False)
    out.print(f"Written: {out_file}", highlight=False, soft_wrap=True)

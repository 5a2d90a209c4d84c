"""JavaScript, styles and Plotly for the components, served by Streamlit from `pages/entry/static/` at `app/static/`.

Inline JavaScript travels again with every message of a component, so each component sends only the few lines
of `loader`, and the browser fetches the module behind it once.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import mimetypes
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STATIC = Path(__file__).resolve().parents[1] / "entry" / "static"
PLOTLY = "plotly.min.js"

# The path is found from Streamlit's own script, which is right behind any proxy and base path; the address of
# the page is not, for it changes with each page of the app.
_LOADER = """
const own = document.querySelector('script[src*="static/js/"]')?.src ?? document.baseURI
const module = import(new URL("app/static/{file}?v={version}", own.split("static/js/")[0]))
export default async component => {{
  const root = component.parentElement
  try {{
    const data = JSON.parse(new TextDecoder().decode(component.data))
    return (await module).default({{ ...component, data }})
  }} catch (error) {{
    console.error(error)
    root.append(root.querySelector("p") ?? document.createElement("p"))
    root.lastChild.textContent = "This part of the page did not load. Reload the page to try again."
  }}
}}
"""


def packed(data: Mapping[str, Any]) -> bytes:
    """Data for a component as `loader` reads it.

    Streamlit looks through other data for tables and turns it into JSON twice, which takes longer than making it.
    """
    return json.dumps(data, separators=(",", ":")).encode()


def loader(file: str) -> str:
    """The inline JavaScript of a component whose module is `static/<file>`, and whose data is `packed`."""
    ensure_plotly()
    return _LOADER.format(file=file, version=version())


@functools.cache
def version() -> str:
    """Ten hex digits that change with any module, style sheet or Plotly release: caches stay right."""
    digest = hashlib.sha256(_plotly_source().stat().st_size.to_bytes(8, "little"))
    for path in sorted(STATIC.glob("*.*")):
        if path.suffix in {".js", ".css"} and path.name != PLOTLY:
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


@functools.cache
def ensure_plotly() -> Path:
    """Copies plotly.min.js out of the installed package unless it is there; many servers may start at once.

    A folder that cannot be written is no reason not to start: the charts then say that they did not load.
    """
    # Windows may have another type for .js in its registry, and browsers refuse modules of another type.
    mimetypes.add_type("text/javascript", ".js")
    source, target = _plotly_source(), STATIC / PLOTLY
    if _same(source, target):
        return target
    try:
        handle, name = tempfile.mkstemp(dir=STATIC, prefix=PLOTLY, suffix=".part")
        os.close(handle)
        part = Path(name)
        try:
            shutil.copyfile(source, part)
            part.chmod(0o644)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        logging.getLogger(__name__).warning("Plotly could not be copied to %s: %s", target, error)
    return target


def _same(source: Path, target: Path) -> bool:
    """Same size and same banner, which names the release."""
    if not target.is_file() or target.stat().st_size != source.stat().st_size:
        return False
    with source.open("rb") as ours, target.open("rb") as theirs:
        return ours.read(200) == theirs.read(200)


def _plotly_source() -> Path:
    # Found without importing plotly, which takes half a second and is not needed to serve a file of it.
    from importlib.util import find_spec

    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise RuntimeError("The package 'plotly' is not installed. Run: pip install -r requirements.txt")
    return Path(spec.origin).parent / "package_data" / PLOTLY

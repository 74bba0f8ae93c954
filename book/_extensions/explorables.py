"""Bring figures to life: give each page with live figures, and no other, what they
need.

A live figure is a figure of the class ``explorable``. Its picture,
_explorables/NAME.png, stands in JupyterLab, on paper and wherever scripts do not
run; on the page, NAME.js puts a live figure in its place. The numbers that the
script starts from come from explorables_data.py, as JSON inside the page: a page
that is opened from the file system may load scripts, but neither modules nor data.
(Jupyter Book puts every script in _static on every page; hence the other folder.)
"""

import json
from pathlib import Path

import explorables_data
from docutils import nodes
from sphinx.errors import ExtensionError

FOLDER = Path(__file__).parent.parent / "_explorables"
SHARED = ["vendor/htm-preact.js", "explorable.js"]
# What a figure needs beside its own script, in this order.
NEEDS = {
    "twelve-hikes": ["hike.js"],
    "hike-estimates": ["hike.js"],
    "the-clip": ["hike.js"],
    "cart-pole": ["cart.js"],
    "sixteen-runs": ["cart.js"],
}


def scripts(names: list[str]) -> list[str]:
    """Return the scripts of a page with these figures, in the order to run them.

    Raises:
        ExtensionError: there is no script for a figure.
    """
    files = [*SHARED]
    for name in names:
        if not (FOLDER / f"{name}.js").exists():
            raise ExtensionError(f"{name}.js is missing for a live figure")
        files += [*NEEDS.get(name, []), f"{name}.js"]
    return list(dict.fromkeys(files))


def load(app, pagename, templatename, context, doctree):
    """Add style, data and scripts to a page with live figures."""
    pictures = doctree.findall(nodes.image) if doctree else []
    live = (picture for picture in pictures if "explorable" in picture["classes"])
    names = list(dict.fromkeys(Path(picture["uri"]).stem for picture in live))
    if not names:
        return
    app.add_css_file("explorable.css")
    for name in names:
        if numbers := getattr(explorables_data, name.replace("-", "_"), None):
            body = json.dumps(numbers(), separators=(",", ":"), allow_nan=False)
            kind = {"type": "application/json", "id": f"{name}-data"}
            app.add_js_file(None, body=body.replace("<", r"\u003c"), **kind)
    for file in scripts(names):
        app.add_js_file(file, loading_method="defer")


def publish(app, config):
    """Let Sphinx copy the scripts."""
    config.html_static_path.append(FOLDER.name)


def setup(app):
    """Register with Sphinx."""
    app.connect("config-inited", publish)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

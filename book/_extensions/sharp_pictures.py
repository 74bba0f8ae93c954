"""Show the pictures that cells have drawn at half their size.

They have twice as many pixels as they are shown with (pg.set_style), which the page
does not know.
"""

from pathlib import Path

from docutils import nodes
from PIL import Image


def set_width(app, doctree):
    """Give each picture of a cell its width in the page's pixels."""
    for image in doctree.findall(nodes.image):
        if "cell_output" in classes_around(image) and image["uri"].endswith(".png"):
            with Image.open(Path(app.srcdir, image["uri"])) as picture:
                image["width"] = f"{picture.width / 2:g}px"


def classes_around(node):
    """Return the classes of all nodes that hold this one."""
    found = []
    while node := node.parent:
        found += node.get("classes", [])
    return found


def setup(app):
    """Register with Sphinx, to come after the pictures have been found."""
    app.connect("doctree-read", set_width, priority=900)
    return {"parallel_read_safe": True}

"""Make plain containers of the sections that sphinx-exercise puts around its text.

They have no title, which sphinx-codeautolink (0.19) demands of a section, and share
one identifier.
"""

from docutils import nodes


def make_plain(app, doctree):
    """Replace every section that does not begin with a title."""
    for section in list(doctree.findall(nodes.section)):
        if not isinstance(section.next_node(), nodes.title):
            section.replace_self(nodes.container("", *section.children))


def setup(app):
    """Register with Sphinx, to come before sphinx-codeautolink."""
    app.connect("doctree-read", make_plain, priority=100)
    return {"parallel_read_safe": True}

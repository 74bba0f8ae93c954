"""Mend what sphinx-exercise (1.2) makes of exercises and solutions, and leave out
what says nothing on a page.

The sections that it puts around its text have no title, which sphinx-codeautolink
(0.19) demands of a section, and share one identifier. The link to the exercise of a
solution begins with a space. On a page nobody can fill in an exercise: what the
check says of one that has not been written is for the notebook alone.
"""

from docutils import nodes

NOT_WRITTEN = "○ "  # with which pg.check says so


def make_plain(app, doctree):
    """Replace every section that does not begin with a title."""
    for section in list(doctree.findall(nodes.section)):
        if not isinstance(section.next_node(), nodes.title):
            section.replace_self(nodes.container("", *section.children))


def leave_out(app, doctree):
    """Remove the output of a check that found nothing written."""
    for output in list(doctree.findall(nodes.container)):
        told = "cell_output" in output["classes"] and output.astext()
        if told and told.startswith(NOT_WRITTEN):
            output.parent.remove(output)


def move_space(app, doctree, docname):
    """Put the space before the link to an exercise, not into it."""
    for title in doctree.findall(nodes.title):
        for link in title.findall(nodes.reference):
            if link.astext().startswith(" "):
                text = next(link.findall(nodes.Text))
                text.parent.replace(text, nodes.Text(text.lstrip()))
                link.parent.insert(link.parent.index(link), nodes.Text(" "))


def setup(app):
    """Register with Sphinx, to come before sphinx-codeautolink."""
    app.connect("doctree-read", make_plain, priority=100)
    app.connect("doctree-read", leave_out)
    app.connect("doctree-resolved", move_space)
    return {"parallel_read_safe": True}

"""Tell the book where it is published.

The repository is named once: in _config.yml, or in the environment variable
BOOK_REPOSITORY, which comes first. Where neither names one, the page has no buttons
that need it. The address of the book itself is BOOK_SITE.
"""

import os

PLACEHOLDER = "https://github.com/OWNER/REPOSITORY"


def fill_in(app, config):
    """Put the addresses where the theme and the social cards look for them."""
    options = config.html_theme_options
    repository = os.environ.get("BOOK_REPOSITORY") or options.get("repository_url")
    if repository:
        options["repository_url"] = repository
        options["use_repository_button"] = options["use_issues_button"] = True
    else:
        options["launch_buttons"] = {}
    config.html_baseurl = config.ogp_site_url = os.environ.get("BOOK_SITE", "")


def name_repository(app, name, source):
    """Put the repository's address into the commands that the reader is to type."""
    repository = app.config.html_theme_options.get("repository_url") or PLACEHOLDER
    source[0] = source[0].replace(PLACEHOLDER, repository)


def setup(app):
    """Register with Sphinx."""
    app.connect("config-inited", fill_in)
    app.connect("source-read", name_repository)
    return {"parallel_read_safe": True}

"""Every page of the built book (`make book`), in a real browser that cannot reach any other host."""

import base64
import re
from io import BytesIO
from itertools import pairwise

import nbformat
import pytest
import yaml
from conftest import BOOK, DESKTOP, PHONE, SITE, need, serious_findings
from pypdf import PdfReader
from sphinx.util.inventory import InventoryFile

import pgutils as pg

PAGES = sorted(path.name for path in SITE.glob("*.html") if path.name != "index.html")  # which leads to the first page


@pytest.fixture(scope="module", params=PAGES)
def visit(request, open_page):
    visit = open_page(request.param)
    yield visit
    visit.page.context.close()


@pytest.fixture
def page(visit):
    visit.page.set_viewport_size(DESKTOP)
    visit.page.mouse.move(0, 0)
    return visit.page


def test_every_page_of_the_contents_is_built():
    need(PAGES, "the book has not been built: run `make book`")
    contents = yaml.safe_load((BOOK / "_toc.yml").read_text())
    chapters = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    assert {f"{name}.html" for name in [contents["root"], *chapters]} <= set(PAGES)


def test_without_a_repository_there_are_no_buttons_that_need_one():
    need(PAGES, "the book has not been built: run `make book`")
    pages = {name: (SITE / name).read_text(encoding="utf-8") for name in PAGES}
    assert [name for name, page in pages.items() if re.search(r"mybinder\.org|colab\.research|issues/new", page)] == []


def test_every_public_name_is_documented():
    need(PAGES, "the book has not been built: run `make book`")
    with (SITE / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, path: path)
    documented = {**inventory["py:function"], **inventory["py:class"]}
    assert {f"pgutils.{name}" for name in pg.__all__} <= set(documented)


@pytest.mark.parametrize("path", sorted(BOOK.glob("[01]*.ipynb")), ids=lambda path: path.stem)
def test_names_in_code_lead_to_their_entries_and_back(path):
    need(PAGES, "the book has not been built: run `make book`")
    code = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
    used = set(re.findall(r"\bpg\.(\w+)", code)) & set(pg.__all__)
    page = (SITE / f"{path.stem}.html").read_text(encoding="utf-8")
    assert {name for name in used if not re.search(rf'href="api.html#pgutils\.{name}\b', page)} == set()
    entries = (SITE / "api.html").read_text(encoding="utf-8")
    assert re.search(rf'Introduced in <a class="reference internal" href="{path.stem}.html">', entries)


def test_page_loads_without_complaint(page, visit):
    assert visit.complaints == []


def test_first_visit_is_small(visit):
    assert visit.size < 3_000_000


def demand_rendered_formulas(page):
    unrendered = """() => [...document.querySelectorAll(".math")]
        .filter(math => math.querySelectorAll("mjx-container").length != 1).map(math => math.outerHTML)"""
    assert page.evaluate(unrendered) == []
    assert page.locator("mjx-merror").count() == 0


def test_formulas_are_rendered(page):
    demand_rendered_formulas(page)


def test_headings_are_in_order(page):
    headings = page.locator("main :is(h1, h2, h3, h4, h5, h6):visible")
    levels = headings.evaluate_all("found => found.map(heading => +heading.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(level <= previous + 1 for previous, level in pairwise(levels))


def test_films_wait_for_the_reader_and_are_small(page):
    assert page.locator("video:not([controls]), video[autoplay]").count() == 0
    for source in page.locator("video").evaluate_all("films => films.map(film => film.getAttribute('src'))"):
        film = base64.b64decode(source.partition("base64,")[2]) or (SITE / source).read_bytes()
        assert 0 < len(film) < 300_000


def test_images_are_shown_and_described(page):
    shown = "image => image.complete && image.naturalWidth > 0"
    images = page.locator("img")
    assert images.evaluate_all(f"images => images.filter(image => !({shown})(image)).map(image => image.src)") == []
    texts = page.locator("article img, article video").evaluate_all(
        "found => found.map(image => image.alt ?? image.getAttribute('aria-label') ?? '')"
    )
    assert [text for text in texts if len(text.split()) < 4] == []
    assert images.evaluate_all("images => images.filter(image => !image.alt.trim()).map(image => image.src)") == []


def test_page_fits_a_phone(page):
    page.set_viewport_size(PHONE)
    width = page.evaluate("document.scrollingElement.scrollWidth")
    assert width <= PHONE["width"]


def test_dropdowns_open_from_the_keyboard(page):
    for dropdown in page.locator(".admonition.dropdown, main details").all():
        content = dropdown.locator("> :last-child")
        assert not content.is_visible()
        dropdown.locator("button.toggle-button, summary").first.press("Enter")
        content.wait_for(state="visible", timeout=5000)


def test_code_is_copied_from_the_keyboard(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for button in page.locator("button.copybtn:visible").all()[:3]:  # enough: all are made alike
        button.press("Enter")
        assert page.evaluate("navigator.clipboard.readText()") == button.locator("xpath=../pre").text_content().rstrip()
        button.evaluate("button => Promise.all(button.getAnimations().map(animation => animation.finished))")
        assert button.evaluate("button => getComputedStyle(button).opacity") == "1"


def test_page_is_accessible_in_the_light(page):
    assert serious_findings(page) == []


def test_page_is_accessible_in_the_dark(page):
    page.emulate_media(color_scheme="dark")
    page.locator("html[data-theme=dark]").wait_for()
    assert serious_findings(page) == []


def squeezed(text):
    return "".join(text.split())


def test_print_loses_nothing(page):
    page.reload(wait_until="networkidle")  # everything is folded again
    code = page.locator("article pre").evaluate_all("blocks => blocks.flatMap(pre => pre.textContent.split('\\n'))")
    prose = page.locator("article :is(h1, h2, h3)").evaluate_all("found => found.map(h => h.firstChild.textContent)")
    with BytesIO(page.pdf()) as file:
        printed = squeezed("".join(sheet.extract_text() for sheet in PdfReader(file).pages))
    assert [line for line in code + prose if squeezed(line) not in printed] == []


@pytest.mark.parametrize("name", PAGES)
def test_page_opens_from_the_file_system(open_page, name):
    visit = open_page(name, from_file=True)
    assert visit.complaints == []
    demand_rendered_formulas(visit.page)
    visit.page.context.close()


@pytest.mark.parametrize("from_file", [False, True], ids=["served", "from file"])
def test_search_finds(open_page, from_file):
    page = open_page("index.html", from_file).page
    page.locator(".search-button__button:visible").click()  # fails where there are two
    page.locator("input[type=search]:visible").fill("REINFORCE")
    page.keyboard.press("Enter")
    page.locator("ul.search a[href*=reinforce]").first.wait_for()
    page.context.close()

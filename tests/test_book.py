"""Every page of the built book (`make book`), in a real browser that cannot reach any other host."""

import base64
import re
from io import BytesIO
from itertools import pairwise

import nbformat
import pytest
import yaml
from conftest import BOOK, DESKTOP, PHONE, SITE, need, serious_findings
from PIL import Image
from pypdfium2 import PdfDocument
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


def test_formulas_are_no_stops_on_the_way_of_the_tab_key(page):
    assert page.locator("mjx-container[tabindex]").count() == 0


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


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_the_controls_of_a_film_do_not_cover_it(page, size):
    page.set_viewport_size(size)
    for film in page.locator("article video").all():
        film.evaluate(
            "film => (film.preload = 'metadata', film.readyState || new Promise(f => film.onloadedmetadata = f))"
        )
        place = "film => film.clientHeight - film.clientWidth * film.videoHeight / film.videoWidth"
        assert film.evaluate(place) == pytest.approx(56, abs=2)
        assert film.evaluate("film => getComputedStyle(film).objectPosition") == "50% 0%"


def test_pictures_of_cells_are_sharp(page):
    widths = page.locator("article .cell_output img, img.drawn").evaluate_all(
        "images => images.map(image => [image.naturalWidth, image.clientWidth])"
    )
    assert [pair for pair in widths if pair[0] < 1.9 * pair[1]] == []


def test_a_page_does_not_say_that_its_reader_has_written_nothing(page):
    assert page.locator(".cell_output", has_text="not written yet").count() == 0


def test_a_page_names_its_licences_and_how_to_cite_it(page):
    footer = page.locator("footer.bd-footer-content")
    assert footer.locator("a[rel=license]").all_text_contents() == ["CC BY 4.0", "MIT licence"]
    cite = footer.locator("a[href='intro.html#how-to-cite']")
    assert cite.count() == 1


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


def test_tables_fit_a_phone(page):
    page.set_viewport_size(PHONE)
    wide = "tables => tables.filter(t => t.scrollWidth > t.clientWidth + 1).map(t => t.textContent.slice(0, 80))"
    assert page.locator(".pst-scrollable-table-container").evaluate_all(wide) == []


def test_on_a_desk_equations_are_as_large_as_the_formulas_in_the_text(page):
    size = "found => found.map(math => getComputedStyle(math).fontSize)"
    displayed = page.locator("div.math mjx-container").evaluate_all(size)
    in_text = page.locator("article section > p > span.math mjx-container").evaluate_all(size)
    assert not displayed or not in_text or set(displayed) == set(in_text)


def test_most_equations_fit_a_phone_and_the_others_show_that_they_go_on(page):
    page.set_viewport_size(PHONE)
    equations = page.locator("div.math mjx-container")
    sizes = equations.evaluate_all("found => found.map(math => math.scrollWidth > math.clientWidth + 1)")
    assert sum(sizes) <= max(1, len(sizes) / 4)
    grounds = equations.evaluate_all("found => found.map(math => getComputedStyle(math).backgroundAttachment)")
    assert set(grounds) <= {"local, local, scroll, scroll"}


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
    assert serious_findings(page, runOnly=["color-contrast", "link-in-text-block"]) == []  # the rest is as in the light


def test_in_the_dark_a_picture_has_the_ground_of_the_page(page):
    page.emulate_media(color_scheme="dark")
    page.locator("html[data-theme=dark]").wait_for()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    for picture in page.locator("article .cell_output img, img.drawn").all():
        with Image.open(BytesIO(picture.screenshot())) as seen:
            corner = seen.convert("RGB").getpixel((2, 2))
        assert corner == pytest.approx([int(part) for part in re.findall(r"\d+", ground)], abs=2)


def squeezed(text):
    return "".join(text.split())


def test_print_loses_nothing(page):
    page.reload(wait_until="networkidle")  # everything is folded again
    code = page.locator("article pre").evaluate_all("blocks => blocks.flatMap(pre => pre.textContent.split('\\n'))")
    prose = page.locator("article :is(h1, h2, h3)").evaluate_all("found => found.map(h => h.firstChild.textContent)")
    printed = squeezed(on_paper(page))
    assert [line for line in code + prose if squeezed(line) not in printed] == []


def on_paper(page):
    """What is printed, without icons, and with the hyphens at the ends of lines as they are seen."""
    with PdfDocument(page.pdf()) as printed:
        text = "\n".join(sheet.get_textpage().get_text_range() for sheet in printed)
    return re.sub(r"[\ue000-\uf8ff] ?", "", text).replace("\ufffe", "-")


def test_on_paper_the_chapter_has_its_number_and_solutions_come_after_all_exercises(open_page):
    page = open_page("04-reward-to-go.html").page
    before = page.locator("article").inner_html()
    lines = on_paper(page).splitlines()
    assert page.locator("article").inner_html() == before
    page.context.close()
    assert lines[0].strip() == "4. Reward-to-go"
    exercises = [i for i, line in enumerate(lines) if line.startswith("Exercise 4.")]
    solutions = [i for i, line in enumerate(lines) if line.startswith("Solution to Exercise 4.")]
    assert len(exercises) >= len(solutions) >= 4
    assert max(exercises) < lines.index("Solutions") < min(solutions)


@pytest.mark.parametrize("name", PAGES)
def test_page_opens_from_the_file_system(open_page, name):
    visit = open_page(name, from_file=True)
    assert visit.complaints == []
    demand_rendered_formulas(visit.page)
    visit.page.context.close()


@pytest.mark.parametrize("from_file", [False, True], ids=["served", "from file"])
def test_search_finds(open_page, from_file):
    page = open_page("intro.html", from_file).page
    page.locator(".search-button__button:visible").click()  # fails where there are two
    page.locator("input[type=search]:visible").fill("REINFORCE")
    page.keyboard.press("Enter")
    page.locator("ul.search a[href*=reinforce]").first.wait_for()
    page.context.close()


def test_the_search_shows_the_text_of_pages(open_page):
    page = open_page("search.html?q=baseline").page
    page.locator("ul.search p.context").nth(2).wait_for()
    excerpts = page.locator("ul.search p.context").all_text_contents()
    assert [text for text in excerpts if re.search(r"\.ipynb|\.pdf|Contents", text)] == []
    page.context.close()


@pytest.mark.parametrize("name", ["intro.html", "search.html"])
def test_the_glass_stands_before_what_is_searched(open_page, name):
    page = open_page(name).page
    page.keyboard.press("Control+k")
    form = page.locator("form.bd-search:visible").first
    glass, field = form.locator("i").bounding_box(), form.locator("input").bounding_box()
    padding = form.locator("input").evaluate("field => parseFloat(getComputedStyle(field).paddingLeft)")
    assert field["x"] <= glass["x"] < glass["x"] + glass["width"] <= field["x"] + padding
    page.context.close()

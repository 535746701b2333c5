"""The documentation as a site: it builds without warnings, links work, nothing is stale."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
import sdpaflow
import sdpaflow_sim
from helpers.blocks import PAGES, ROOT, name_of

SCRIPTS = ["datasheets", "command_line"]


class Links(HTMLParser):
    """Links and names of an HTML page."""

    def __init__(self):
        super().__init__()
        self.targets, self.loaded, self.names = [], [], set()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.names.add(found.get("id"))
        if tag == "a" and found.get("href"):
            self.targets.append(found["href"])
        if found.get("src"):
            self.loaded.append(found["src"])
        if tag == "link" and found.get("href"):
            self.loaded.append(found["href"])


def links(path):
    """Links and names of a built page."""
    parser = Links()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built anew."""
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", out],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.slow
def test_site_links_lead_somewhere(site):
    """Every link within the site has its page, and its place on that page."""
    pages = {path: links(path) for path in site.rglob("*.html")}
    assert len(pages) > 40
    for path, page in pages.items():
        for target in [*page.targets, *page.loaded]:
            parts = urlsplit(target)
            if parts.scheme or target.startswith("//"):
                continue
            found = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert found.exists(), f"{path.relative_to(site)}: {target}"
            if parts.fragment and found in pages:
                assert unquote(parts.fragment) in pages[found].names, (
                    f"{path.relative_to(site)}: {target}"
                )


@pytest.mark.slow
def test_site_loads_nothing_from_elsewhere(site):
    """It works without a network."""
    for path in site.rglob("*.html"):
        for target in links(path).loaded:
            assert not urlsplit(target).netloc, f"{path.relative_to(site)}: {target}"
    for path in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?https?:|@import", path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_page_links_lead_somewhere(path):
    """Relative links of a page have their file, as a forge shows it."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)|href=\"([^\"]+)\"", text):
        target = "".join(target)
        if not re.match(r"https?:|#", target):
            assert (path.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("package", [sdpaflow, sdpaflow_sim], ids=lambda item: item.__name__)
def test_every_public_name_is_documented(package):
    """The API's pages have all that the front doors offer."""
    text = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("docs/reference/api/*"))
    shown = set(re.findall(r"^\.\. auto\w+:: sdpaflow(?:_sim)?\.(\w+)$", text, re.MULTILINE))
    assert set(package.__all__) - shown <= {"PIPELINES", "__version__"}


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.slow
def test_generated_pages_are_fresh(name):
    """What the script writes is what is there, byte for byte."""
    done = subprocess.run(
        [sys.executable, ROOT / f"scripts/{name}.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_readme_is_short():
    """Details are on pages of their own."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130

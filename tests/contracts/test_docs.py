"""The documents agree with the program: what there is, is documented, and the other way round."""

import re
from pathlib import Path
from string import punctuation

import pytest
from PIL import Image
from typer.main import get_command

from isa_cli import config
from isa_cli.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "examples/COMMANDS.md",
    "examples/RESULTS.md",
    "isa_cli/README.md",
    "isa_cli/encoders/isa_mini/README.md",
    ".github/CONTRIBUTING.md",
)
TEXT = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
README, COMMANDS_PAGE = TEXT["README.md"], TEXT["examples/COMMANDS.md"]

CALL = re.compile(r"^\s*(?:\$ )?isa (?P<rest>[a-z]+ .*|[a-z]+)$", re.MULTILINE)
ROW = re.compile(r"^\| `isa (?P<command>[^`]+)` \| (?P<help>.+) \|$", re.MULTILINE)
SCRIPT = re.compile(r"python (?P<script>examples/\S+\.py)(?P<rest>[^`\n]*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)#]*)(?:#(?P<anchor>[^)]*))?\)")
VARIABLE = re.compile(r'"(ISA_[A-Z_]+)"')


def commands_below(group, prefix=""):
    """Return every command by its words: ``wardrobe render``; ``train`` is one, and has some."""
    found = {}
    for name, command in group.commands.items():
        below = getattr(command, "commands", None)
        found |= commands_below(command, f"{prefix}{name} ") if below else {}
        if not below or command.invoke_without_command:
            found[prefix + name] = command
    return found


COMMANDS = commands_below(get_command(app))


def options_of(command):
    return {name for param in command.params for name in [*param.opts, *param.secondary_opts]}


def unbroken(page):
    """Return a page with its continued lines joined."""
    return re.sub(r"\\\n\s*", "", TEXT[page])


# --- the commands --------------------------------------------------------------------------------


def test_the_reference_has_every_command_with_the_first_line_of_its_help():
    shown = {row["command"]: row["help"] for row in ROW.finditer(COMMANDS_PAGE)}
    assert shown == {
        name: command.get_short_help_str(limit=200) for name, command in COMMANDS.items()
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_says_what_it_is_for(name):
    command = COMMANDS[name]
    assert command.help
    for param in command.params:
        if param.param_type_name == "option":
            assert param.help, param.name
            assert len(param.help) <= 90, param.name


def test_the_commands_that_most_people_need_are_in_the_readme():
    for name in ("index", "search", "train", "train compose", "explain", "eval", "demo"):
        assert f"\nisa {name} " in README, name


@pytest.mark.parametrize("page", PAGES)
def test_a_page_calls_only_what_there_is(page):
    for match in CALL.finditer(unbroken(page)):
        call = match["rest"].split("#")[0].split("|")[0]
        words = call.split()
        name = next((each for n in (2, 1) if (each := " ".join(words[:n])) in COMMANDS), None)
        assert name, call
        assert set(OPTION.findall(call)) <= options_of(COMMANDS[name]) | {"--help"}, call


def test_the_two_pages_of_use_have_calls():
    for page in PAGES[:2]:
        assert len(CALL.findall(TEXT[page])) > 5, page


@pytest.mark.parametrize("page", PAGES)
def test_every_option_that_a_page_speaks_of_belongs_to_a_command_or_a_script(page):
    known = {"--help", "--version", "--install-completion", "--dist"}
    known = known.union(*map(options_of, COMMANDS.values()))
    scripts = (ROOT / match["script"] for match in SCRIPT.finditer(unbroken(page)))
    known = known.union(*(set(OPTION.findall(script.read_text())) for script in scripts))
    assert set(OPTION.findall("\n".join(re.findall(r"`([^`\n]+)`", TEXT[page])))) <= known


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_only_scripts_that_there_are_with_options_that_they_have(page):
    for match in SCRIPT.finditer(unbroken(page)):
        script = ROOT / match["script"]
        assert script.is_file(), match[0]
        call = match["rest"].split("#")[0]
        assert set(OPTION.findall(call)) <= set(OPTION.findall(script.read_text())), match[0]


# --- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(config.Settings.__dataclass_fields__))
def test_every_setting_is_in_the_readme(name):
    assert f"`ISA_{name.upper()}`" in README


def test_every_environment_variable_that_the_package_reads_is_in_the_readme():
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "isa_cli").rglob("*.py"))
    names = {name for source in sources for name in VARIABLE.findall(source)}
    assert names
    assert {name for name in names if f"`{name}`" not in README} == set()


# --- the pages -----------------------------------------------------------------------------------


def anchors(page):
    """Return what the headings of a page can be linked by, as GitHub does it."""
    kept = str.maketrans("", "", punctuation.replace("-", "").replace("_", ""))
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    return {heading.lower().translate(kept).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings(page):
    for link in LINK.finditer(TEXT[page]):
        target = (ROOT / page).parent / link["path"] if link["path"] else ROOT / page
        assert target.exists(), link[0]
        if link["anchor"]:
            assert link["anchor"] in anchors(target), link[0]


def test_the_readme_is_a_page_to_read_and_not_a_notebook():
    assert len(README.encode()) <= 7_000


def test_every_page_is_checked_here():
    folders = ("isa_cli", "examples", ".github")
    below = [page for folder in folders for page in (ROOT / folder).rglob("*.md")]
    assert {str(page.relative_to(ROOT)) for page in [*ROOT.glob("*.md"), *below]} == {
        *PAGES,
        "CHANGELOG.md",
    }


def test_the_readmes_python_runs_and_finds_photos(tmp_path, monkeypatch, capsys):
    (snippet,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert 'model="small"' in snippet  # which a test can't fetch
    (tmp_path / "Pictures").mkdir()
    for name in ("red", "green", "blue"):
        Image.new("RGB", (40, 30), name).save(tmp_path / "Pictures" / f"{name}.jpg")
    Image.new("RGB", (40, 30), "orange").save(tmp_path / "ref.jpg")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet.replace("small", "isa-mini"), "README.md", "exec"), {})
    found = re.findall(r"^-?\d\.\d{3} (.+)$", capsys.readouterr().out, re.MULTILINE)
    assert sorted(map(Path, found)) == sorted((tmp_path / "Pictures").glob("*.jpg"))

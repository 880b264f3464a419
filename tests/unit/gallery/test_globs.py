"""Gitignore's patterns: what they mean, and that none of them takes forever."""

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from isa_cli.gallery.globs import MAX_LENGTH, MAX_LINES, MAX_WILDCARDS, read


def verdict(patterns, path):
    """Return what a list says of a path; a folder's ends with a slash."""
    globs, _ = read(patterns, "line")
    return globs.verdict(path.removesuffix("/"), is_folder=path.endswith("/"))


# --- what they mean ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("a.jpg", ["a.jpg", "x/a.jpg", "a.jpg/"], ["a.jpeg", "xa.jpg", "A.jpg"]),
        ("raw/", ["raw/", "x/raw/"], ["raw", "x/raw"]),
        ("/raw", ["raw", "raw/"], ["x/raw"]),
        ("x/raw", ["x/raw"], ["y/x/raw", "raw"]),
        ("*", ["a", ".a", "x/a/"], []),
        ("*.jpg", [".jpg", "x/a.b.jpg"], ["a.jpg.bak"]),
        ("a*b*c", ["abc", "axbxbc", "x/abcbc"], ["abcb", "ab/c"]),
        ("/*", ["a", "x/"], ["x/a"]),
        ("x/*", ["x/a", "x/y/"], ["x/y/a", "x/"]),
        ("*/*/a", ["x/y/a"], ["x/a", "x/y/z/a"]),
        ("?", ["a", "é", "x/日"], ["ab"]),
        ("[ab]?", ["ax", "bb"], ["a", "cx"]),
        ("[!a-c]", ["d", "]"], ["a", "b", "c"]),
        ("[^a]x", ["bx"], ["ax"]),
        ("[]-]", ["]", "-"], ["a"]),
        ("[a-]", ["a", "-"], ["b"]),
        (r"[\]x]", ["]", "x"], ["\\"]),
        ("[z-a]", ["z"], ["a", "m"]),
        ("[[:digit:]_]", ["1", "_"], ["a", ":", "d"]),
        ("[![:upper:]]", ["a"], ["A"]),
        ("[[x]", ["[", "x"], ["]"]),
        ("x[a/b]y", ["xay"], ["x/y", "q/xay"]),
        ("a[!b]c", ["axc"], ["a/c", "abc"]),
        (r"\*", ["*"], ["a"]),
        (r"\!a", ["!a"], ["a"]),
        (r"\#a", ["#a"], ["a"]),
        (r"a\/b", ["a/b"], ["x/a/b"]),
        ("**/a", ["a", "x/a", "x/y/a"], ["xa"]),
        ("x/**", ["x/a", "x/y/a"], ["x", "x/", "z/x/a"]),
        ("x/**/a", ["x/a", "x/y/a", "x/y/z/a"], ["a", "xa", "x/ya"]),
        ("x/**/y/**/a", ["x/y/a", "x/b/y/c/y/a"], ["x/a", "y/a"]),
        ("**/x/y/**", ["x/y/a", "x/x/y/a"], ["x/y", "x/z/y/a"]),
        ("x/**/", ["x/y/"], ["x/y", "x/"]),
        ("**", ["a", "x/a"], []),
        ("**/", ["x/", "x/y/"], ["a", "x/a"]),
        ("a**b", ["ab", "axxb", "x/ab"], ["a/b"]),
        ("x/a**b", ["x/ab"], ["x/a/b"]),
        # Rows of stars, as git reads them.
        ("*" * 50, ["a", "x/a"], []),
        ("a" + "*" * 50 + "b", ["ab", "axb"], ["a/b"]),
        ("***/a", ["a", "x/y/a"], ["xa"]),
        ("x/***/a", ["x/a", "x/y/z/a"], ["a"]),
        ("/".join(["**"] * 50) + "/a", ["a", "x/a"], ["b"]),
        ("x/**/**/**", ["x/a", "x/y/a"], ["x"]),
        # White space and what is no pattern.
        ("a  ", ["a"], ["a "]),
        ("a\\  ", ["a "], ["a", "a  "]),
        ("a\r", ["a"], []),
        (" a", [" a"], ["a"]),
        ("# a", [], ["# a", "a"]),
        ("", [], ["a"]),
        ("/", [], ["a", "a/"]),
        ("[a", [], ["[a", "a"]),
        ("[[:nonsense:]]", [], ["n", ":"]),
        ("a//b", [], ["a/b"]),
    ],
)
def test_one_pattern(pattern, fits, fits_not):
    assert [path for path in (*fits, *fits_not) if verdict([pattern], path)] == fits


def test_the_last_pattern_that_fits_decides():
    patterns = ["*.jpg", "!a*", "ab.jpg", "!/x/"]
    assert [verdict(patterns, path) for path in ("c.jpg", "a.jpg", "ab.jpg", "c.png", "x/")] == [
        *(True, False, True, None, False)
    ]


def test_a_list_that_keeps_folders_only_to_look_into_them():
    patterns = ["*", "!*/", "!*.jpg"]
    assert verdict(patterns, "x/") is False
    assert verdict(patterns, "x/a.jpg") is False
    assert verdict(patterns, "x/a.png") is True


@pytest.mark.parametrize("pattern", ["!", "a\\", "!\\"])
def test_what_means_nothing_is_named(pattern):
    with pytest.raises(ValueError, match=r"pattern 2, .* means nothing"):
        read(["fine", pattern], "line")


SEGMENTS = st.one_of(
    st.sampled_from(["**", "*", "a", "b", "ab", "a.c", "*.c", "a*", "*b*", "?", "?b", "[ab]"]),
    st.sampled_from(["[!a]b", "[a-b]c", "a*b*c", "*a*a*b", "a**b", "\\a", "[^b]?"]),
)
PATTERNS = st.builds(
    lambda keeps, start, segments, end: keeps + start + "/".join(segments) + end,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(SEGMENTS, min_size=1, max_size=4),
    st.sampled_from(["", "/"]),
).filter(lambda pattern: not pattern.endswith("**/"))  # of which pathspec and git disagree
NAMES = st.text("aabbc.", min_size=1, max_size=5).filter(lambda name: name.strip("."))
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)


@settings(max_examples=400, deadline=None)
@given(patterns=st.lists(PATTERNS, max_size=4), paths=st.lists(PATHS, min_size=1, max_size=6))
def test_ordinary_patterns_mean_what_pathspec_takes_them_to_mean(patterns, paths):
    globs, refused = read(patterns, "line")
    theirs = GitIgnoreSpec.from_lines(patterns)
    assert [globs.covers(path) for path in paths] == [theirs.match_file(path) for path in paths]
    assert refused == []


# --- out of all proportion -----------------------------------------------------------------------

HOSTILE = [
    "*a*a*a*a*a*a*b",
    "*a" * 60 + "b",
    "*a" * 2000 + "b",
    "*?" * 2000 + "b",
    "*[!b]" * 800 + "b",
    "**/a" * 40 + "/b",
    "**/*a*a*a*b" * 40,
    "**/" * 1300 + "b",
    "a/**/" * 800 + "b",
    "**/" + "/".join(["*a*a"] * 60) + "/b",
    "*" * 4000 + "b",
    "?" * 4000,
    "[" * 4000,
    "[[:alpha:]" * 400,
    "[a-" * 1000 + "]",
    "\\*" * 2000,
    "!" * 4000,
]

RACE = """
import json, sys
from isa_cli.gallery.globs import read
names = ["a" * 250, "/".join("a" * 2000), "/".join(["a" * 250] * 15), "*" * 255, "[" * 255]
for pattern in json.loads(sys.argv[1]):
    globs, refused = read([pattern, "fine"], "line")
    for name in names:
        globs.verdict(name, is_folder=False)
        globs.covers(name)
    assert not refused and globs.covers("fine"), pattern
print("done")
"""


def test_no_pattern_takes_forever():
    """A minute is what stops the test where a pattern would take years; all take a second."""
    command = [sys.executable, "-c", RACE, json.dumps(HOSTILE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_a_line_longer_than_any_path_is_refused_and_the_others_count():
    globs, refused = read(["a", "x" * (MAX_LENGTH + 1), "#" * 9999, "*" * 1_000_000, "b"], "line")
    assert refused == ["lines 2, 4 (more than 4,096 characters, and no path has so many)"]
    assert globs.verdict("a", is_folder=False)
    assert globs.verdict("b", is_folder=False)
    assert globs.verdict("x" * MAX_LENGTH, is_folder=False) is None


def test_more_lines_than_a_list_may_have_are_refused_by_number():
    lines = [f"{n}.jpg" for n in range(MAX_LINES)]
    assert read([*lines, "", " "], "line")[1] == []
    globs, refused = read([*lines, *["x"] * 5], "line")
    assert refused == ["lines 10,001, 10,002, 10,003 and 2 more (a list may have 10,000)"]
    assert globs.verdict("9999.jpg", is_folder=False)
    assert globs.verdict("x", is_folder=False) is None


def test_more_wildcards_than_a_list_may_have_are_refused_by_number():
    lines = ["*?" * 2000] * (MAX_WILDCARDS // 4000)
    globs, refused = read([*lines, "*.png", "a.jpg"], "line")
    assert refused == ["line 26 (a list may have 100,000 wildcards)"]
    assert globs.verdict("a.jpg", is_folder=False)


def test_a_long_pattern_that_means_nothing_is_shown_in_part():
    with pytest.raises(ValueError, match="means nothing") as caught:
        read(["x" * 3000 + "\\"], "line")
    assert len(str(caught.value)) < 120

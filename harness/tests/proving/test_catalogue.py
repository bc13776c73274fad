"""The catalogue as data: what an entry may say, how it is applied, and that it fits the reference as it is."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.proving.catalogue import Change, Entry, Text, append, apply, copy, load, read
from harness.proving.matrix import unknown_clauses, without_fault
from harness.verdict.clause import clauses_of

CHECKOUT = Path(__file__).resolve().parents[3]
REFERENCE = CHECKOUT / "fixtures" / "ktx"
ENTRIES = load(CHECKOUT / "fixtures")
CLAUSES = clauses_of(CHECKOUT / "smoke")

CHANGE = "[[change]]\nfile = 'a.txt'\nfind = 'one'\nreplace = 'two'\n"


def write(directory: Path, text: str, name: str = "some-fault") -> Path:
    path = directory / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_entry_says_what_is_changed_and_who_must_notice(tmp_path: Path) -> None:
    path = write(tmp_path, f"sentence = 'It counts wrongly'\nclauses = ['counts']\nsource = 'release 1.2'\n{CHANGE}")

    entry = read(path)

    assert entry == Entry(
        id="some-fault",
        sentence="It counts wrongly",
        clauses=("counts",),
        changes=(Change(file="a.txt", find="one", replace="two"),),
        source="release 1.2",
    )
    assert not entry.is_harmless


def test_entry_without_clauses_is_harmless(tmp_path: Path) -> None:
    entry = read(write(tmp_path, f"sentence = 'It counts slowly'\nfamilies = ['counting']\n{CHANGE}"))

    assert entry.is_harmless
    assert entry.families == ("counting",)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("sentence = 'x", "is not valid"),
        (CHANGE, "lacks 'sentence'"),
        ("sentence = 'x'\n", "changes nothing"),
        (f"sentence = 'x'\nclause = ['y']\n{CHANGE}", "has an unknown key 'clause'; did you mean 'clauses'?"),
        (f"sentence = 'x'\nclauses = 'y'\n{CHANGE}", "needs a list as 'clauses'"),
        (f"sentence = 'x'\nsmoke = 'sdist'\n{CHANGE}", "smokes 'wheel' or 'source', not 'sdist'"),
        (f"sentence = 'x'\n{CHANGE}finds = 'y'\n", "has an unknown key 'finds'; did you mean 'find'?"),
        ("sentence = 'x'\n[[change]]\nfile = 'a.txt'\nreplace = ''\n", "lacks 'find'"),
        ("sentence = 'x'\n[[change]]\nfile = 1\nfind = 'a'\nreplace = ''\n", "needs a text as 'file'"),
        ("sentence = 'x'\nchange = ['y']\n", "needs a table for each change, addition and wheel"),
        ("sentence = 'x'\nwheel = 'y'\n", "needs a table for each change, addition and wheel"),
        (
            "sentence = 'x'\nsmoke = 'source'\n[wheel]\nappend = { file = 'a', text = 'b' }\n",
            "changes the wheel, and has the source smoked",
        ),
    ],
)
def test_entry_that_makes_no_sense_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = write(tmp_path, text)

    with pytest.raises(UsageError) as caught:
        read(path)

    assert caught.value.message.startswith("entry 'some-fault' ")
    assert complaint in caught.value.message


@pytest.mark.parametrize("name", ["Some-fault", "some_fault", "some--fault"])
def test_id_is_kebab_case(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="needs an id in lower case"):
        read(write(tmp_path, f"sentence = 'x'\n{CHANGE}", name))


@pytest.mark.parametrize(
    ("folder", "clauses", "complaint"),
    [
        ("broken", "", "names no clause that must fail"),
        ("harmless", "clauses = ['counts']\n", "is harmless and names clauses that must fail"),
    ],
)
def test_folder_and_clauses_must_agree(tmp_path: Path, folder: str, clauses: str, complaint: str) -> None:
    write(tmp_path / folder, f"sentence = 'x'\n{clauses}{CHANGE}")

    with pytest.raises(UsageError, match=complaint):
        load(tmp_path)


def test_change_is_made_in_its_one_place(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("zero one two\n", encoding="utf-8")

    apply(changing("one", "1"), tmp_path)

    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "zero 1 two\n"


@pytest.mark.parametrize(("content", "times"), [("zero\n", 0), ("one, one\n", 2)])
def test_change_that_does_not_fit_once_is_refused(tmp_path: Path, content: str, times: int) -> None:
    (tmp_path / "a.txt").write_text(content, encoding="utf-8")

    with pytest.raises(UsageError, match=f"entry 'some-fault' finds its text {times} times in 'a.txt', not once"):
        apply(changing("one", "1"), tmp_path)

    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == content


def test_change_of_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"changes 'a\.txt', which is no file of the reference"):
        apply(changing("one", "1"), tmp_path)


def test_new_file_is_added_but_never_over_another(tmp_path: Path) -> None:
    entry = Entry(id="some-fault", sentence="x", added=(Text(file="below/new.txt", text="new\n"),))

    apply(entry, tmp_path)

    assert (tmp_path / "below" / "new.txt").read_text(encoding="utf-8") == "new\n"
    with pytest.raises(UsageError, match=r"adds 'below/new\.txt', which the reference has already"):
        apply(entry, tmp_path)


def test_text_is_appended_to_a_file_of_the_wheel(tmp_path: Path) -> None:
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a.txt", "one\n")
        archive.writestr("b.txt", "other\n")

    append(Entry(id="some-fault", sentence="x", appended=(Text(file="a.txt", text="two\n"),)), wheel)

    with zipfile.ZipFile(wheel) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "a.txt": b"one\ntwo\n",
            "b.txt": b"other\n",
        }
    with pytest.raises(UsageError, match=r"appends to 'c\.txt', which the wheel does not hold"):
        append(Entry(id="some-fault", sentence="x", appended=(Text(file="c.txt", text=""),)), wheel)


def test_copy_leaves_caches_behind(tmp_path: Path) -> None:
    write(tmp_path / "reference", "x")
    write(tmp_path / "reference" / "__pycache__", "x")

    copied = copy(tmp_path / "reference", tmp_path / "copy")

    assert [path.name for path in copied.iterdir()] == ["some-fault.toml"]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_entry_applies_to_the_reference(entry: Entry, tmp_path: Path) -> None:
    tree = copy(REFERENCE, tmp_path / "copy")

    apply(entry, tree)

    modules = [tree / change.file for change in entry.changes if change.file.endswith(".py")]
    for module in modules:
        compile(module.read_text(encoding="utf-8"), str(module), "exec")


def test_entries_name_clauses_that_exist() -> None:
    assert unknown_clauses(CLAUSES, ENTRIES) == ()
    misspelt = Entry(id="some-fault", sentence="x", clauses=("build",))
    assert unknown_clauses(CLAUSES, [misspelt]) == ("entry 'some-fault' names 'build', which is no clause",)


def test_families_of_harmless_entries_exist() -> None:
    known = {clause.family for clause in CLAUSES}

    assert [entry.id for entry in ENTRIES if not set(entry.families) <= known] == []


def test_every_clause_has_a_fault() -> None:
    assert without_fault(CLAUSES, ENTRIES) == ()
    assert "builds" in without_fault(CLAUSES, [entry for entry in ENTRIES if "builds" not in entry.clauses])


def test_there_are_enough_of_them() -> None:
    harmless = [entry.id for entry in ENTRIES if entry.is_harmless]

    assert len(ENTRIES) - len(harmless) >= 60
    assert len(harmless) >= 8


def changing(find: str, replace: str) -> Entry:
    return Entry(id="some-fault", sentence="x", changes=(Change(file="a.txt", find=find, replace=replace),))

"""References to published versions: what is one, and how a registry other than the usual is named to pip and npm."""

from __future__ import annotations

import base64

import pytest

from harness.errors import UsageError
from harness.release.registry import Registry, Spec, check_index, parse
from harness.tests.values import assert_plain


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("pypi:odd==1.0", ("pypi", "odd", "1.0")),
        ("pypi:Odd.Tool_x==1.0rc1", ("pypi", "Odd.Tool_x", "1.0rc1")),
        ("npm:odd@1.0.0", ("npm", "odd", "1.0.0")),
        ("npm:odd@1.0.0-rc.1", ("npm", "odd", "1.0.0-rc.1")),
        ("npm:odd@next", ("npm", "odd", "next")),
        ("npm:odd", ("npm", "odd", "latest")),
        ("npm:@kaelio/ktx", ("npm", "@kaelio/ktx", "latest")),
        ("npm:@kaelio/ktx@0.1.0", ("npm", "@kaelio/ktx", "0.1.0")),
    ],
)
def test_what_names_a_published_version(reference: str, expected: tuple[str, str, str]) -> None:
    spec = parse(reference)

    assert spec is not None
    assert (spec.scheme, spec.name, spec.version) == expected
    assert str(spec).startswith(reference)


@pytest.mark.parametrize(
    "reference",
    ["dist/odd-1.0.tar.gz", "../pypi", "pypi", "C:\\odd.whl", "c:odd.whl", "https://host/odd.whl", "git+x:y"],
)
def test_what_could_be_a_path(reference: str) -> None:
    assert parse(reference) is None


@pytest.mark.parametrize(
    "reference",
    [
        "pypi:",
        "pypi:odd",
        "pypi:odd=1.0",
        "pypi:odd==",
        "pypi:odd==1.*",
        "pypi:odd>=1.0",
        "pypi:odd[extra]==1.0",
        "pypi:odd ==1.0",
        "pypi:-odd==1.0",
        "pypi:==1.0",
        "npm:",
        "npm:@kaelio",
        "npm:@kaelio/",
        "npm:odd@",
        "npm:odd@^1",
        "npm:odd@1",
        "npm:odd@1.x",
        "npm:odd@1.0.0 || 2.0.0",
        "npm:odd@file:../odd",
        "npm:odd@npm:even",
        "npm:../odd",
        "npm:--registry",
        "npm:Odd",
        "npm:odd==1.0",
    ],
)
def test_what_only_starts_like_one_is_refused_with_the_shape_that_it_must_have(reference: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(reference)

    scheme = reference.partition(":")[0]
    assert str(caught.value).startswith(f"'{reference}' names no published version; it must be like {scheme}:NAME")


@pytest.mark.parametrize(
    ("reference", "meant"),
    [("pipy:odd==1.0", "pypi:odd==1.0"), ("PyPI:odd==1.0", "pypi:odd==1.0"), ("nmp:odd@1.0.0", "npm:odd@1.0.0")],
)
def test_a_misspelt_scheme_is_refused_with_the_right_one(reference: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(reference)

    assert str(caught.value) == f"there is no registry '{reference.partition(':')[0]}:'; hint: did you mean '{meant}'?"


@pytest.mark.parametrize(
    ("reference", "name", "version", "is_met"),
    [
        ("pypi:Odd.Tool==1.0", "odd-tool", "1.0.0", True),
        ("pypi:odd==1.0", "odd", "1.0+local", False),
        ("pypi:odd==1.0", "even", "1.0", False),
        ("npm:odd@1.0.0", "odd", "1.0.0", True),
        ("npm:odd@1.0.0", "odd", "1.0.1", False),
        ("npm:odd@next", "odd", "1.0.1", True),
        ("npm:odd@next", "even", "1.0.1", False),
    ],
)
def test_what_meets_a_reference(reference: str, name: str, version: str, is_met: bool) -> None:  # noqa: FBT001
    spec = parse(reference)

    assert spec is not None
    assert spec.is_met_by(name, version) is is_met


def test_the_usual_registry_needs_no_settings() -> None:
    assert Registry().settings_of_pip() == Registry().settings_of_npm("odd") == {}


def test_credentials_of_an_address_go_where_npm_looks_for_them() -> None:
    settings = Registry(index="https://some%40one:pass%2Fword@host:8080/npm").settings_of_npm("@odd/tool")

    assert settings == {
        "npm_config_registry": "https://host:8080/npm/",
        "npm_config_@odd:registry": "https://host:8080/npm/",
        "npm_config_//host:8080/npm/:username": "some@one",
        "npm_config_//host:8080/npm/:_password": base64.b64encode(b"pass/word").decode(),
    }


@pytest.mark.parametrize("index", ["", "pypi", "ftp://host/", "https://", "https:// host", "/some/wheels"])
def test_what_is_no_address(index: str) -> None:
    with pytest.raises(UsageError, match=r"--index takes the address of a registry"):
        check_index(index)


def test_an_address_is_taken_as_it_is() -> None:
    assert check_index("http://host/simple") == "http://host/simple"
    assert check_index(None) is None


def test_both_are_plain_values() -> None:
    assert_plain(Spec(scheme="pypi", name="odd", version="1.0"))
    assert_plain(Registry(index="https://host/", wait=1.0))

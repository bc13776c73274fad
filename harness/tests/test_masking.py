"""Self-tests of what counts as a secret, and that none is left."""

from __future__ import annotations

import pytest

from harness.masking import Mask

NAMES = ("CANARY_TOKEN", "MY_SECRET", "Db_Password", "PGPASSWD", "API_KEY", "APIKEY", "CREDENTIALS", "GPG_PASSPHRASE")


@pytest.mark.parametrize("name", NAMES)
def test_the_value_of_what_is_named_like_a_secret_is_masked(name: str) -> None:
    mask = Mask.of({name: "canary-value"})

    assert mask("it says canary-value, twice: canary-value") == "it says [masked], twice: [masked]"
    assert mask.hides("canary-value")


def test_other_values_stay() -> None:
    mask = Mask.of({"HOME": "/home/somebody", "UV_INDEX": "https://index.example/simple"})

    assert mask("/home/somebody and https://index.example/simple") == "/home/somebody and https://index.example/simple"
    assert not mask.hides("/home/somebody")


@pytest.mark.parametrize("value", ["", "1", "true", "linux"])
def test_a_word_of_every_other_line_is_no_secret(value: str) -> None:
    assert Mask.of({"CACHE_KEY": value})("1 line, true on linux") == "1 line, true on linux"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:canary@host/simple", "https://[masked]@host/simple"),
        ("see https://canary@host:8080/ and http://a:b@c/", "see https://[masked]@host:8080/ and http://[masked]@c/"),
        ("git+ssh://git@host/path", "git+ssh://[masked]@host/path"),
        ("https://host/path?who=me@there", "https://host/path?who=me@there"),
        ("somebody@host", "somebody@host"),
    ],
    ids=["password", "token", "user", "query", "mail"],
)
def test_credentials_in_an_address_are_masked_wherever_it_comes_from(text: str, shown: str) -> None:
    assert Mask.of({})(text) == shown


@pytest.mark.parametrize("alone", ["p%40ssword", "p@ssword"], ids=["as written", "decoded"])
def test_a_password_is_masked_outside_of_its_address_too(alone: str) -> None:
    assert Mask.of({"UV_DEFAULT_INDEX": "https://user:p%40ssword@host/"})(f"with {alone}") == "with [masked]"


def test_each_line_of_a_key_is_a_secret() -> None:
    mask = Mask.of({"SIGNING_KEY": "-----BEGIN-----\nline-of-key\n-----END-----\n"})

    assert mask("  line-of-key") == "  [masked]"


def test_of_two_secrets_the_longer_goes_first() -> None:
    assert Mask.of({"A_TOKEN": "canary", "B_TOKEN": "canary-bird"})("canary-bird") == "[masked]"

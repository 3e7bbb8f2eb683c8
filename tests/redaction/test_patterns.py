"""What users add to the rules: names, patterns of values, and OpenTelemetry's list of headers."""

from __future__ import annotations

import logging
import time

import pytest

from otel_openstack.redaction import CLEAR, masking

KEY = "AKIAIOSFODNN7EXAMPLE"


def test_a_name_holds_for_headers_and_bodies_alike() -> None:
    """One more name is a header, a key, a parameter, an element and an attribute, in any case."""
    rules = masking(names="X-Site-Key, siteKey")
    assert rules.header("x-site-key", "hunter22") == "***"
    assert rules.body('{"siteKey": "hunter22", "SITEKEY": 5}') == '{"siteKey": "***", "SITEKEY": "***"}'
    assert rules.body("a=1&siteKey=hunter22", form=True) == "a=1&siteKey=***"
    assert rules.query("siteKey=hunter22") == "siteKey=***"
    assert rules.body("<x sitekey='hunter22'><SiteKey>hunter22</SiteKey></x>") == (
        "<x sitekey='***'><SiteKey>***</SiteKey></x>"
    )
    assert rules.body('{"siteKeys": "hunter22"}') == '{"siteKeys": "hunter22"}'


@pytest.mark.parametrize("name", ["a", "pw", "psk2"])
def test_a_name_may_be_short(name: str) -> None:
    """A name of one letter is a name."""
    rules = masking(names=name)
    assert rules.body(f'{{"{name}": "hunter22"}}') == f'{{"{name}": "***"}}'
    assert rules.query(f"{name}=hunter22") == f"{name}=***"


def test_a_pattern_holds_wherever_the_value_stands() -> None:
    """Headers that hold nothing by their grammar are looked at too."""
    rules = masking(patterns="ghp_*, AKIA????????????????")
    assert rules.header("user-agent", f"x {KEY} y") == "x *** y"
    assert rules.header("content-type", "text/ghp_abcdef") == "text/***"
    assert rules.body(f'{{"note": "use ghp_abcdef or {KEY}"}}') == '{"note": "use *** or ***"}'
    assert rules.query("a=ghp_abcdef&b=2") == "a=***&b=2"
    assert rules.text("/v1/ghp_/x") == "/v1/***"


@pytest.mark.parametrize("cut", range(6, len(KEY)))
def test_a_pattern_holds_for_a_value_that_is_cut(cut: int) -> None:
    """What a preview's end has cut off is no longer as long as its pattern says."""
    assert KEY[:cut] not in masking(patterns="AKIA????????????????").body(f"key {KEY[:cut]}")
    assert KEY[:cut] not in masking(patterns=KEY).body(f"key {KEY[:cut]}")


@pytest.mark.parametrize("pattern", ["*", "ab*", "?", "gh*_abc", "a b c", "(a+)+$", 'abc"', "x" * 66])
def test_a_pattern_that_means_nothing_is_told_and_left_out(pattern: str, caplog: pytest.LogCaptureFixture) -> None:
    """One line names it; the others hold."""
    with caplog.at_level(logging.WARNING):
        assert masking(patterns=f"ghp_*,{pattern}").text("ghp_abc") == "***"
    (record,) = caplog.records
    assert repr(pattern) in record.getMessage()
    assert "give" in record.getMessage()


@pytest.mark.parametrize("name", ["a b", "x=y", "x" * 65, "é"])
def test_a_name_that_means_nothing_is_told_and_left_out(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """One line names it; the others hold."""
    with caplog.at_level(logging.WARNING):
        assert masking(names=f"{name},x-key").header("x-key", "abc") == "***"
    (record,) = caplog.records
    assert repr(name) in record.getMessage()


def test_the_standard_list_of_headers_is_honoured(caplog: pytest.LogCaptureFixture) -> None:
    """Each is looked for anywhere in a name, as contrib's instrumentations do; a real expression is left out."""
    with caplog.at_level(logging.WARNING):
        rules = masking(headers="session.*,.*-Key$,X-Trace,(a+)+$")
    for name in ("session", "x-session-id", "x-site-key", "x-trace"):
        assert rules.header(name, "abc") == "***"
        assert rules.header(name, "") == ""
    assert rules.header("x-other", "abc") == "abc"
    assert rules.header("host", "abc") == "abc"
    assert masking(headers="host").header("host", "abc") == "***"
    (record,) = caplog.records
    assert "(a+)+$" in record.getMessage()


def test_rules_are_made_once() -> None:
    """Whoever asks again gets the same object, and a wrong value is not told again."""
    assert masking(names="x-a") is masking(names="x-a")
    assert masking() is masking()


def test_nothing_is_masked_when_that_is_switched_off() -> None:
    """The object for it changes nothing at all."""
    rules = masking(redact=False, names="x-a", patterns="ghp_*")
    assert rules is CLEAR
    assert rules.header("x-auth-token", "abc") == "abc"
    assert rules.body(b'{"password": "abc"}', form=True) == b'{"password": "abc"}'
    assert rules.query("token=abc") == "token=abc"
    assert rules.text("http://u:p@h/") == "http://u:p@h/"


@pytest.mark.parametrize("pattern", ["aaa" + "?" * 61, "aaa*", "aaa" + "a" * 61, "aaa" + "?a" * 30 + "b"])
def test_no_pattern_makes_masking_slow(pattern: str) -> None:
    """Four times the text takes about four times the time."""
    rules = masking(patterns=pattern)

    def seconds(length: int) -> float:
        text = "a" * length
        start = time.process_time()
        rules.text(text)
        return time.process_time() - start

    seconds(1000)
    assert seconds(400_000) < 16 * min(seconds(100_000) for _ in range(3)) + 0.05

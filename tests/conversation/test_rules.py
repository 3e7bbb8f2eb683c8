"""Rules as people write them, and as the older tool had them."""

import pytest

from otel_openstack.conversation.patterns import Pattern
from otel_openstack.conversation.rules import read_rules
from otel_openstack.conversation.selection import Rule, Selection, Shortening
from otel_openstack.exceptions import SettingsError

RULES = """
[rename]
"192.0.2.7:8776" = "cinder-api"
[[keep]]
method = "POST"
[[drop]]
caller = ["nova-api", "nova-*"]
status = 404
why = "what is not there"
[[fold]]
[[shorten]]
path = "*/auth/tokens"
member = "token.catalog"
"""

OLDER = """{
  "mappings": {"192.0.2.1:5000": "keystone"},
  "filters": [{"from": "glance", "to": "keystone", "method": "GET", "urls": ["/v3/auth/tokens", "http://a/*"]}]
}"""


def test_every_kind_of_rule_is_read() -> None:
    """A value alone is a list of one."""
    assert read_rules(RULES, "rules.toml") == Selection(
        rename=(("192.0.2.7:8776", "cinder-api"),),
        keep=(Rule(Pattern(method=("POST",))),),
        drop=(Rule(Pattern(caller=("nova-api", "nova-*"), status=("404",)), "what is not there"),),
        fold=(Rule(Pattern()),),
        shorten=(Shortening(Pattern(path=("*/auth/tokens",)), "token.catalog", 1),),
    )


def test_the_older_tools_rules_are_read() -> None:
    """Its filters drop, its mappings rename."""
    dropped = Pattern(("glance",), ("keystone",), ("GET",), ("/v3/auth/tokens", "http://a/*"))
    assert read_rules(OLDER, "should_not_hook.json") == Selection(
        rename=(("192.0.2.1:5000", "keystone"),), drop=(Rule(dropped),)
    )
    assert read_rules("{}", "should_not_hook.json") == read_rules("", "rules.toml") == Selection()


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("[[drop]]\nurl = 'x'", "r: drop 1 has 'url'", "caller, callee, method, path, status, why"),
        ("[[drops]]", "r has 'drops'", "rename, keep, drop, fold, shorten"),
        ("[drop]\npath = 'x'", "r: drop is one table", "[[drop]]"),
        ("[[drop]]", "r: drop 1 would drop every exchange", "path"),
        ("[[drop]]\npath = 'x'\n[[drop]]\npath = 1.5", "r: drop 2, path: 1.5", "quotes"),
        ("[[shorten]]\npath = 'x'", "r: shorten 1 has no member", "token.catalog"),
        ("[[shorten]]\nmember = 'x'\nentries = -1", "entries: -1", "entries = 1"),
        ("rename = 3", "r: rename is 3", ""),
        ("[rename]\na = 3.0", "r: rename, a: 3.0", "quotes"),
        ("drop = [3]", "r: drop 1 is 3", ""),
        ("[[drop", "r holds no rules", "--help"),
        ("{", "r holds no rules", "--help"),
        ('{"filter": []}', "r has 'filter'", "mappings, filters"),
        ('{"filters": [{"url": "x"}]}', "r: filters 1 has 'url'", "from, to, method, urls"),
        ('{"filters": [{}]}', "would drop every exchange", "urls"),
    ],
)
def test_what_means_nothing_is_named_with_what_is_allowed(text: str, said: str, hint: str) -> None:
    """The file, the table, the key or value."""
    with pytest.raises(SettingsError) as error:
        read_rules(text, "r")
    assert said in str(error.value)
    assert hint in error.value.hint

"""The command that a trace is about."""

from dataclasses import replace

from otel_openstack.conversation.command import Command, command_of, masked_arguments
from otel_openstack.redaction import masking
from tests.conversation.strategies import span


def test_a_command_is_kept_on_the_root_span() -> None:
    """And only there; a trace whose spans do not tell has none."""
    command = Command(("openstack", "token", "issue"), "ok\n", 1)
    root = span("otel-openstack", "1" * 16)
    told = replace(root, attributes=command.attributes())
    assert command_of([replace(told, parent_span_id="2" * 16), told]) == command
    assert command_of([root]) is None


def test_secrets_of_a_command_line_are_masked() -> None:
    """After the option, or after its equals sign; the program's folder tells nothing."""
    line = "/opt/bin/openstack --os-password s3cret user create --password=s3cret --password-prompt --os-token -v bob"
    assert " ".join(masked_arguments(line.split(), masking())) == (
        "openstack --os-password *** user create --password=*** --password-prompt --os-token -v bob"
    )
    assert masked_arguments(["curl", "http://a:b@h/"], masking()) == ("curl", "http://***@h/")

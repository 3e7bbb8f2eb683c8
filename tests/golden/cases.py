"""The conversations that the golden files beside this one show: ``NAME.md``, ``NAME.log``, ``NAME.diagram.md``, …."""

from __future__ import annotations

from otel_openstack.conversation.messages import GAP_CALLEE, GAP_END
from otel_openstack.conversation.model import Body, Conversation, Exchange, Headers, Message, MessageKind

REQUEST, RESPONSE = MessageKind.REQUEST, MessageKind.RESPONSE
NO_BODY = Body()
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


def request(
    caller: str, callee: str, method: str, url: str, headers: Headers = (), body: Body = NO_BODY, gap: str = ""
) -> Message:
    """Build a request; its path is the URL's."""
    path = "/" + url.partition("://")[2].partition("/")[2].partition("?")[0]
    return Message(REQUEST, caller, callee, method, url, path, headers=headers, body=body, gap=gap)


def response(
    asked: Message, status: int, reason: str, headers: Headers = (), body: Body = NO_BODY, path: str = "", gap: str = ""
) -> Message:
    """Build the response to a request."""
    return Message(
        RESPONSE,
        asked.caller,
        asked.callee,
        asked.method,
        asked.url,
        path or asked.path,
        status,
        reason,
        headers,
        body,
        gap=gap,
    )


def said(*messages: Message) -> Conversation:
    """Return the conversation of these: a response answers the request with its URL, each call is for the open one."""
    exchanges: list[Exchange] = []
    parents: list[int | None] = []
    for message in messages:
        waiting = [place for place, one in enumerate(exchanges) if one.response is None]
        if message.kind is REQUEST:
            made_for = [place for place in waiting if asked(exchanges[place]).callee == message.caller]
            parents.append(made_for[-1] if made_for else None)
            exchanges.append(Exchange(message, None))
        else:
            (answered,) = [place for place in waiting if asked(exchanges[place]).url == message.url][-1:]
            exchanges[answered] = Exchange(exchanges[answered].request, message)
    return Conversation(TRACE_ID, messages, tuple(exchanges), parents=tuple(parents))


def asked(exchange: Exchange) -> Message:
    """Return the request, which there is."""
    assert exchange.request is not None
    return exchange.request


def image_list() -> Conversation:
    """Return a token, a list of images, and the validation of the token: nothing is unusual."""
    token = request(
        "openstack",
        "keystone",
        "POST",
        "http://192.0.2.1/identity/v3/auth/tokens",
        (("Host", "192.0.2.1"), ("Accept", "application/json"), ("Content-Type", "application/json")),
        Body('{"auth": {"identity": {"methods": ["password"]}, "scope": {}}}'),
    )
    issued = response(
        token,
        201,
        "CREATED",
        (("X-Subject-Token", "{SHA256}5f1c"), ("Vary", "X-Auth-Token")),
        Body('{"token": {"is_domain": false, "roles": [{"name": "reader"}, {"name": "member"}]}}\n'),
    )
    images = request(
        "openstack",
        "glance-api",
        "GET",
        "http://192.0.2.1:9292/v2/images?limit=1",
        (("Host", "192.0.2.1:9292"), ("X-Auth-Token", "{SHA256}5f1c"), ("Accept", "")),
    )
    validated = request(
        "glance-api",
        "keystone",
        "GET",
        "http://192.0.2.1/identity/v3/auth/tokens",
        (("Host", "192.0.2.1"), ("X-Subject-Token", "{SHA256}5f1c")),
    )
    valid = response(validated, 200, "OK", (("Content-Length", "15"),), Body('{"token": {}}'))
    listed = response(
        images,
        200,
        "OK",
        (("Content-Type", "application/json"), ("x-openstack-request-id", "req-4aa20c74")),
        Body('{"images": [], "schema": "/v2/schemas/images", "first": "/v2/images?limit=1"}'),
    )
    return said(token, issued, images, validated, valid, listed)


def marks() -> Conversation:
    """Return messages of which something is missing, and bodies that would break out of their tab."""
    numbers = request(
        "openstack",
        "nova-api",
        "POST",
        "http://192.0.2.1/compute/v2.1/a;b#c/end",
        (("Host", "192.0.2.1"), ("Cookie", "a=1\r\nX-Injected: yes"), ("", "not a header")),
        Body('{"a": 1.00, "a": [1e400, 12345678901234567890], "b": "\\u00e9\\/", "c": {}, "d": [ ]}'),
        gap=GAP_CALLEE,
    )
    fence = response(
        numbers,
        500,
        "Internal Server Error",
        (("Content-Type", "text/plain"),),
        Body("Traceback:\n\n    ```\n### (9) GET /\n### (a) REQ >>> (b) : GET http://c/\n\x1b[31mred\r\n"),
        path="None",
        gap=GAP_CALLEE,
    )
    cut = request(
        "nova-api", "127.0.0.1:8775", "PUT", "http://127.0.0.1:8775/x", (), Body('{"user_data": "I2Nsb3', 9000)
    )
    octets = request("end", "note-taker", "PUT", 'http://h/<b>"it\'s"', (), Body(b"QFI\xfb'\x00" + bytes(40), 21233664))
    whole = response(octets, 204, "", (), Body(b"\xff\xfe", 2))
    unread = response(cut, 200, "OK", (("Content-Length", "17"),), Body(None, 17))
    late = request("openstack", "nova-api", "DELETE", "http://192.0.2.1/", (("Host", "192.0.2.1"),), gap=GAP_END)
    return said(numbers, fence, cut, octets, whole, unread, late)


CASES = {"image-list": image_list, "marks": marks}

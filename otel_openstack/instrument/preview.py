"""The preview of a body: its beginning, bounded, with content coding and secrets taken off."""

from __future__ import annotations

import codecs
from fnmatch import fnmatchcase
from functools import lru_cache

from otel_openstack.instrument.coding import Decoder, decoder_of
from otel_openstack.instrument.guard import never_raises
from otel_openstack.redaction import Masking, masking
from otel_openstack.settings import Settings

_TEXTUAL_SUFFIXES = ("/json", "+json", "/xml", "+xml", "/yaml", "+yaml")
_FORM = "application/x-www-form-urlencoded"
_UNCODED = frozenset({"", "identity"})


@lru_cache(maxsize=256)
def charset_of(content_type: str) -> str | None:
    """Return the character set of a textual media type, ``None`` for any other type.

    Textual is what the semantic conventions call so: ``text/*``, JSON, XML, YAML, forms and whatever names a charset.
    """
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "charset":
            try:
                return codecs.lookup(value.strip("\"'")).name
            except (LookupError, ValueError):
                return "utf-8"
    if media_type.startswith("text/") or media_type.endswith(_TEXTUAL_SUFFIXES) or media_type == _FORM:
        return "utf-8"
    return None


@lru_cache(maxsize=256)
def _is_among(content_type: str, media_types: str) -> bool:
    """Tell whether a list of media types, such as ``image/*, application/pdf``, has that of a body."""
    media_type = content_type.partition(";")[0].strip().lower()
    return any(fnmatchcase(media_type, wanted.strip()) for wanted in media_types.split(","))


def masking_of(settings: Settings) -> Masking:
    """Return the rules that the settings ask for: the same object for the same settings."""
    return masking(settings.redact, settings.redact_names, settings.redact_patterns, settings.redact_headers)


class Preview:
    """The beginning of a body, gathered from the pieces that pass by.

    :param content_type: value of Content-Type, ``""`` when there is none.
    :param content_encoding: value of Content-Encoding; the preview is of what it wraps.
    :param path: path of the URL: what some lead to is masked as a whole.
    :param rules: what the settings ask for, where the caller has it already.
    :ivar limit: bytes that it keeps.
    :ivar size: bytes seen so far.
    :ivar shown: how many of them the preview shows, known once it was made.
    :ivar came_decoded: whether somebody had taken the content coding off before.
    """

    __slots__ = (
        "_charset", "_content_type", "_decoder", "_encoding", "_path", "_pieces", "_room", "_rules", "_settings",
        "came_decoded", "limit", "shown", "size",
    )  # fmt: skip

    def __init__(
        self,
        settings: Settings,
        content_type: str,
        content_encoding: str = "",
        path: str = "",
        rules: Masking | None = None,
    ) -> None:
        self._settings = settings
        self._rules = rules or masking_of(settings)
        self._path = path
        self._content_type = content_type
        self._pieces: list[bytes] = []
        self.size = 0
        self.shown = 0
        self.came_decoded = False
        self._expect(content_encoding.strip().lower())

    def _expect(self, encoding: str) -> None:
        settings = self._settings
        self._encoding = encoding
        self._decoder: Decoder | None = None if encoding in _UNCODED else decoder_of(encoding)
        is_readable = self._decoder is not None or encoding in _UNCODED
        self._charset = charset_of(self._content_type) if is_readable else None
        is_wanted = self._charset or (
            settings.body_content_types and _is_among(self._content_type, settings.body_content_types)
        )
        self._room = self.limit = settings.body_limit if is_wanted else settings.binary_body_limit

    @never_raises
    def feed(self, piece: bytes | memoryview | str) -> None:
        """Look at a piece of the body; what is kept is copied, of text its UTF-8."""
        if isinstance(piece, str):
            piece = piece.encode("utf-8", "replace")
        length = len(piece)
        self.size += length
        room = self._room
        if room > 0:
            # bytes that fit are kept as they are: nobody can change them
            kept = piece if type(piece) is bytes and length <= room else bytes(piece[:room])
            self._pieces.append(kept)
            self._room = room - len(kept)

    def decoded(self) -> None:
        """Say, before the first piece, that the content coding has been taken off."""
        if self._encoding and not self._pieces:
            self.came_decoded = True
            self._expect("")

    def content(self) -> str | bytes | None:
        """Return the preview: text when it is textual and is what it says, else bytes; ``None`` when there is none."""
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        if not data:
            return None
        self.shown = len(data)
        text = self._text(data) if self._charset else None
        rules = self._rules
        if text is None:
            return rules.body(data, path=self._path)
        return rules.body(text, form=self._content_type.lower().startswith(_FORM), path=self._path)

    def _text(self, data: bytes) -> str | None:
        whole = len(data)
        cut = self.size > whole
        try:
            if self._decoder is not None:
                data, self.shown, is_all = self._decoder(data, self.limit)
                cut = not is_all
            # Where it is cut, what is left of the last character is kept back
            if self._charset == "utf-8":
                return codecs.utf_8_decode(data, "strict", not cut)[0]
            return codecs.getincrementaldecoder(self._charset or "utf-8")().decode(data, final=not cut)
        except (ValueError, LookupError):
            self.shown = whole
            return None

"""What an author writes into the corpus' document of an image save: notes of each kind, Korean and English."""

from __future__ import annotations

IMAGE = "/v2/images/a42bfade-78ec-4c95-b7b4-272ba265072c"
NOTES = (
    ("\n### (1) GET", "# openstack image save\n\n이미지를 내려받는다. (12-15)는 swift와의 대화이다.\n\n## 요약\n\n"
     "- 토큰 발급 (3-4)\n- token validation (6)(7), again in [(13)](#13)\n\n### (1) GET"),
    ("### (2) 300", "| 번호 | 설명 |\n|---|---|\n| (2) | 버전 목록 |\n\n### (2) 300"),
    ("` <-- `keystone`\n", "` <-- `keystone` (first answer)\n\n!!! note \"토큰\"\n    응답(2)의 `Location`을 쓴다.\n"),
    (f"### (5) GET {IMAGE}", "### (5) 이미지 조회 GET /v2/images/{image_id}"),
    ("\n### (6) GET", "\n```mermaid\nsequenceDiagram\n    rect rgb(0,0,0)\n    glance->>keystone: (6)\n    end\n```\n\n"
     "### (6) GET"),
    (f'json title="200 OK {IMAGE}" linenums="1"', f'json title="200 OK {IMAGE}" linenums="1" hl_lines="3 6-7"'),
    ("\n### (9) GET", "\n## 다운로드\n\nNow the bytes, see (16).\n\n### (9) GET"),
    ("\n### (12) GET", "\n토큰을 얻었다.\n\n### (12) GET"),
)  # fmt: skip
"""What is replaced once, and by what."""

KEPT = (
    "이미지를 내려받는다. (16-19)는 swift와의 대화이다.",
    "- 토큰 발급 (3-4)\n- token validation (8)(9), again in [(17)](#17)\n",
    "| (2) | 버전 목록 |\n\n### (2) 300",
    '`openstack` <-- `keystone` (first answer)\n\n!!! note "토큰"\n    응답(2)의 `Location`을 쓴다.\n',
    "### (7) 이미지 조회 GET /v2/images/{image_id}\n",
    "    glance->>keystone: (6)\n    end\n```\n\n### (8) GET",
    "\n## 다운로드\n\nNow the bytes, see (20).\n\n### (13) GET",
    "\n토큰을 얻었다.\n\n### (16) GET",
)
"""What a recording of 2026 makes of them: its client asks for the versions of the image service first, and again."""


def annotated(text: str) -> str:
    """Write the notes into the document."""
    for old, new in NOTES:
        assert old in text
        text = text.replace(old, new, 1)
    return text + "\n## 참고\n\n끝.\n"

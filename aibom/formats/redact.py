"""Secrets out of command lines and URLs, before anything is kept."""

import re

_HIDDEN = "***"
# the word must end the name: --hf-token hides its value, --tokenizer and --max-tokens do not
_NAME = (
    r"(?:[\w.]{0,64}[-_.])?(?:api[-_]?key|access[-_]?key|auth|authorization|bearer"
    r"|credentials?|key|pass|passw(?:or)?d|passwd|pat|pwd|secret|token|cookies?)"
)
# words that are secret with any prefix: PGPASSWORD, clientSecret, AccountKey
_STRONG = r"[\w.-]{0,64}(?:passw(?:or)?d|secret|token|(?:api|access|account|private)[-_]?key)"
_FLAG = re.compile(rf"^-{{1,2}}(?:{_NAME}|{_STRONG})$", re.IGNORECASE)
_ASSIGNMENT = re.compile(
    rf"(?P<name>(?<![\w.-])-{{0,2}}(?:{_NAME}|{_STRONG})[\"']?\s*[=:]\s*[\"']?)(?:(?:Bearer|Basic|Token)\s+)?[^\s,;&\"']+",
    re.IGNORECASE,
)
# one argument that holds a whole command line, as rewritten process titles do
_INNER_FLAG = re.compile(rf"(?P<flag>(?<!\S)--?(?:{_NAME}|{_STRONG})\s+)[^\s]+", re.IGNORECASE)
_SCHEME = re.compile(r"(?P<scheme>\b(?:Bearer|Basic)\s+)[\w+/=.~-]{6,}", re.IGNORECASE)
_FLAG_LIKE = re.compile(r"^--[a-z]")
# from behind the scheme on, and without a second try: a search from each of its letters takes long
_USERINFO = re.compile(r"(?P<scheme>(?<=[\w+.-])://)[^/\s]{1,1000}@")
_QUERY = re.compile(r"(?P<url>(?<=[\w+.-])://[^\s?#]{1,2000}+)[?#][^\s\"']*")
# a key as PEM has it (RFC 7468), also with its line ends escaped, and cut off before its end
_PEM = re.compile(r"(?P<begin>-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)[^-]*")
# tokens that bear their issuer's mark, wherever they stand
_TOKENS = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}"
    r"|github_pat_\w{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}"
    r"|glpat-[\w-]{20,}|npm_[A-Za-z0-9]{30,}|eyJ[\w-]{10,}\.[\w-]+\.[\w-]*)"
)
#: Longest argument that is kept, in characters; longer ones carry data, not meaning.
MAX_ARGUMENT = 500
#: Most arguments that are kept of one command line.
MAX_ARGUMENTS = 100


def redact(text: str) -> str:
    """Return ``text`` with tokens, values of secret-sounding names and URL credentials hidden."""
    text = _PEM.sub(rf"\g<begin>{_HIDDEN}", text)
    text = _USERINFO.sub(rf"\g<scheme>{_HIDDEN}@", text)
    text = _QUERY.sub(rf"\g<url>?{_HIDDEN}", text)
    text = _ASSIGNMENT.sub(rf"\g<name>{_HIDDEN}", text)
    text = _INNER_FLAG.sub(rf"\g<flag>{_HIDDEN}", text)
    text = _SCHEME.sub(rf"\g<scheme>{_HIDDEN}", text)
    return _TOKENS.sub(_HIDDEN, text)


def redact_argv(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command line fit to be kept: secrets hidden, long arguments cut."""
    kept = []
    after_flag = False
    for argument in argv[:MAX_ARGUMENTS]:
        hide = after_flag and not _FLAG_LIKE.match(argument)
        after_flag = bool(_FLAG.match(argument))
        kept.append(_HIDDEN if hide else redact(_cut(argument)))
    return tuple(kept)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_ARGUMENT else text[:MAX_ARGUMENT] + "…"

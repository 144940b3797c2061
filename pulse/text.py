"""What counts as one line of text from a person: names and reasons."""

import unicodedata

# Control characters, lone surrogates, line and paragraph separators. Format characters stay allowed:
# Persian, Hindi and emoji are written with joiners.
REFUSED = frozenset({"Cc", "Cs", "Zl", "Zp"})
# These turn the order of what follows around, so that a text can pose as another.
BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_one_line(text: str) -> bool:
    """Whether the text can be shown in one line, in a log or a mail's subject, as it was meant."""
    return not any(unicodedata.category(one) in REFUSED or one in BIDIRECTIONAL for one in text)

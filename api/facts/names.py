"""Rust identifiers for the document's names, which may contain any character."""

import hashlib
import re
import unicodedata
from collections import Counter

# The strict and reserved keywords of all editions: https://doc.rust-lang.org/reference/keywords.html
KEYWORDS = frozenset(
    """
    abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl
    in let loop macro match mod move mut override priv pub ref return self static struct super trait true try type
    typeof unsafe unsized use virtual where while yield
    """.split()
)  # fmt: skip
# The keywords that `r#` does not turn into an identifier.
NEVER_RAW = frozenset({"crate", "self", "super"})
# The generated code refers to other items by these names.
TAKEN_TYPES = frozenset(
    """
    AsMut AsRef Box BTreeMap Clone Copy Debug Default Deserialize DeserializeOwned Deserializer Display
    DoubleEndedIterator Drop Eq Err Error ExactSizeIterator Extend Fn FnMut FnOnce From FromIterator FromStr Hash
    Into IntoIterator Iterator None Ok Option Ord PartialEq PartialOrd Result Secret Self Send Serialize Serializer
    Sized Some String Sync ToOwned ToString TryFrom TryInto UnknownValue Unpin Validate Vec Violation
    """.split()
)  # fmt: skip
# The characters of a value that its name spells. Others, and `-` or `=` between two words, only separate words.
SIGN = r"[*#<>!%?]|(?<![^\W_])[-+=&|^~]|[-+=&|^~](?![^\W_])"


def type_name(text):
    """`admin-token_object` → `AdminTokenObject`."""
    name = pascal(text)
    return f"Model{name}" if name in TAKEN_TYPES or not name[:1].isalpha() else name


def variant_name(text):
    """`gzip` → `Gzip`; `1h` → `Variant1h`; `<=` → `LessThanEquals`; the empty text → `Empty`."""
    name = pascal(text)
    return f"Variant{name}" if name == "Self" or not name[:1].isalpha() else name


def variant_names(texts):
    """Names for the values of an enum. Signs are spelled: `-1` → `Minus1`. The order of the values decides nothing.

    Of the texts that would share a name, only the one that is the name in lower case gets it: `ns`. The names of the
    others also say what tells them apart: `NS` → `NsUpper`, `n-s` → `NMinusS`.
    """
    texts = [*texts]
    names = [variant_name(re.sub(SIGN, spelt, text)) for text in texts]
    shared = Counter(names)
    names = [
        name if shared[name] == 1 or text == "_".join(words(text)).lower() else explicit_name(text)
        for name, text in zip(names, texts, strict=True)
    ]
    shared = Counter(names)
    return [name if shared[name] == 1 else name + digest(text) for name, text in zip(names, texts, strict=True)]


def explicit_name(text):
    """The name of a value with everything between the words, and with the case: `A b` → `ASpaceBMixed`."""
    case = "" if text == text.lower() else "Upper" if text == text.upper() else "Mixed"
    return variant_name(re.sub(r"[\W_]", spelt, text) + case) if text else "EmptyText"


def spelt(match):
    return f" {''.join(described(match[0]))} "


def digest(text):
    return f"X{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def value_name(text):
    """`createdAt` → `created_at`, for fields, parameters and functions; `type` → `r#type`; `2fa` → `param_2fa`."""
    name = "_".join(word.lower() for word in words(text))
    if name in NEVER_RAW or not name[:1].isalpha():
        return f"param_{name}"
    return f"r#{name}" if name in KEYWORDS else name


def crate_name(text):
    """`InfluxDB 3 Core` → `influxdb-3-core`; `gen` → `gen-api`, because paths could not name the crate `gen`."""
    name = "-".join(re.findall(r"[a-z0-9]+", text.lower()))
    if name in KEYWORDS:
        return f"{name}-api"
    return name if name[:1].isalpha() else f"api-{name}"


def is_crate_name(text):
    """Whether Cargo accepts a text as the name of a crate, and Rust code can name the crate."""
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", text) is not None and text not in KEYWORDS


def is_token(text):
    """Whether a text can name a header or a cookie (RFC 9110, section 5.6.2)."""
    return re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", text) is not None


def unique(name, taken):
    """Returns the name, with a number if it is taken, and adds it to the taken names."""
    bare = name.removeprefix("r#")
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        separator = "_" if bare == bare.lower() else ""
        candidate = f"{bare}{separator}{number}"
    taken.add(candidate)
    return candidate


def pascal(text):
    """The words of a name with capitals. Digits stay apart: `1.5` → `1_5`."""
    name = "".join(word[:1].upper() + word[1:] + " " for word in words(text))
    return re.sub(r"(?<=\d) (?=\d)", "_", name).replace(" ", "")


def words(text):
    """The words of a name, in ASCII: split at every other character than letters and digits, and before capitals."""
    spelt = "".join(map(spell, text))
    found = re.findall(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+[a-z]*", spelt)
    if not found:
        # The name is only punctuation.
        found = [word for character in text for word in described(character)]
    return [word if word[:1].isdigit() else word[:1] + word[1:].lower() for word in found] or ["Empty"]


def spell(character):
    """A character in ASCII: without its accents (é → e), or by its name (µ → micro, ж → zhe)."""
    if character.isascii():
        return character
    base = "".join(part for part in unicodedata.normalize("NFD", character) if not unicodedata.combining(part))
    if base.isascii():
        return base
    if character.islower():
        return "".join(described(character)).lower()
    if character.isalnum() or unicodedata.category(character).startswith("S"):
        return f"-{''.join(described(character))}-"
    return "-"


def described(character):
    """The distinctive words of a Unicode name: `GREEK SMALL LETTER MU` → Mu, `LESS-THAN SIGN` → Less, Than."""
    name = "MINUS" if character == "-" else unicodedata.name(character, f"U{ord(character):X}")
    if match := re.search(r"(?:LETTER|DIGIT|SYLLABLE) (.+)$", name):
        name = match[1]
    elif match := re.fullmatch(r"CJK UNIFIED IDEOGRAPH-(\w+)", name):
        name = f"U{match[1]}"
    return [word.capitalize() for word in re.split(r"[ -]", name.removesuffix(" SIGN"))]

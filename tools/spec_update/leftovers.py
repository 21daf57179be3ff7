"""The places to check for each difference: implementations, and the lines that contain its names."""

import re

# A file without it may implement the same operation of another generator's crate.
CRATE = re.compile(r"\binfluxdb3_token_api\b")
AUTHENTICATOR = re.compile(r"^[^\n]*\bimpl\b.*\bAuthenticator for\b")


def locate(differences, files, crate):
    """An entry for each difference, with its places.

    `files` are the lines of each hand-written file. `crate` are the lines of the generated trait, which is the place of
    an operation that nothing implements.
    """
    return [entry(difference, files, crate) for difference in differences]


def entry(difference, files, crate):
    places = implementations(difference, files, crate)
    elsewhere = {}
    for name in difference.names:
        pattern, owner = name.pattern(), re.compile(name.owner)
        for file, lines in files.items():
            found = [place(file, number, line) for number, line in enumerate(lines, 1) if pattern.search(line)]
            if found and name.shared and not any(map(owner.search, lines)):
                elsewhere[file] = elsewhere.get(file, 0) + len(found)
            else:
                places += [of for of in found if of not in places]
    return {"cause": difference.cause, "places": places, "elsewhere": elsewhere}


def implementations(difference, files, crate):
    """Where the methods of the operations are written, and the checks of credentials if they are concerned."""
    rust = {file: lines for file, lines in files.items() if file.endswith(".rs") and any(map(CRATE.search, lines))}
    found = []
    for operation in difference.operations:
        # Any other function with this name does not implement the trait. rustfmt may put `&self` on the next line.
        method = re.compile(rf"^[^\n]*\bfn {operation.method_name}\b[^)]*\bself\b")
        own = [of for file, lines in rust.items() for of in matching(file, lines, method)]
        declared = matching("generated/src/api.rs", crate, method)
        found += own or declared or [place("generated/src/api.rs", 1, crate[0] if crate else "")]
    if difference.credentials:
        found += [of for file, lines in rust.items() for of in matching(file, lines, AUTHENTICATOR)]
    return list({(of["file"], of["line"]): of for of in found}.values())


def matching(file, lines, pattern):
    """The lines at which the pattern matches. It may continue on the next line."""
    pairs = zip(lines, [*lines[1:], ""], strict=True)
    return [
        place(file, number, line)
        for number, (line, following) in enumerate(pairs, 1)
        if pattern.search(f"{line}\n{following}")
    ]


def place(file, line, text):
    return {"file": file, "line": line, "text": text.strip()}

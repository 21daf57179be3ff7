"""What generation assumes about the document's errors, with the places of these errors."""


def locate(errors, document):
    """An entry for each error. `document` are the lines of the document."""
    return [
        {"cause": f"the document has an error: {error}", "places": [place(error, document)], "elsewhere": {}}
        for error in errors
    ]


def place(error, document):
    """The line at which the keys of an error's place end, each found after the one before."""
    line = 0
    for key in error.partition(": ")[0].split("."):
        line = next((number for number in range(line, len(document)) if key in document[number]), line)
    return {"file": "api/openapi.yaml", "line": line + 1, "text": document[line].strip() if document else ""}

"""Turns the effective document into the facts that the templates print.

| module | contents |
|---|---|
| `document` | the targets of references; collects the document's errors and unsupported parts |
| `shape`, `scalars`, `normal` | which type each part of a document has; the document in a normal form |
| `heirs` | bases with a discriminator, as choices between their heirs |
| `names` | Rust identifiers |
| `literals` | Rust literals |
| `markdown`, `markdown_blocks`, `markdown_spans` | documentation comments |
| `schemas`, `types`, `values`, `models`, `composition`, `unions`, `graph` | the Rust type of each schema |
| `constraints`, `patterns` | the checks of values |
| `operations`, `paths`, `parameters`, `objects`, `bodies`, `content`, `security` | requests and responses |
| `whole` | everything that concerns the document as a whole |
| `annotate` | the document that carries the facts to the templates |

No module here knows a template, and no template decides what a module here can decide.
"""

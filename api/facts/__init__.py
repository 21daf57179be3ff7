"""From the effective document to the facts that the templates print.

| module | what it decides |
|---|---|
| `document` | what a reference refers to, and what is wrong with the document |
| `names` | identifiers |
| `literals` | texts as Rust literals |
| `markdown`, with `markdown_blocks` and `markdown_spans` | descriptions as documentation comments |
| `schemas`, with `types`, `models`, `composition`, `unions` and `graph` | which Rust type a schema is |
| `constraints`, `patterns` | what is checked of a value |
| `operations`, with `paths`, `parameters`, `bodies`, `content` and `security` | what a method takes and answers |
| `whole` | the document as a whole |
| `annotate` | where the templates find all that |

Nothing here knows what a template looks like, and no template decides anything that can be decided here.
"""

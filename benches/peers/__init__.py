"""Compares this project with other generators of Rust servers, and writes docs/peers.md. `make peers` runs this.

`documents` collects the documents, `subjects` says how each generator is used, `measure` generates and checks a crate
from each document with each of them, `figures` counts lines and crates, `answers` sends requests to the services, and
`page` writes the page.
"""

"""Replaces the OpenAPI document with a changed one: `make spec-update SPEC=file`.

Each module is one step, and passes its result to the next:

`comparing`     how the contract changes for clients
`staging`       a copy of the checkout with the new document, in which the following steps work
`dependencies`  the crates that the new generated/ needs, in the copy's Cargo.lock
`checking`      the compiler's errors in hand-written code
`operations`    both documents as operations and components that can be compared
`differences`   the differences between them that the compiler cannot see, and the names that are gone
`leftovers`     the lines of hand-written files that each difference concerns
`assumptions`   what generation assumes about errors in the document, if they are allowed
`swapping`      the checkout gets the document, generated/ and Cargo.lock of the copy: all or none
`report`        what the update prints
"""

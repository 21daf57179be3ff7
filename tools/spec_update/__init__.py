"""Replaces the OpenAPI document with a changed one: `make spec-update SPEC=file`.

Each step is a module, and passes its result on:

`comparing`     how the contract changes for clients
`staging`       makes a copy of the checkout with the new document, in which the next two steps and generation work
`dependencies`  the crates that the new generated/ needs, in the copy's Cargo.lock
`checking`      the compiler's errors in hand-written code
`differences`   what the compiler cannot see: the differences between the two documents, and the names that are gone
`leftovers`     the lines of hand-written files that each difference concerns
`assumptions`   what generation assumes about errors in the document, if they are allowed
`swapping`      replaces the checkout's document, generated/ and Cargo.lock with those of the copy: all or none
`report`        what the update prints

`differences` compares what `operations` reads from each document. `walking` finds the places that differ, `wording`
describes them, `remaining` knows which names the new document still has, and `names` how a line contains a name.
"""

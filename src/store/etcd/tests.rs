//! Tests of the parts; `tests/it/etcd` has those with a real etcd.

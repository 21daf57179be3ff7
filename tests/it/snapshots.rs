//! What users and other programs rely on, word for word: a change to it shows in a diff of `snapshots/`.
//!
//! `INSTA_UPDATE=always cargo test` accepts what is there now; so does `cargo insta review`, one by one.

use influxdb3_token_api::{OPERATIONS, SECURITY_SCHEMES};
use insta::assert_debug_snapshot;

#[test]
fn the_table_of_operations() {
    assert_debug_snapshot!("operations", OPERATIONS);
}

#[test]
fn the_table_of_security_schemes() {
    assert_debug_snapshot!("security-schemes", SECURITY_SCHEMES);
}

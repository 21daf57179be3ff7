//! Snapshots of the public tables. A change shows in the diff of `snapshots/`.
//!
//! `INSTA_UPDATE=always cargo test` accepts the current tables. `cargo insta review` asks about each.

use influxdb3_token_api::{OPERATIONS, SECURITY_SCHEMES};
use insta::assert_debug_snapshot;

#[test]
fn the_table_of_operations_matches_its_snapshot() {
    assert_debug_snapshot!("operations", OPERATIONS);
}

#[test]
fn the_table_of_security_schemes_matches_its_snapshot() {
    assert_debug_snapshot!("security-schemes", SECURITY_SCHEMES);
}

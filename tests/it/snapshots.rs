//! What users and other programs rely on, word for word: a change to it shows in a diff of `snapshots/`.
//!
//! `INSTA_UPDATE=always cargo test` accepts what is there now; so does `cargo insta review`, one by one.

use influxdb3_token_api::OPERATIONS;
use insta::assert_debug_snapshot;

#[test]
fn the_table_of_operations() {
    assert_debug_snapshot!("operations", OPERATIONS);
}

//! The protocol keeps its promises in every order of its steps, and the checker finds no counterexample.
//!
//! Each test lets other things happen, because all at once are too many states.

use influxdb3_tokens_model::{Bounds, Role};

use crate::check::{ONE_NODE, assert_sound};

/// Everything that can happen to a watch without a restore of etcd.
const FAILING: Bounds = Bounds { breaks: true, compaction: true, ..ONE_NODE };
/// Everything that can happen to a watch.
const RESTORED: Bounds = Bounds { restore: true, foreign: true, ..FAILING };

#[test]
fn a_node_that_pauses_and_loses_its_watch_keeps_the_bound() {
    let nodes = &[Role::Serves];
    assert_sound(Bounds { nodes, elsewhere: true, max_staleness: 2, pauses: true, ..FAILING });
}

#[test]
fn two_nodes_keep_the_bound() {
    let nodes = &[Role::Serves; 2];
    assert_sound(Bounds { nodes, elsewhere: true, ..ONE_NODE });
}

#[test]
fn a_token_gets_one_204_whatever_responses_are_lost() {
    let nodes = &[Role::All, Role::Writes];
    assert_sound(Bounds { nodes, rival: true, ..ONE_NODE });
}

#[test]
fn a_node_keeps_the_bound_when_etcd_is_restored() {
    let nodes = &[Role::Serves];
    assert_sound(Bounds { nodes, elsewhere: true, tokens: &[0, 2], revisions: 3, ..RESTORED });
}

#[test]
fn a_node_that_writes_keeps_the_bound_when_etcd_is_restored() {
    assert_sound(Bounds { elsewhere: true, tokens: &[0, 2], late: true, ..RESTORED });
}

#[test]
fn a_restore_and_lost_responses_give_no_second_204() {
    let nodes = &[Role::Writes; 2];
    assert_sound(Bounds { nodes, rival: true, revisions: 3, restore: true, late: true, foreign: true, ..ONE_NODE });
}

#[test]
fn a_regenerated_secret_replaces_the_old_one_within_the_bound() {
    assert_sound(Bounds { elsewhere: true, tokens: &[0, 1], regeneration: true, ..FAILING });
}

#[test]
#[ignore = "takes minutes: make test-long-model"]
fn a_node_keeps_the_bound_when_messages_of_the_replaced_etcd_arrive() {
    let nodes = &[Role::Serves];
    assert_sound(Bounds { nodes, elsewhere: true, tokens: &[0, 2], revisions: 3, late: true, ..RESTORED });
    assert_sound(Bounds { elsewhere: true, revisions: 3, late: true, ..RESTORED });
}

#[test]
#[ignore = "takes minutes: make test-long-model"]
fn a_node_that_writes_keeps_the_bound_with_more_changes() {
    assert_sound(Bounds { elsewhere: true, tokens: &[0, 2], revisions: 3, ..FAILING });
    assert_sound(Bounds { elsewhere: true, tokens: &[0, 2], revisions: 3, restore: true, ..ONE_NODE });
}

#[test]
#[ignore = "takes minutes: make test-long-model"]
fn a_regenerated_secret_replaces_the_old_one_when_etcd_is_restored() {
    let regenerating = Bounds { elsewhere: true, tokens: &[0, 1], regeneration: true, ..RESTORED };
    assert_sound(Bounds { late: true, ..regenerating });
    assert_sound(Bounds { revisions: 3, breaks: false, compaction: false, foreign: false, ..regenerating });
}

#[test]
#[ignore = "takes minutes: make test-long-model"]
fn a_node_that_writes_and_one_that_does_not_keep_the_bound() {
    assert_sound(Bounds { nodes: &[Role::All, Role::Serves], ..ONE_NODE });
}

#[test]
#[ignore = "takes minutes: make test-long-model"]
fn a_node_keeps_its_bound_beside_one_with_another_bound() {
    let nodes = &[Role::Serves; 2];
    assert_sound(Bounds { nodes, elsewhere: true, longer: 1, ..ONE_NODE });
}

#[test]
#[ignore = "takes minutes: make test-long-model"]
fn a_node_keeps_the_bound_when_a_restored_etcd_gives_an_id_again() {
    let tokens = &[0, 2, 3];
    assert_sound(Bounds { elsewhere: true, tokens, restore: true, late: true, breaks: true, ..ONE_NODE });
}

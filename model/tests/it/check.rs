//! Runs the checker on a model and prints the number of states.

#![allow(clippy::print_stderr, reason = "a run shows how much it checked")]

use influxdb3_tokens_model::{Bounds, Cluster, Role, Variant};
use stateright::{Checker, HasDiscoveries, Model};

/// The smallest model: one node, and a token that can be deleted.
pub(crate) const ONE_NODE: Bounds = Bounds {
    nodes: &[Role::All],
    elsewhere: false,
    tokens: 1,
    revisions: 2,
    max_staleness: 1,
    rival: false,
    breaks: false,
    compaction: false,
    restore: false,
    late: false,
    foreign: false,
    pauses: false,
};

/// Visits every reachable state of the protocol.
pub(crate) fn assert_sound(bounds: Bounds) {
    let finish = HasDiscoveries::AnyFailures;
    let checker =
        Cluster { bounds, variant: Variant::Sound }.checker().threads(2).finish_when(finish).spawn_bfs().join();
    eprintln!("{} states, the farthest {} steps away: {bounds:?}", checker.unique_state_count(), checker.max_depth());
    checker.assert_properties();
}

/// Searches a counterexample, which the protocol must not have within the same bounds.
pub(crate) fn assert_broken(bounds: Bounds, variant: Variant, property: &'static str) {
    let finish = HasDiscoveries::AnyOf([property].into());
    let checker = Cluster { bounds, variant }.checker().threads(1).finish_when(finish).spawn_bfs().join();
    eprintln!("{variant:?}: {} states", checker.unique_state_count());
    let path = checker.discovery(property).expect("the checker finds no counterexample");
    for action in path.into_actions() {
        eprintln!("    {action:?}");
    }
}

//! Runs the checker on a model and prints the number of states.

#![allow(clippy::print_stderr, reason = "a run shows how much it checked")]

use std::thread::sleep;
use std::time::{Duration, Instant};

use influxdb3_tokens_model::{Bounds, Cluster, Role, Variant};
use stateright::{Checker, HasDiscoveries, Model};

/// The smallest model: one node, and a token that can be deleted.
pub(crate) const ONE_NODE: Bounds = Bounds {
    nodes: &[Role::All],
    elsewhere: false,
    tokens: &[0],
    longer: 0,
    regeneration: false,
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
    let model = Cluster { bounds, variant: Variant::Sound };
    let checker = model.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs();
    let (begin, mut minutes) = (Instant::now(), 0);
    while !checker.is_done() {
        sleep(Duration::from_millis(10));
        let elapsed = begin.elapsed().as_secs() / 60;
        if elapsed > minutes {
            minutes = elapsed;
            eprintln!("    {} states after {minutes} minutes", checker.unique_state_count());
        }
    }
    let (checker, seconds) = (checker.join(), begin.elapsed().as_secs_f32());
    let (states, steps) = (checker.unique_state_count(), checker.max_depth());
    eprintln!("{states} states in {seconds:.1} s, the farthest {steps} steps away: {bounds:?}");
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

//! What the cluster promises, and what must be able to happen.

use stateright::Property;

use crate::bounds::Bounds;
use crate::cluster::Cluster;
use crate::node::{IDS, Node, Request, Response, Source, Stage, TOKENS, Write};
use crate::state::State;

/// The promise: no node accepts a token later than `max_staleness` after its deletion was acknowledged. The same holds for
/// a token that a restore of etcd lost, from the restore on.
pub const BOUND: &str = "no node accepts a token later than the bound";
/// The node that acknowledged a deletion does not wait for the bound.
pub const AT_ONCE: &str = "the node that acknowledged a deletion refuses the token at once";
/// Of two clients that delete a token, one gets 204.
pub const ONCE: &str = "no token gets 204 for two marks";
/// An acknowledged deletion stays.
pub const ACKNOWLEDGED: &str = "nothing acknowledged is lost";
/// A node that has not heard of a token asks etcd. A node may still hear of the etcd before a restore; then a token that
/// lives again can get 401, until the node compares its copy the next time.
pub const LIVE: &str = "a live token never gets 401";

/// What a copy has is wrong only as long as the node has not heard everything.
pub const EXACT: &str = "a copy that has heard of everything has exactly the live tokens";

/// The properties that matter within these bounds.
pub(crate) fn all(bounds: &Bounds) -> Vec<Property<Cluster>> {
    let mut properties = vec![
        Property::always(BOUND, |model: &Cluster, state: &State| {
            (0..state.nodes.len()).all(|index| {
                let longest = model.bounds.staleness_of(index);
                let accepted = state.nodes[index].accepts(longest, model.variant);
                accepted.and_then(|request| state.fates[request.token].gone).is_none_or(|age| age <= longest)
            })
        }),
        Property::always(AT_ONCE, |model: &Cluster, state: &State| {
            !accepted(model, state).any(|request| request.after_own_deletion)
        }),
        Property::always(ONCE, |_: &Cluster, state: &State| {
            state.fates.iter().all(|fate| fate.acknowledged != [true, true])
        }),
        Property::always(ACKNOWLEDGED, |_: &Cluster, state: &State| {
            let mut ended = state.fates.iter().enumerate().filter(|(_, fate)| fate.acknowledged != [false, false]);
            !ended.any(|(token, _)| state.etcd.present.is_live(token))
        }),
        Property::always(EXACT, |_: &Cluster, state: &State| {
            let present = &state.etcd.present;
            let head = present.head_at(present.revision());
            let has_all = |node: &&Node| {
                let is_current = node.source == Source::Watching { era: state.etcd.era };
                is_current && node.heads.last() == head.as_ref() && node.own == [None; IDS]
            };
            state.nodes.iter().filter(has_all).all(|node| (0..TOKENS).all(|it| node.copy[it] == present.is_live(it)))
        }),
        Property::sometimes("a deletion reaches every copy", |model: &Cluster, state: &State| {
            let mut copies = state.nodes.iter().zip(model.bounds.nodes).filter(|(_, role)| role.copies());
            let reached = copies.all(|(node, _)| node.fresh > 0 && !node.copy[0]);
            reached && state.fates[0].gone.is_some()
        }),
    ];
    if !bounds.late {
        properties.push(Property::always(LIVE, |model: &Cluster, state: &State| {
            let mut rejected = state.nodes.iter().filter_map(|node| node.rejects(model.variant));
            !rejected.any(|request| request.live_throughout)
        }));
    }
    if bounds.nodes.iter().any(|role| role.serves()) {
        properties.extend([
            Property::sometimes("a direct read accepts", |_: &Cluster, state: &State| {
                let accepts = |request: &Request| matches!(request.stage, Stage::Read { live: true, .. });
                state.nodes.iter().any(|node| node.request.as_ref().is_some_and(accepts))
            }),
            Property::sometimes("a fresh copy accepts", |model: &Cluster, state: &State| {
                accepted(model, state).any(|request| matches!(request.stage, Stage::LookedUp { .. }))
            }),
            Property::sometimes("a confirmed copy rejects", |model: &Cluster, state: &State| {
                let mut rejected = state.nodes.iter().filter_map(|node| node.rejects(model.variant));
                rejected.any(|request| matches!(request.stage, Stage::LookedUp { confirmed: true, .. }))
            }),
        ]);
    }
    let copies = bounds.nodes.iter().any(|role| role.copies());
    if copies && (bounds.nodes.len() > 1 || bounds.elsewhere) {
        properties.push(Property::sometimes(
            "the bound passes before a copy hears of a deletion",
            |model: &Cluster, state: &State| {
                state.fates[0].gone == Some(model.bounds.max_staleness + 1)
                    && state.nodes.iter().any(|node| node.copy[0])
            },
        ));
    }
    if bounds.nodes.iter().any(|role| role.writes()) {
        properties.push(Property::sometimes("a repeated deletion gets 204", |_: &Cluster, state: &State| {
            let earlier = |write: &Write| matches!(write.response, Some(Response::Done { earlier: true, .. }));
            state.nodes.iter().any(|node| node.write.as_ref().is_some_and(earlier))
        }));
    }
    if copies && bounds.restore {
        properties.push(Property::sometimes("a copy is fresh after a restore", |_: &Cluster, state: &State| {
            let fresh = |node: &Node| node.fresh > 0 && node.source == Source::Watching { era: state.etcd.era };
            state.etcd.era > 0 && state.nodes.iter().any(fresh)
        }));
    }
    properties
}

fn accepted<'a>(model: &'a Cluster, state: &'a State) -> impl Iterator<Item = &'a Request> {
    let nodes = state.nodes.iter().enumerate();
    nodes.filter_map(|(index, node)| node.accepts(model.bounds.staleness_of(index), model.variant))
}

//! The protocol of a cluster on etcd (`docs/cluster.md`) as a model that `stateright` checks in every order of its steps.
//!
//! [`Cluster`] is the model: nodes, etcd and clients, with small bounds. An [`Action`] is one step of one of them.
//! Most failures are steps that do not happen. A partition, a slow network, a member of etcd that lags and a process that
//! is suspended all are times in which messages wait, and the checker lets each message wait for any time. Only what
//! changes a state is an action: a watch that ends, a response that is lost, a compaction, a restore of etcd.
//!
//! [`Variant`] names the mistakes for which the checker must find a counterexample. It shows that the model can fail, and
//! which rule of the protocol prevents what.
//!
//! `README.md` has a table of the steps and the functions of the code that they stand for.

mod action;
mod bounds;
mod cluster;
mod copy;
mod enabled;
mod etcd;
mod freshness;
mod node;
mod properties;
mod state;
mod steps;
mod variant;

pub use action::Action;
pub use bounds::{Bounds, Role};
pub use cluster::Cluster;
pub use etcd::{Change, Etcd, Head, History, Mark, Revision, Token};
pub use freshness::Verdict;
pub use node::{Answer, Confirm, IDS, Node, Request, Response, Source, Stage, TOKENS, Ticks, Write};
pub use properties::{ACKNOWLEDGED, AT_ONCE, BOUND, EXACT, LIVE, ONCE};
pub use state::{Fate, State};
pub use variant::Variant;

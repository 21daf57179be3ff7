//! The steps.

use crate::etcd::{Change, Revision, Token};

/// A step. The number is that of the node that takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Time passes everywhere.
    Tick,
    /// An administrator restores etcd from a backup of this revision.
    Restore(Revision),
    /// Something else raises etcd's revision.
    Foreign,
    /// A further node makes a change and acknowledges it at once.
    Elsewhere(Change),
    /// The process is suspended.
    Pause(usize),
    /// The process goes on.
    Resume(usize),
    /// Load: reads the clock.
    StartLoad(usize),
    /// Load: reads the present revision and the head.
    BeginLoad(usize),
    /// Load: reads the next page, as of that revision; the last one has the head, too.
    LoadPage(usize),
    /// Finds that nothing changed up to the present revision, and skips what is before.
    Skip(usize),
    /// Opens the watch.
    OpenWatch(usize),
    /// Compares histories.
    CheckHistory(usize),
    /// Compares them by the present head, because the earlier one was compacted.
    CheckCompacted(usize),
    /// The watch delivers an event.
    Deliver(usize),
    /// The watch ends: its stream, its leader, its member or its node's patience is gone.
    Break(usize),
    /// Reads the clock, then notes what the node knows.
    Confirm(usize),
    /// etcd answers the read of `live/head`. Without restores the earliest instant is the worst, which is that of `Confirm`.
    ReadHead(usize),
    /// The response of that read arrives, and the copy is at its revision.
    Confirmed(usize),
    /// The response is lost, or the watch is behind for too long.
    Unconfirmed(usize),
    /// A variant takes its copy for fresh.
    Presume(usize),
    /// A request with this token arrives.
    Authenticate(usize, Token),
    /// Looks the token up again, after a confirmation.
    LookUp(usize),
    /// Reads a token in etcd, because the copy may be too old.
    ReadToken(usize),
    /// Reads the clock, and accepts, rejects, or waits for a confirmation.
    Decide(usize),
    /// A client asks for this change.
    Send(usize, Change),
    /// etcd decides the transaction.
    Commit(usize),
    /// etcd's response arrives.
    Respond(usize),
    /// etcd's response is lost. The node repeats the transaction with the same mark.
    LoseResponse(usize),
    /// The node answers 503, because it did not find out the outcome in time. The client may send again.
    GiveUp(usize),
}

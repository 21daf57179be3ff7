//! How a node knows that its copy is fresh, and what it accepts and rejects.

use crate::etcd::Revision;
use crate::node::{Confirm, Node, Request, Source, Stage, Ticks};
use crate::variant::Variant;

/// What a confirmation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The copy contains every change that was acknowledged before `t0`.
    Confirmed,
    /// The watch has not delivered the head yet.
    Behind,
    /// etcd was restored.
    Replaced,
}

impl Node {
    /// The latest revision that the node knows.
    pub fn known(&self) -> Revision {
        self.own.iter().flatten().copied().fold(self.applied, Revision::max)
    }

    /// Judges a response of `live/head`. The head must be the last one that the node saw up to the revision of the
    /// response.
    pub fn verdict(&self, confirm: &Confirm, variant: Variant) -> Verdict {
        let Confirm { known, head, revision, .. } = *confirm;
        let seen = match variant {
            Variant::HeadWithoutNonce => self.heads.iter().any(|seen| seen.revision == head.revision),
            _ => self.heads.contains(&head),
        };
        let later = |seen: Revision| head.revision < seen && seen <= revision;
        let more =
            self.heads.iter().any(|seen| later(seen.revision)) || self.own.iter().flatten().any(|own| later(*own));
        if revision < known || more && variant != Variant::AnyHeadOfRing {
            Verdict::Replaced
        } else if self.applied < head.revision {
            Verdict::Behind
        } else if seen {
            Verdict::Confirmed
        } else {
            Verdict::Replaced
        }
    }

    /// Raises `fresh_until`, and lets the request look up its token again.
    pub fn confirmed(&mut self, age: Ticks, max_staleness: Ticks) {
        self.fresh = self.fresh.max(max_staleness.saturating_sub(age));
        self.confirm = None;
        if let Some(Request { stage: Stage::Waiting { served: true }, .. }) = self.request {
            self.look_up(true);
        }
    }

    /// etcd was restored: nothing of the copy counts until a load.
    pub fn replaced(&mut self) {
        self.fresh = 0;
        self.source = Source::Nowhere;
        self.drop_confirm();
    }

    /// Gives a confirmation up. The request that it would have served waits for another.
    pub fn drop_confirm(&mut self) {
        self.confirm = None;
        if let Some(Request { stage: Stage::Waiting { served }, .. }) = &mut self.request {
            *served = false;
        }
    }

    /// Reads `fresh_until`, then looks up the token. Between the two, `fresh_until` can only rise, so both at the same
    /// instant is the worst case.
    pub fn look_up(&mut self, confirmed: bool) {
        let (copy, fresh) = (self.copy, self.fresh);
        if let Some(request) = &mut self.request {
            request.stage = Stage::LookedUp { fresh, found: copy[request.token], confirmed };
        }
    }

    /// The token that the node would accept if it read the clock now.
    pub fn accepts(&self, max_staleness: Ticks, variant: Variant) -> Option<&Request> {
        let request = self.request.as_ref().filter(|_| !self.paused)?;
        let accepted = match request.stage {
            Stage::LookedUp { fresh, found, .. } => {
                found && 0 < if variant == Variant::FreshUntilReadAfterLookup { self.fresh } else { fresh }
            }
            Stage::Read { age, live } => live && (age <= max_staleness || variant == Variant::DirectReadWithoutLimit),
            Stage::Waiting { .. } => false,
        };
        accepted.then_some(request)
    }

    /// The request that the node would answer with 401 now.
    pub fn rejects(&self, variant: Variant) -> Option<&Request> {
        self.request.as_ref().filter(|request| match request.stage {
            Stage::LookedUp { found, confirmed, .. } => !found && (confirmed || variant == Variant::MissWithoutAsking),
            Stage::Read { live, .. } => !live,
            Stage::Waiting { .. } => false,
        })
    }
}

//! How a node knows that its copy is fresh, and what it accepts and rejects.

use crate::node::{Answer, Confirm, Node, Request, Source, Stage, Ticks};
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
    /// Reads the clock, and notes what the node knows.
    pub fn ask(&mut self) {
        let own = self.own.iter().flatten().copied().max().unwrap_or(0);
        let changed = self.heads.last().map_or(0, |head| head.revision).max(own);
        self.confirm = Some(Confirm { age: 0, changed, reached: self.applied.max(own), answer: None });
        if let Some(Request { stage: Stage::Waiting { served }, .. }) = &mut self.request {
            *served = true;
        }
    }

    /// Judges a response of `live/head`. The head must be the last one up to the revision of the response.
    pub fn verdict(&self, confirm: &Confirm, variant: Variant) -> Option<Verdict> {
        let Confirm { changed, reached, answer, .. } = *confirm;
        let Answer { head, revision } = answer?;
        let later = self.heads.iter().any(|other| (head.revision + 1..=revision).contains(&other.revision));
        let is_last = head.revision >= changed && !later || variant == Variant::AnyHeadOfRing;
        let found = self.heads.iter().find(|other| other.revision == head.revision);
        let is_known =
            found.map_or(head.revision > self.applied, |other| *other == head || variant == Variant::HeadWithoutNonce);
        Some(match found {
            _ if revision < reached || !is_last || !is_known => Verdict::Replaced,
            None => Verdict::Behind,
            Some(_) => Verdict::Confirmed,
        })
    }

    /// Raises `fresh_until`, and lets the request look up its token again.
    pub fn confirmed(&mut self, age: Ticks, longest: Ticks) {
        self.fresh = self.fresh.max(longest.saturating_sub(age));
        self.confirm = None;
        if let Some(Request { stage: stage @ Stage::Waiting { served: true }, .. }) = &mut self.request {
            *stage = Stage::Confirmed;
        }
    }

    /// etcd was restored: nothing of the copy counts until a load.
    pub fn replaced(&mut self, variant: Variant) {
        self.fresh = 0;
        self.source = Source::Nowhere;
        if variant == Variant::DistrustedCopyConfirmed {
            self.own.fill(None);
        } else {
            self.drop_confirm();
        }
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
    pub fn accepts(&self, longest: Ticks, variant: Variant) -> Option<&Request> {
        let request = self.request.as_ref().filter(|_| !self.paused)?;
        let accepted = match request.stage {
            Stage::LookedUp { fresh, found, .. } => {
                found && 0 < if variant == Variant::FreshUntilReadAfterLookup { self.fresh } else { fresh }
            }
            Stage::Read { age, live } => live && (age <= longest || variant == Variant::DirectReadWithoutLimit),
            Stage::Waiting { .. } | Stage::Confirmed => false,
        };
        accepted.then_some(request)
    }

    /// The request that the node would answer with 401 now.
    pub fn rejects(&self, variant: Variant) -> Option<&Request> {
        self.request.as_ref().filter(|request| match request.stage {
            Stage::LookedUp { fresh, found, confirmed } => {
                !found && (confirmed && fresh > 0 || variant == Variant::MissWithoutAsking)
            }
            Stage::Read { live, .. } => !live,
            Stage::Waiting { .. } | Stage::Confirmed => false,
        })
    }
}

//! How a node's copy changes: load, watch, and the node's own changes.

use crate::etcd::{Change, Etcd, Head, Revision, id_of, other_of};
use crate::node::{Node, Source, TOKENS, Ticks, Write};
use crate::variant::Variant;

impl Node {
    /// Starts a load. What the node did before will be in the snapshot, unless etcd was restored; either way the overlay
    /// ends. A confirmation in flight compares heads that the node forgets, so it ends too.
    pub fn start_load(&mut self, variant: Variant) {
        let watch = self.watch();
        if watch.is_none() {
            self.drop_confirm();
        }
        if variant != Variant::OverlayOutlivesLoad {
            self.own.fill(None);
        }
        self.source = Source::Started { age: 0, watch };
    }

    /// Reads the present revision and the head.
    pub fn begin_load(&mut self, etcd: &Etcd) {
        let (Source::Started { age, watch }, at) = (self.source, etcd.present.revision()) else { return };
        let Some(head) = etcd.present.head_at(at) else { return };
        for own in &mut self.own {
            own.take_if(|own| *own <= at);
        }
        self.source = Source::Begun { age, at, head, loaded: 0, watch };
    }

    /// Reads the page of the next ID, at the revision of the load. After a restore that revision can lie in the future; etcd
    /// then fails the read, and the load starts again. The last page has the head too, which must be that of the beginning.
    pub fn load_page(&mut self, etcd: &Etcd, pages: usize, longest: Ticks, variant: Variant) {
        let Source::Begun { age, at, head, loaded, watch } = self.source else { return };
        if at > etcd.present.revision() {
            self.source = Source::Nowhere;
            return;
        }
        if self.own[loaded].is_none() {
            for token in (0..TOKENS).filter(|token| id_of(*token) == loaded) {
                self.copy[token] = etcd.present.is_live_at(token, at);
            }
        }
        if loaded + 1 < pages {
            self.source = Source::Begun { age, at, head, loaded: loaded + 1, watch };
            return;
        }
        let last = etcd.present.head_at(at);
        if last != Some(head) && variant != Variant::PagesOfTwoHistories {
            return self.replaced(variant);
        }
        self.applied = at;
        self.heads = last.into_iter().collect();
        self.fresh = longest.saturating_sub(age);
        self.source = Source::Loaded;
    }

    /// Skips revisions that changed no token.
    pub fn skip(&mut self, etcd: &Etcd) {
        self.applied = self.applied.max(etcd.present.revision());
    }

    /// Whether there is something to skip.
    pub fn can_skip(&self, etcd: &Etcd) -> bool {
        let now = etcd.present.revision();
        self.own == [None; 2] && now > self.applied && etcd.present.head_at(now) == self.heads.last().copied()
    }

    /// Opens a watch of the revisions after `applied`.
    pub fn open_watch(&mut self, etcd: &Etcd, variant: Variant) {
        self.source = match variant {
            Variant::WatchWithoutRevision => {
                self.applied = etcd.present.revision();
                Source::Watching { era: etcd.era }
            }
            Variant::WatchWithoutHistoryCheck | Variant::HistoryCheckBeforeWatch => Source::Watching { era: etcd.era },
            _ => Source::Opened { era: etcd.era },
        };
    }

    /// Compares histories: `live/head` as it was at `applied` must have the nonce that the node saw last. If that was
    /// compacted, the present one must have it, at a revision that is not earlier.
    pub fn check_history(&mut self, etcd: &Etcd, is_compacted: bool, variant: Variant) {
        let (present, last, now) = (&etcd.present, self.heads.last().copied(), etcd.present.revision());
        let revision = match variant {
            _ if is_compacted => now,
            Variant::HistoryCheckAtHead => last.map_or(0, |head| head.revision),
            Variant::FutureTakenForCompacted => self.applied.min(now),
            _ => self.applied,
        };
        let is_future = self.applied > now && variant != Variant::FutureTakenForCompacted;
        let is_future = is_future && variant != Variant::HistoryCheckAtHead;
        self.source = match (present.head_at(revision) == last && !is_future, self.source) {
            (true, Source::Opened { era }) => Source::Watching { era },
            (true, _) => Source::Verified,
            (false, _) => return self.replaced(variant),
        };
    }

    /// The era of the watch whose events the node applies.
    pub fn watch(&self) -> Option<usize> {
        match self.source {
            Source::Watching { era } => Some(era),
            Source::Started { watch, .. } | Source::Begun { watch, .. } => watch,
            _ => None,
        }
    }

    /// Applies one event. If the watch passes the revision of an own change without showing it, etcd was restored.
    pub fn apply(&mut self, head: Head, change: Change, variant: Variant) {
        let Some(id) = change.token().map(id_of) else { return };
        self.heads.push(head);
        let own = self.own[id];
        let is_own = own == Some(head.revision);
        if is_own || variant == Variant::OverlayWithoutCheck && own.is_some_and(|own| own < head.revision) {
            self.own[id] = None;
        }
        let skipped = own.is_some_and(|own| own > head.revision) || is_own && variant == Variant::OwnRevisionSkipped;
        if !skipped || variant == Variant::NoOverlay {
            self.show(change);
        }
        if self.own.iter().flatten().any(|own| *own <= head.revision) && variant != Variant::OverlayWithoutCheck {
            return self.replaced(variant);
        }
        self.applied = head.revision;
    }

    /// Applies the node's own change to its copy. A copy that is not older must have the change already. If it has another token
    /// instead, etcd was restored: the token is removed, and the copy is distrusted unless a load is about to replace it.
    pub fn apply_own(&mut self, change: Change, revision: Revision, variant: Variant) {
        let Some((token, id)) = change.token().map(|token| (token, id_of(token))) else { return };
        let has_another = self.copy[other_of(token)] || self.copy[token] && change.put().is_none();
        let (included, reflected) = match self.source {
            _ if variant == Variant::LateCreationDuringLoad => (self.applied, Some(self.applied)),
            Source::Started { .. } => (0, None),
            Source::Begun { at, .. } if variant == Variant::LoadKeepsRevision => (at.max(self.applied), None),
            Source::Begun { at, loaded, .. } => (at, Some(at).filter(|_| id < loaded)),
            _ => (self.applied, Some(self.applied)),
        };
        let is_news = revision > included && self.own[id].is_none_or(|own| own < revision);
        if is_news {
            self.own[id] = Some(revision);
        }
        if is_news && revision > self.applied || variant == Variant::LateCreationApplied {
            return self.show(change);
        }
        let is_put = change.put().is_some();
        if has_another && !(is_put && variant == Variant::LateRegenerationIgnored) {
            self.copy[token] = false;
            self.copy[other_of(token)] = false;
            let is_other_history = reflected.is_some_and(|reflected| revision <= reflected);
            if is_other_history && variant != Variant::LateAnswerTrusted {
                self.replaced(variant);
            }
        }
    }

    fn show(&mut self, change: Change) {
        if let Some(token) = change.token() {
            self.copy[token] = change.put().is_some();
            self.copy[other_of(token)] = false;
        }
    }

    /// Sends the transaction again.
    pub(crate) fn repeat(&mut self) {
        if let Some(Write { response, .. }) = &mut self.write {
            *response = None;
        }
    }
}

//! How a node's copy changes: load, watch, and the node's own changes.

use std::mem;

use crate::etcd::{Change, Etcd, Head, Revision, TokenId};
use crate::node::{Node, Source, TOKENS, Write};
use crate::variant::Variant;

impl Node {
    /// Reads the head and the first page of `live/`, which has the last token. What the node did itself before is in the
    /// snapshot, unless etcd was restored; either way the overlay ends. A confirmation in flight compares heads that the
    /// node forgets, so it ends too.
    pub fn start_load(&mut self, etcd: &Etcd, tokens: usize) {
        let Some(head) = etcd.present.head_at(etcd.present.revision()) else { return };
        let revision = etcd.present.revision();
        self.own = [None; TOKENS];
        let watch = match self.source {
            Source::Watching { era } => Some(era),
            _ => None,
        };
        if watch.is_none() {
            self.drop_confirm();
        }
        self.source = Source::FirstPage { revision, head, watch };
        self.merge_page(etcd, tokens - 1, revision);
        if tokens == 1 {
            self.finish_load(revision, head);
        }
    }

    /// Reads the second page, which has token 0, at the revision of the first. After a restore that revision can lie in
    /// the future; etcd then fails the read, and the load begins again.
    pub fn load_second_page(&mut self, etcd: &Etcd) {
        let Source::FirstPage { revision, head, .. } = self.source else { return };
        if revision > etcd.present.revision() {
            self.source = Source::Nowhere;
            return;
        }
        self.merge_page(etcd, 0, revision);
        self.finish_load(revision, head);
    }

    fn merge_page(&mut self, etcd: &Etcd, token: TokenId, revision: Revision) {
        if self.own[token].is_none_or(|own| own <= revision) {
            self.copy[token] = etcd.present.is_live_at(token, revision);
        }
    }

    fn finish_load(&mut self, revision: Revision, head: Head) {
        self.applied = revision;
        self.heads = vec![head];
        self.source = Source::Loaded;
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

    /// Compares histories: `live/head` as it was at `applied` must have the nonce that the node saw last.
    pub fn check_history(&mut self, etcd: &Etcd, variant: Variant) {
        let last = self.heads.last().copied();
        let revision = match variant {
            Variant::HistoryCheckAtHead => last.map_or(0, |head| head.revision),
            _ => self.applied,
        };
        self.source = match (etcd.present.head_at(revision) == last, self.source) {
            (true, Source::Opened { era }) => Source::Watching { era },
            (true, _) => Source::Verified,
            (false, _) => return self.replaced(),
        };
    }

    /// The era of the watch whose events the node applies.
    pub fn watch(&self) -> Option<usize> {
        match self.source {
            Source::Watching { era } => Some(era),
            Source::FirstPage { watch, .. } => watch,
            _ => None,
        }
    }

    /// Applies one event. If the watch passes the revision of an own change without showing it, etcd was restored.
    pub fn apply(&mut self, head: Head, change: Change, variant: Variant) {
        let (token, live) = match change {
            Change::Create(token) => (token, true),
            Change::Delete(token, _) => (token, false),
            Change::Foreign => return,
        };
        for other in 0..TOKENS {
            let missed = |own| own < head.revision || own == head.revision && other != token;
            if self.own[other].is_some_and(missed) && variant != Variant::OverlayWithoutCheck {
                return self.replaced();
            }
        }
        if variant == Variant::NoOverlay || self.own[token].is_none_or(|own| own <= head.revision) {
            self.copy[token] = live;
            self.own[token] = None;
        }
        self.applied = head.revision;
        self.heads.push(head);
    }

    /// Applies the node's own change to its copy. A creation counts only if the copy is older: a later copy has it, or has
    /// its deletion. A deletion always counts; if a later copy has the token nevertheless, etcd was restored. While a load
    /// goes on, the copy is as old as the snapshot.
    pub fn apply_own(&mut self, change: Change, revision: Revision, variant: Variant) {
        let (copied, loading) = match self.source {
            Source::FirstPage { revision, .. } if variant != Variant::LateCreationDuringLoad => (revision, true),
            _ => (self.applied, false),
        };
        let news = revision > copied;
        match change {
            Change::Create(token) if news || variant == Variant::LateCreationApplied => self.copy[token] = true,
            Change::Delete(token, _) => {
                let had = mem::replace(&mut self.copy[token], false);
                if had && !news && !loading {
                    return self.replaced();
                }
            }
            _ => {}
        }
        if let (true, Change::Create(token) | Change::Delete(token, _)) = (news, change) {
            self.own[token] = Some(revision);
        }
    }

    /// Sends the transaction again. A creation has no mark: the node gives it up, and the snapshot or the watch shows it.
    pub(crate) fn repeat(&mut self) {
        self.write = self.write.take().and_then(|write| match write.change {
            Change::Delete(..) => Some(Write { response: None, ..write }),
            _ => None,
        });
    }
}

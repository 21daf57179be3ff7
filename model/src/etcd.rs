//! etcd as the nodes see it: one linearizable history of revisions, which a restore replaces.

use std::sync::Arc;

/// A number of etcd's revision. The first transaction makes revision 1.
pub type Revision = usize;

/// A token: a secret with an ID. An ID has at most one live token. It gets another one when the operator's secret is
/// regenerated, and when the ID is given again after a restore of etcd.
pub type Token = usize;

/// The ID of a token: tokens 0 and 1 have ID 0, tokens 2 and 3 have ID 1.
pub(crate) fn id_of(token: Token) -> usize {
    token / 2
}

/// The other token that has the ID of this one.
pub(crate) fn other_of(token: Token) -> Token {
    token ^ 1
}

/// What one transaction changed. Each kind but `Foreign` also puts a new nonce into `live/head`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    /// Puts `live/ID`.
    Create(Token),
    /// Puts another secret into `live/ID`, in place of the one that is live.
    Regenerate(Token),
    /// Deletes `live/ID` and puts this mark into `deleted/ID`.
    Delete(Token, Mark),
    /// Raises the revision without a change of tokens, as a minute of last use or another program's key does.
    Foreign,
}

/// The idempotency mark of a client's deletion. A client's retry has the same mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// The first client's.
    First,
    /// The second client's.
    Second,
}

/// A value of `live/head`. A nonce occurs once, so it is the pair of a revision and the era that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Head {
    /// The revision that put the nonce.
    pub revision: Revision,
    /// How many restores preceded the transaction. A node cannot see it; it makes two nonces different.
    pub era: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Entry {
    change: Change,
    era: usize,
}

/// The transactions since the beginning; entry `i` made revision `i + 1`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct History(Arc<Vec<Entry>>);

impl History {
    /// The present revision, as the header of a response has it.
    pub fn revision(&self) -> Revision {
        self.0.len()
    }

    /// `live/head` at a revision; `None` if the revision is in the future, or the first change of tokens is later.
    pub fn head_at(&self, revision: Revision) -> Option<Head> {
        let entries = self.0.get(..revision)?;
        let last = entries.iter().rposition(|entry| entry.change != Change::Foreign)?;
        Some(Head { revision: last + 1, era: entries[last].era })
    }

    /// Whether `live/ID` has this token at a revision.
    pub fn is_live_at(&self, token: Token, revision: Revision) -> bool {
        let mut changes = self.0[..revision].iter().rev().map(|entry| entry.change);
        let last = changes.find(|change| change.token().is_some_and(|changed| id_of(changed) == id_of(token)));
        last.is_some_and(|change| change.put() == Some(token))
    }

    /// Whether `live/ID` has this token now.
    pub fn is_live(&self, token: Token) -> bool {
        self.is_live_at(token, self.revision())
    }

    /// The revision that put the token.
    pub fn put(&self, token: Token) -> Option<Revision> {
        self.0.iter().position(|entry| entry.change.put() == Some(token)).map(|index| index + 1)
    }

    /// The revision and the mark of `deleted/ID`.
    pub fn deletion(&self, token: Token) -> Option<(Revision, Mark)> {
        self.0.iter().enumerate().find_map(|(index, entry)| match entry.change {
            Change::Delete(deleted, mark) if deleted == token => Some((index + 1, mark)),
            _ => None,
        })
    }

    /// Whether the token was ever live.
    pub fn knows(&self, token: Token) -> bool {
        self.put(token).is_some()
    }

    /// The first change of tokens after a revision: the next event of a watch of `live/`.
    pub fn event_after(&self, revision: Revision) -> Option<(Head, Change)> {
        let later = self.0.iter().enumerate().skip(revision);
        let (index, entry) = later.into_iter().find(|(_, entry)| entry.change != Change::Foreign)?;
        Some((Head { revision: index + 1, era: entry.era }, entry.change))
    }
}

impl Change {
    /// The token that it puts or deletes.
    pub(crate) fn token(self) -> Option<Token> {
        match self {
            Self::Create(token) | Self::Regenerate(token) | Self::Delete(token, _) => Some(token),
            Self::Foreign => None,
        }
    }

    /// The token that is live afterwards.
    pub(crate) fn put(self) -> Option<Token> {
        match self {
            Self::Create(token) | Self::Regenerate(token) => Some(token),
            Self::Delete(..) | Self::Foreign => None,
        }
    }

    /// The token whose secret must not be accepted any more, and the mark of a deletion.
    pub(crate) fn ended(self) -> Option<(Token, Option<Mark>)> {
        match self {
            Self::Delete(token, mark) => Some((token, Some(mark))),
            Self::Regenerate(token) => Some((other_of(token), None)),
            Self::Create(_) | Self::Foreign => None,
        }
    }
}

/// The members of etcd together. A member that lags is a watch whose events come late, so it needs no state of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Etcd {
    /// The history that answers reads and transactions.
    pub present: History,
    /// The history before the restore, while a connection of that time may still deliver its events.
    pub replaced: Option<History>,
    /// How many restores there were.
    pub era: usize,
}

impl Etcd {
    /// A cluster in which token 0 was created.
    pub fn new() -> Self {
        let mut etcd = Self { present: History::default(), replaced: None, era: 0 };
        etcd.commit(Change::Create(0));
        etcd
    }

    /// Commits a transaction and returns its revision.
    pub fn commit(&mut self, change: Change) -> Revision {
        Arc::make_mut(&mut self.present.0).push(Entry { change, era: self.era });
        self.present.revision()
    }

    /// Replaces the history with a backup of this revision. If `late`, what connections hold in flight still arrives.
    pub fn restore(&mut self, backup: Revision, late: bool) {
        self.replaced = late.then(|| self.present.clone());
        Arc::make_mut(&mut self.present.0).truncate(backup);
        self.era += 1;
    }

    /// The history whose events a connection of an era delivers.
    pub fn history_of(&self, era: usize) -> Option<&History> {
        if era == self.era { Some(&self.present) } else { self.replaced.as_ref() }
    }
}

impl Default for Etcd {
    fn default() -> Self {
        Self::new()
    }
}

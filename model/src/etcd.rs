//! etcd as the nodes see it: one linearizable history of revisions, which a restore replaces.

/// A number of etcd's revision. The first transaction makes revision 1.
pub type Revision = usize;

/// A token, and its bit in a set of tokens.
pub type TokenId = usize;

/// What one transaction changed. Each kind but `Foreign` also puts a new nonce into `live/head`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    /// Puts `live/ID`.
    Create(TokenId),
    /// Deletes `live/ID` and puts this mark into `deleted/ID`.
    Delete(TokenId, Mark),
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
pub struct History(Vec<Entry>);

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

    /// Whether `live/ID` exists at a revision.
    pub fn is_live_at(&self, token: TokenId, revision: Revision) -> bool {
        let change =
            self.0[..revision].iter().rev().map(|entry| entry.change).find(|change| change.token() == Some(token));
        matches!(change, Some(Change::Create(_)))
    }

    /// Whether `live/ID` exists now.
    pub fn is_live(&self, token: TokenId) -> bool {
        self.is_live_at(token, self.revision())
    }

    /// The revision and the mark of `deleted/ID`.
    pub fn deletion(&self, token: TokenId) -> Option<(Revision, Mark)> {
        self.0.iter().enumerate().find_map(|(index, entry)| match entry.change {
            Change::Delete(deleted, mark) if deleted == token => Some((index + 1, mark)),
            _ => None,
        })
    }

    /// Whether the token was ever created.
    pub fn knows(&self, token: TokenId) -> bool {
        self.0.iter().any(|entry| entry.change == Change::Create(token))
    }

    /// The first change of tokens after a revision: the next event of a watch of `live/`.
    pub fn event_after(&self, revision: Revision) -> Option<(Head, Change)> {
        let later = self.0.iter().enumerate().skip(revision);
        let (index, entry) = later.into_iter().find(|(_, entry)| entry.change != Change::Foreign)?;
        Some((Head { revision: index + 1, era: entry.era }, entry.change))
    }
}

impl Change {
    fn token(self) -> Option<TokenId> {
        match self {
            Self::Create(token) | Self::Delete(token, _) => Some(token),
            Self::Foreign => None,
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
        self.present.0.push(Entry { change, era: self.era });
        self.present.revision()
    }

    /// Replaces the history with a backup of this revision. If `late`, what connections hold in flight still arrives.
    pub fn restore(&mut self, backup: Revision, late: bool) {
        self.replaced = late.then(|| self.present.clone());
        self.present.0.truncate(backup);
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

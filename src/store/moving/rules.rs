//! What the changes of one file must be together, so that they make a store.

use std::collections::HashSet;

use super::{Moved, MovedChange};
use crate::store::AuditedChange;
use crate::token::{Digest, TokenId, TokenName};

/// Checks changes, one after the other.
pub(super) struct Rules {
    moved: Moved,
    changes: u64,
    /// Of each ID before the next one, from that of the operator token on.
    states: Vec<State>,
    names: HashSet<TokenName>,
    digests: HashSet<Digest>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Neither created nor deleted so far.
    Unknown,
    /// Created, and live in the end.
    Live,
    /// Created, and to be deleted.
    Doomed,
    Deleted,
    /// Deleted, and not created so far: its creation may be unknown, or later by a clock that was set back.
    Lost,
}

impl Rules {
    /// The rules for a file that says that it has so much. `None` if it could not.
    pub(super) fn new(moved: Moved) -> Option<Self> {
        let ids = usize::try_from(moved.next_id.as_u64()).ok()?;
        // Each ID was given by a creation, or is at least known by its deletion.
        let is_possible = ids >= 1 && ids as u64 - 1 <= moved.changes && moved.tokens <= moved.changes;
        let states = if is_possible { vec![State::Unknown; ids] } else { return None };
        Some(Self { moved, changes: 0, states, names: HashSet::new(), digests: HashSet::new() })
    }

    /// Checks the next change. The error says what is wrong with it.
    pub(super) fn check(&mut self, change: &MovedChange) -> Result<(), &'static str> {
        self.changes += 1;
        let id = change.record.token;
        let state = usize::try_from(id.as_u64()).ok().and_then(|id| self.states.get_mut(id));
        let state = state.ok_or("an ID is not before the next one")?;
        let is_operator = id == TokenId::OPERATOR;
        match (change.record.change, *state) {
            (AuditedChange::Created, State::Unknown) => {
                let is_named_so = change.record.name.as_ref().is_some_and(TokenName::is_operator);
                if is_operator != is_named_so || (is_operator && change.token.is_none()) {
                    return Err("the operator token is another one");
                }
                *state = if change.token.is_some() { State::Live } else { State::Doomed };
                if let Some(token) = &change.token {
                    let is_new = self.names.insert(token.name.clone()) && self.digests.insert(token.digest);
                    return if is_new { Ok(()) } else { Err("two live tokens have the same name or digest") };
                }
                Ok(())
            }
            (AuditedChange::Created, State::Lost) if change.token.is_none() => {
                *state = State::Deleted;
                Ok(())
            }
            (AuditedChange::Deleted, State::Unknown | State::Doomed) if !is_operator => {
                if change.record.by.is_none() {
                    return Err("a deletion does not say who requested it");
                }
                *state = if *state == State::Doomed { State::Deleted } else { State::Lost };
                Ok(())
            }
            (AuditedChange::Regenerated, State::Live) if is_operator => Ok(()),
            _ => Err("it cannot follow those before it"),
        }
    }

    /// Checks what can be told once all changes are known. The error says what is wrong.
    pub(super) fn finish(self) -> Result<(), &'static str> {
        if self.changes != self.moved.changes {
            return Err("the number of changes is another one than its beginning says");
        }
        if self.names.len() as u64 != self.moved.tokens {
            return Err("the number of tokens is another one than its beginning says");
        }
        let is_decided = |state: &State| matches!(state, State::Live | State::Deleted | State::Lost);
        if self.states.iter().skip(1).all(is_decided) {
            Ok(())
        } else {
            Err("some tokens are neither live nor deleted")
        }
    }
}

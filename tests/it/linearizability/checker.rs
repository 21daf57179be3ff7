//! Decides whether a history is linearizable: whether its calls could have been made one after the other, each at some
//! moment between its beginning and its end, with the same outcomes.
//!
//! The search goes back to Wing and Gong (1993), with Lowe's memory of what was tried (2017).

use std::collections::HashSet;

use influxdb3_tokens::{Digest, TokenId};

/// A call with its outcome. Times are numbers that count up.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) began: u64,
    pub(crate) ended: u64,
    pub(crate) request: Request,
    pub(crate) outcome: Outcome,
}

/// A token whose secret a request presented.
pub(crate) type Actor = (TokenId, Digest);

#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// `None` as the digest: the store's answer tells it.
    Create {
        by: Option<Actor>,
        name: String,
        digest: Option<Digest>,
    },
    Delete {
        by: Actor,
        id: TokenId,
    },
    DeleteByName {
        by: Actor,
        name: String,
    },
    Regenerate {
        by: Option<Actor>,
    },
    Authenticate {
        digest: Digest,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Created(TokenId, Digest),
    NameTaken,
    Deleted(TokenId),
    NotFound,
    Regenerated(Digest),
    Unauthorized,
    /// The token that was authenticated.
    Principal(Option<TokenId>),
}

/// The tokens, in the order of their IDs from `first` on, and the operator token's digest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) operator: Digest,
    pub(crate) first: u64,
    pub(crate) tokens: Vec<Option<(String, Digest)>>,
}

/// The orders that have been tried: which calls have been made, and what they led to.
type Tried = HashSet<(u128, State)>;

/// Whether `calls`, at most 128, are linearizable if the tokens were in this state before.
pub(crate) fn is_linearizable(state: &State, calls: &[Call]) -> bool {
    assert!(calls.len() <= 128);
    search(state.clone(), calls, 0, &mut Tried::new())
}

fn search(mut state: State, calls: &[Call], mut made: u128, tried: &mut Tried) -> bool {
    loop {
        let waiting = || (0..calls.len()).filter(|call| made & 1 << call == 0);
        // A call that ended before another one began was made before it.
        let Some(first_end) = waiting().map(|call| calls[call].ended).min() else { return true };
        let next: Vec<_> = waiting().filter(|call| calls[*call].began < first_end).collect();
        // A call that changes nothing is made as soon as it can be.
        let read = next.iter().find(|call| state.after(&calls[**call]).as_ref() == Some(&state));
        if let Some(call) = read {
            made |= 1 << call;
            continue;
        }
        if !tried.insert((made, state.clone())) {
            return false;
        }
        let mut branches: Vec<_> = next.iter().filter_map(|call| Some((*call, state.after(&calls[*call])?))).collect();
        let Some((last, after)) = branches.pop() else { return false };
        for (call, after) in branches {
            if search(after, calls, made | 1 << call, tried) {
                return true;
            }
        }
        (state, made) = (after, made | 1 << last);
    }
}

impl State {
    /// The state after a call, if it has this outcome.
    fn after(&self, call: &Call) -> Option<Self> {
        use Outcome::{Created, Deleted, NameTaken, NotFound, Principal, Regenerated, Unauthorized};
        let Call { request, outcome, .. } = call;
        let (by, unchanged) = (request.by(), || Some(self.clone()));
        if by.is_some_and(|(id, digest)| self.digest(id) != Some(digest)) {
            return if *outcome == Unauthorized { unchanged() } else { None };
        }
        match (request, outcome) {
            (Request::Create { name, .. }, NameTaken) => self.named(name).and_then(|_| unchanged()),
            (Request::Create { name, digest, .. }, Created(id, given)) => {
                let is_next = *id == self.id(self.tokens.len()) && digest.is_none_or(|digest| digest == *given);
                let mut after = self.clone();
                after.tokens.push(Some((name.clone(), *given)));
                (is_next && self.named(name).is_none()).then_some(after)
            }
            (Request::Delete { id, .. }, NotFound) => self.digest(*id).is_none().then(|| self.clone()),
            (Request::Delete { id, .. }, Deleted(deleted)) => (id == deleted).then(|| self.without(*id))?,
            (Request::DeleteByName { name, .. }, NotFound) => self.named(name).is_none().then(|| self.clone()),
            (Request::DeleteByName { name, .. }, Deleted(id)) => {
                (self.named(name) == Some(*id)).then(|| self.without(*id))?
            }
            (Request::Regenerate { .. }, Regenerated(digest)) => Some(Self { operator: *digest, ..self.clone() }),
            (Request::Authenticate { digest }, Principal(id)) => (self.holder(*digest) == *id).then(|| self.clone()),
            _ => None,
        }
    }

    fn id(&self, index: usize) -> TokenId {
        TokenId::from_u64(self.first + index as u64)
    }

    fn index(&self, id: TokenId) -> Option<usize> {
        usize::try_from(id.as_u64().checked_sub(self.first)?).ok()
    }

    fn digest(&self, id: TokenId) -> Option<Digest> {
        if id == TokenId::OPERATOR {
            return Some(self.operator);
        }
        self.tokens.get(self.index(id)?)?.as_ref().map(|(_, digest)| *digest)
    }

    fn find(&self, is_match: impl Fn(&(String, Digest)) -> bool) -> Option<TokenId> {
        let index = self.tokens.iter().position(|token| token.as_ref().is_some_and(&is_match))?;
        Some(self.id(index))
    }

    fn named(&self, name: &str) -> Option<TokenId> {
        self.find(|(other, _)| other == name)
    }

    fn holder(&self, digest: Digest) -> Option<TokenId> {
        if digest == self.operator { Some(TokenId::OPERATOR) } else { self.find(|(_, other)| *other == digest) }
    }

    fn without(&self, id: TokenId) -> Option<Self> {
        let mut after = self.clone();
        let index = self.index(id)?;
        after.tokens.get_mut(index)?.take()?;
        Some(after)
    }
}

impl Request {
    fn by(&self) -> Option<Actor> {
        match self {
            Self::Create { by, .. } | Self::Regenerate { by } => *by,
            Self::Delete { by, .. } | Self::DeleteByName { by, .. } => Some(*by),
            Self::Authenticate { .. } => None,
        }
    }
}

mod tests {
    use super::*;

    const A: Actor = (TokenId::from_u64(1), digest(1));
    const B: Actor = (TokenId::from_u64(2), digest(2));
    const OPERATOR: Actor = (TokenId::OPERATOR, digest(0));

    const fn digest(byte: u8) -> Digest {
        Digest::from_bytes([byte; 64])
    }

    /// Two tokens, named `a` and `b`.
    fn state() -> State {
        let token = |name: &str, (_, digest): Actor| Some((name.to_owned(), digest));
        State { operator: OPERATOR.1, first: 1, tokens: vec![token("a", A), token("b", B)] }
    }

    fn call(began: u64, ended: u64, request: Request, outcome: Outcome) -> Call {
        Call { began, ended, request, outcome }
    }

    fn delete(by: Actor, token: Actor) -> Request {
        Request::Delete { by, id: token.0 }
    }

    fn by_name(name: &str) -> Request {
        Request::DeleteByName { by: OPERATOR, name: name.to_owned() }
    }

    fn create(name: &str) -> Request {
        Request::Create { by: None, name: name.to_owned(), digest: None }
    }

    fn authenticate((_, digest): Actor) -> Request {
        Request::Authenticate { digest }
    }

    /// Checks that two calls are linearizable if they overlap, and not if one ends before the other begins.
    fn only_if_they_overlap(first: (Request, Outcome), second: (Request, Outcome)) {
        for (began, expected) in [(2, true), (4, false)] {
            let (first, second) = (first.clone(), second.clone());
            let calls = [call(1, 3, first.0, first.1), call(began, 5, second.0, second.1)];
            assert_eq!(is_linearizable(&state(), &calls), expected, "{calls:?}");
        }
    }

    #[test]
    fn a_call_takes_effect_while_it_is_under_way() {
        use Outcome::{Created, Deleted, NameTaken, NotFound, Principal, Regenerated, Unauthorized};
        let (third, new) = (TokenId::from_u64(3), digest(9));
        only_if_they_overlap((delete(OPERATOR, A), Deleted(A.0)), (authenticate(A), Principal(Some(A.0))));
        only_if_they_overlap((delete(OPERATOR, A), Deleted(A.0)), (create("a"), NameTaken));
        only_if_they_overlap((by_name("a"), Deleted(A.0)), (delete(A, B), Deleted(B.0)));
        only_if_they_overlap((delete(OPERATOR, A), NotFound), (delete(OPERATOR, A), Deleted(A.0)));
        only_if_they_overlap((create("c"), Created(third, new)), (by_name("c"), NotFound));
        only_if_they_overlap((create("c"), Created(third, new)), (authenticate((third, new)), Principal(None)));
        only_if_they_overlap((delete(A, B), Unauthorized), (delete(A, A), Deleted(A.0)));
        let regenerate = || Request::Regenerate { by: Some(OPERATOR) };
        only_if_they_overlap((regenerate(), Regenerated(new)), (delete(OPERATOR, A), Deleted(A.0)));
        only_if_they_overlap((regenerate(), Regenerated(new)), (authenticate(OPERATOR), Principal(Some(OPERATOR.0))));
    }

    #[test]
    fn what_no_order_explains_is_not_linearizable() {
        use Outcome::{Created, Deleted, NameTaken, NotFound, Principal, Regenerated, Unauthorized};
        let (third, fourth) = (TokenId::from_u64(3), TokenId::from_u64(4));
        for calls in [
            vec![(delete(OPERATOR, A), Deleted(A.0)), (by_name("a"), Deleted(A.0))],
            vec![(delete(OPERATOR, A), NotFound)],
            vec![(delete(OPERATOR, A), Unauthorized)],
            vec![(by_name("b"), Deleted(A.0))],
            vec![(create("a"), Created(third, digest(9)))],
            vec![(create("c"), NameTaken)],
            vec![(create("c"), Created(fourth, digest(9)))],
            vec![(create("c"), Created(third, digest(8))), (create("d"), Created(third, digest(9)))],
            vec![(authenticate(A), Principal(Some(B.0)))],
            vec![(delete(A, B), Deleted(B.0)), (delete(B, A), Deleted(A.0))],
            vec![
                (Request::Regenerate { by: Some(OPERATOR) }, Regenerated(digest(8))),
                (Request::Regenerate { by: Some(OPERATOR) }, Regenerated(digest(9))),
            ],
            // Seen, gone, and seen again by one thread, with a single deletion.
            vec![(delete(OPERATOR, A), Deleted(A.0)), (authenticate(A), Principal(None)), (create("a"), NameTaken)],
        ] {
            // All at once, except the last case, whose reads follow each other.
            let calls = calls.into_iter().enumerate().map(|(number, (request, outcome))| {
                let began = if number == 2 { 50 } else { 0 };
                call(began, if number == 1 { 49 } else { 100 }, request, outcome)
            });
            assert!(!is_linearizable(&state(), &calls.collect::<Vec<_>>()));
        }
    }

    #[test]
    fn an_order_is_found_however_many_calls_overlap() {
        use Outcome::{Created, Deleted};
        let id = |number: u8| TokenId::from_u64(2 + u64::from(number));
        let mut calls: Vec<_> = (1..=60)
            .flat_map(|number| {
                let created = Created(id(number), digest(number + 100));
                [(create("c"), created), (by_name("c"), Deleted(id(number)))]
            })
            .map(|(request, outcome)| call(0, 1000, request, outcome))
            .collect();
        calls.reverse();
        assert!(is_linearizable(&state(), &calls));
        calls.push(call(0, 1000, by_name("c"), Deleted(id(60))));
        assert!(!is_linearizable(&state(), &calls));
    }
}

//! A catalog over SQLite against a model in a map: creations, deletions, regenerations, some of them together, a clock
//! that moves, and between them restarts and crashes. After each step, every secret is accepted or refused as the model
//! says.
#![no_main]

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arbitrary::Arbitrary;
use futures::future::{BoxFuture, FutureExt, join_all};
use influxdb3_tokens::{
    Catalog, Clock, CreateError, DeleteError, NewToken, Permissions, Principal, RegenerateError, SqliteStore,
    Timestamp, TokenId,
};
use influxdb3_tokens_fuzz::{block_on, folder, secret, token};
use tempfile::TempDir;

const STEPS: usize = 64;
const SECRETS: u8 = 12;
const NAMES: [&str; 6] = ["_admin", "a", "b", "c", "ci / döner", "d"];
const PERMISSIONS: [&str; 4] = ["*:*:*", "db:a:read", "db:a:read,write system:*:read", "*:*:*"];
const OPERATOR: u64 = 0;

#[derive(Arbitrary, Debug)]
enum Step {
    One(Change),
    /// Many that may share a commit, on behalf of the operator token.
    Together(Vec<Change>),
    Regenerate,
    Page {
        after: Option<u8>,
        limit: u8,
    },
    /// Seconds go by.
    Wait(u8),
    Restart,
    /// The machine goes on with copies of the files as they are.
    Crash,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Change {
    Create { name: u8, secret: u8, permissions: u8, lifetime: Option<u8> },
    Delete { by: u8, id: u8 },
    DeleteByName { by: u8, name: u8 },
}

libfuzzer_sys::fuzz_target!(|steps: Vec<Step>| {
    let mut trial = Trial::new();
    for step in steps.into_iter().take(STEPS) {
        trial.step(step);
        trial.check();
    }
    trial.restart();
    trial.check();
});

#[derive(Debug, Default)]
struct Hands(AtomicU64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed)).expect("it is not the year 9999")
    }
}

/// What the laws of stores say the tokens are.
#[derive(Default)]
struct Model {
    now: u64,
    tokens: BTreeMap<u64, Token>,
    /// The number of tokens that were created, without the operator token.
    created: u64,
    /// Every secret that a token had and has no more.
    spent: HashSet<String>,
}

#[derive(Clone)]
struct Token {
    name: &'static str,
    secret: String,
    permissions: Permissions,
    expires: Option<u64>,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Done(u64),
    NameTaken,
    SecretTaken,
    SecretDeleted,
    InvalidOperator,
    NotAdmin,
    NotFound,
    Operator,
}

struct Trial {
    folder: TempDir,
    clock: Arc<Hands>,
    /// `None` only while it is opened again.
    catalog: Option<Catalog>,
    model: Model,
}

impl Trial {
    fn new() -> Self {
        let mut trial = Self { folder: folder(), clock: Arc::default(), catalog: None, model: Model::default() };
        trial.open();
        let operator = Change::Create { name: 0, secret: 0, permissions: 0, lifetime: None };
        trial.together(&[operator], 0);
        trial
    }

    fn open(&mut self) {
        let store = SqliteStore::open(self.folder.path().join("tokens.db")).expect("its own file opens");
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as _;
        self.catalog = Some(block_on(Catalog::open(Arc::new(store), clock)).expect("its own file is read"));
    }

    fn catalog(&self) -> &Catalog {
        self.catalog.as_ref().expect("it is open")
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::One(change) => self.together(&[change], change.by()),
            Step::Together(changes) => self.together(&changes, 0),
            Step::Regenerate => self.regenerate(),
            Step::Page { after, limit } => self.page(after, limit),
            Step::Wait(seconds) => {
                self.model.now += u64::from(seconds) * 1000;
                self.clock.0.store(self.model.now, Ordering::Relaxed);
            }
            Step::Restart => self.restart(),
            Step::Crash => self.crash(),
        }
    }

    fn restart(&mut self) {
        self.catalog = None;
        self.open();
    }

    fn crash(&mut self) {
        let copy = folder();
        for entry in fs::read_dir(self.folder.path()).expect("the folder is there") {
            let entry = entry.expect("its files can be listed");
            fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("they can be copied");
        }
        let former = std::mem::replace(&mut self.folder, copy);
        self.restart();
        drop(former);
    }

    /// The changes, all asked for at once, by the token with a secret.
    fn together(&mut self, changes: &[Change], by: u8) {
        let by = match by % 4 {
            0 | 1 => self.model.tokens.get(&OPERATOR).map(|operator| operator.secret.clone()),
            _ => Some(secret(by % SECRETS).expose().to_owned()),
        };
        let by = by.and_then(|secret| self.catalog().authenticate(&secret));
        let now = self.clock.now();
        // Whether the deletion of an ID comes before a creation that yields the ID depends on the writer's thread.
        let is_sure = |change: &&Change| match change {
            Change::Delete { id, .. } => changes.len() == 1 || self.model.tokens.contains_key(&u64::from(*id)),
            _ => true,
        };
        let changes: Vec<Change> = changes.iter().filter(is_sure).copied().collect();
        let asked: Vec<_> = changes.iter().map(|change| ask(self.catalog(), *change, by.as_ref(), now)).collect();
        let outcomes = block_on(join_all(asked));

        for (change, outcome) in changes.iter().zip(outcomes) {
            let expected = self.model.make(*change, by.as_ref());
            assert_eq!(outcome, expected, "{change:?}");
        }
    }

    fn regenerate(&mut self) {
        let regenerated = block_on(self.catalog().regenerate_operator());
        match (regenerated, self.model.tokens.get_mut(&OPERATOR)) {
            (Ok((record, secret)), Some(operator)) => {
                assert_eq!((record.id, record.name.as_str()), (TokenId::OPERATOR, operator.name));
                let former = std::mem::replace(&mut operator.secret, secret.expose().to_owned());
                assert!(self.catalog().authenticate(&former).is_none());
                self.model.spent.insert(former);
            }
            (Err(RegenerateError::NotFound), None) => {}
            (other, _) => panic!("{other:?}"),
        }
    }

    fn page(&self, after: Option<u8>, limit: u8) {
        let (from, limit) = (after.map_or(0, |after| u64::from(after) + 1), usize::from(limit));
        let page = block_on(self.catalog().page(after.map(|after| TokenId::from_u64(after.into())), limit));
        let page = page.expect("the file can be read");
        let expected: Vec<_> = self.model.tokens.range(from..).take(limit).collect();
        assert_eq!(page.len(), expected.len());
        for (record, (id, token)) in page.iter().zip(expected) {
            assert_eq!((record.id.as_u64(), record.name.as_str()), (*id, token.name));
            assert_eq!(record.permissions, token.permissions);
            assert_eq!(record.expires_at.map(Timestamp::as_millis), token.expires);
        }
    }

    /// Every secret is accepted if a token has it, and refused otherwise.
    fn check(&self) {
        assert_eq!(self.catalog().live().len(), self.model.tokens.len());
        for secret in &self.model.spent {
            let is_anew = self.model.tokens.values().any(|token| token.secret == *secret);
            assert!(is_anew || self.catalog().authenticate(secret).is_none(), "a secret that was deleted is accepted");
        }
        for (id, token) in &self.model.tokens {
            let principal = self.catalog().authenticate(&token.secret);
            let expected = self.model.is_valid(token).then_some((*id, &token.permissions));
            assert_eq!(principal.as_ref().map(|it| (it.id().as_u64(), it.permissions())), expected);
        }
    }
}

impl Change {
    fn by(self) -> u8 {
        match self {
            Self::Create { .. } => 0,
            Self::Delete { by, .. } | Self::DeleteByName { by, .. } => by,
        }
    }
}

fn new_token(name: u8, index: u8, permissions: u8, lifetime: Option<u8>, now: Timestamp) -> NewToken {
    let permissions = PERMISSIONS[usize::from(permissions) % PERMISSIONS.len()].parse().expect("it is a permission");
    let token = token(NAMES[usize::from(name) % NAMES.len()], permissions, index % SECRETS);
    let millis = lifetime.map(|seconds| now.as_millis() + 1000 + u64::from(seconds) * 1000);
    NewToken { expires_at: millis.map(|millis| Timestamp::from_millis(millis).expect("it is soon")), ..token }
}

/// Asks for a change. A deletion is left out unless a valid token asks.
fn ask<'a>(
    catalog: &'a Catalog,
    change: Change,
    by: Option<&'a Principal>,
    now: Timestamp,
) -> BoxFuture<'a, Option<Outcome>> {
    async move {
        Some(match (change, by) {
            (Change::Create { name, secret, permissions, lifetime }, _) => {
                match catalog.create(new_token(name, secret, permissions, lifetime, now)).await {
                    Ok(record) => Outcome::Done(record.id.as_u64()),
                    Err(CreateError::NameTaken | CreateError::AlreadyExists) => Outcome::NameTaken,
                    Err(CreateError::SecretTaken) => Outcome::SecretTaken,
                    Err(CreateError::SecretDeleted) => Outcome::SecretDeleted,
                    Err(CreateError::InvalidOperator) => Outcome::InvalidOperator,
                    Err(other) => panic!("{other:?}"),
                }
            }
            (Change::Delete { id, .. }, Some(by)) => deletion(catalog.delete(by, &id.to_string()).await),
            (Change::DeleteByName { name, .. }, Some(by)) => {
                deletion(catalog.delete_by_name(by, NAMES[usize::from(name) % NAMES.len()]).await)
            }
            (_, None) => return None,
        })
    }
    .boxed()
}

fn deletion(deleted: Result<TokenId, DeleteError>) -> Outcome {
    match deleted {
        Ok(id) => Outcome::Done(id.as_u64()),
        Err(DeleteError::NotAdmin) => Outcome::NotAdmin,
        Err(DeleteError::NotFound) => Outcome::NotFound,
        Err(DeleteError::OperatorToken) => Outcome::Operator,
        Err(other) => panic!("{other:?}"),
    }
}

impl Model {
    fn is_valid(&self, token: &Token) -> bool {
        token.expires.is_none_or(|expires| expires > self.now)
    }

    fn id_of(&self, name: &str) -> Option<u64> {
        self.tokens.iter().find_map(|(id, token)| (token.name == name).then_some(*id))
    }

    /// Makes a change, unless a deletion that nobody asks for.
    fn make(&mut self, change: Change, by: Option<&Principal>) -> Option<Outcome> {
        Some(match (change, by) {
            (Change::Create { name, secret, permissions, lifetime }, _) => {
                let now = Timestamp::from_millis(self.now).expect("it is not the year 9999");
                let new = new_token(name, secret, permissions, lifetime, now);
                let secret = influxdb3_tokens_fuzz::secret(secret % SECRETS).expose().to_owned();
                self.create(NAMES[usize::from(name) % NAMES.len()], secret, new)
            }
            (_, None) => return None,
            (_, Some(by)) if !by.is_admin() => Outcome::NotAdmin,
            (Change::Delete { id, .. }, _) => self.delete(Some(id.into())),
            (Change::DeleteByName { name, .. }, _) => self.delete(self.id_of(NAMES[usize::from(name) % NAMES.len()])),
        })
    }

    fn create(&mut self, name: &'static str, secret: String, new: NewToken) -> Outcome {
        if name == NAMES[0] && (!new.permissions.is_admin() || new.expires_at.is_some()) {
            return Outcome::InvalidOperator;
        }
        if self.id_of(name).is_some() {
            return Outcome::NameTaken;
        }
        if self.tokens.values().any(|token| token.secret == secret) {
            return Outcome::SecretTaken;
        }
        if self.spent.contains(&secret) {
            return Outcome::SecretDeleted;
        }
        let id = if name == NAMES[0] {
            OPERATOR
        } else {
            self.created += 1;
            self.created
        };
        let expires = new.expires_at.map(Timestamp::as_millis);
        self.tokens.insert(id, Token { name, secret, permissions: new.permissions, expires });
        Outcome::Done(id)
    }

    fn delete(&mut self, id: Option<u64>) -> Outcome {
        match id.and_then(|id| self.tokens.get(&id).map(|token| (id, token.secret.clone()))) {
            None => Outcome::NotFound,
            Some((OPERATOR, _)) => Outcome::Operator,
            Some((id, secret)) => {
                self.tokens.remove(&id);
                self.spent.insert(secret);
                Outcome::Done(id)
            }
        }
    }
}

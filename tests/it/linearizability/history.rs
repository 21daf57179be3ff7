//! Records what several threads ask a catalog for, and what they are told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use influxdb3_tokens::{
    Catalog, CreateError, DeleteError, NewToken, Permissions, Principal, RegenerateError, Secret, TokenId, TokenName,
};

use super::checker::{Actor, Call, Outcome, Request, State, is_linearizable};
use crate::limits::within;

const THREADS: u64 = 4;
const CALLS: usize = 10;
/// As many new tokens have a secret that every thread knows from the beginning.
const KNOWN: usize = 6;

/// A history, and the state of the tokens before it.
#[derive(Debug)]
pub(crate) struct History {
    state: State,
    calls: Vec<Call>,
}

/// What the threads share.
struct World {
    catalog: Catalog,
    number: u64,
    first: u64,
    /// Whose secrets are used: two admin tokens, and the operator token before and after regenerations.
    principals: Mutex<Vec<Principal>>,
    /// Presented to authenticate.
    secrets: Mutex<Vec<Secret>>,
    /// For new tokens; each is used once.
    unused: Mutex<Vec<(NewToken, Secret)>>,
    time: AtomicU64,
}

impl History {
    /// Lets threads make random calls, which depend on the seed. `operator` is the operator token's secret, and is
    /// replaced if it is regenerated. `number` makes the names of this history unique among those of its catalog.
    pub(crate) async fn record(catalog: &Catalog, operator: &mut Secret, number: u64, seed: u64) -> Self {
        let world = World::new(catalog, operator, number).await;
        let state = world.state(operator);
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (world, random) =
                    (Arc::clone(&world), Random::new(seed.wrapping_mul(THREADS).wrapping_add(thread)));
                tokio::spawn(async move { world.make_calls(random).await })
            })
            .collect();
        let mut calls = Vec::new();
        for thread in threads {
            calls.extend(within("a thread of a history", thread).await.unwrap());
        }
        let digest = catalog.page(None, 1).await.unwrap()[0].digest;
        let mut secrets = world.secrets.lock().unwrap();
        let current = secrets.iter().position(|secret| secret.digest() == digest).unwrap();
        *operator = secrets.remove(current);
        Self { state, calls }
    }

    pub(crate) fn is_linearizable(&self) -> bool {
        is_linearizable(&self.state, &self.calls)
    }
}

impl World {
    async fn new(catalog: &Catalog, operator: &Secret, number: u64) -> Arc<Self> {
        let copy = |secret: &Secret| secret.expose().parse::<Secret>().unwrap();
        let (mut secrets, mut principals) = (vec![copy(operator)], Vec::new());
        let mut first = 0;
        for name in ["x", "y"] {
            let name = format!("{name}{number}");
            let (token, secret) = catalog.create_fresh(&name, Permissions::ADMIN, None).await.unwrap();
            first = if first == 0 { token.id.as_u64() } else { first };
            secrets.push(secret);
        }
        for secret in &secrets {
            // A store with a fault on purpose may apply a creation only later.
            let authenticated = async {
                loop {
                    match catalog.authenticate(secret.expose()) {
                        Some(principal) => break principal,
                        None => tokio::task::yield_now().await,
                    }
                }
            };
            principals.push(within("a token to be live", authenticated).await);
        }
        let unused: Vec<_> = (0..KNOWN)
            .map(|_| NewToken::fresh(TokenName::OPERATOR.parse().unwrap(), Permissions::ADMIN).unwrap())
            .collect();
        secrets.extend(unused.iter().map(|(_, secret)| copy(secret)));
        Arc::new(Self {
            catalog: catalog.clone(),
            number,
            first,
            principals: Mutex::new(principals),
            secrets: Mutex::new(secrets),
            unused: Mutex::new(unused),
            time: AtomicU64::new(1),
        })
    }

    fn state(&self, operator: &Secret) -> State {
        let principals = self.principals.lock().unwrap();
        let tokens = principals.iter().skip(1).zip(["x", "y"]);
        let tokens = tokens.map(|(token, name)| Some((format!("{name}{}", self.number), *token.digest()))).collect();
        State { operator: operator.digest(), first: self.first, tokens }
    }

    async fn make_calls(&self, mut random: Random) -> Vec<Call> {
        let mut calls = Vec::new();
        for _ in 0..CALLS {
            if random.below(3) == 0 {
                tokio::task::yield_now().await;
            }
            (0..random.below(200)).for_each(|_| std::hint::spin_loop());
            calls.push(self.call(&mut random).await);
        }
        calls
    }

    async fn call(&self, random: &mut Random) -> Call {
        match random.below(10) {
            0 | 1 => self.create(random).await,
            2 => self.create_by(random).await,
            3 | 4 => self.delete(random).await,
            5 => self.delete_by_name(random).await,
            6 => self.regenerate(random).await,
            _ => self.authenticate(random),
        }
    }

    /// Notes when a call begins and ends.
    async fn timed(&self, request: Request, outcome: impl Future<Output = Outcome>) -> Call {
        let now = || self.time.fetch_add(1, Ordering::SeqCst);
        let began = now();
        let outcome = outcome.await;
        Call { began, ended: now(), request, outcome }
    }

    async fn create(&self, random: &mut Random) -> Call {
        let Some((token, _)) = self.unused.lock().unwrap().pop() else { return self.authenticate(random) };
        let name = self.name(random);
        let token = NewToken { name: name.parse().unwrap(), ..token };
        let request = Request::Create { by: None, name, digest: Some(token.digest) };
        self.timed(request, async { created(self.catalog.create(token).await) }).await
    }

    async fn create_by(&self, random: &mut Random) -> Call {
        let (by, name) = (self.principal(random), self.name(random));
        let request = Request::Create { by: Some(actor(&by)), name: name.clone(), digest: None };
        let outcome = async {
            let token = self.catalog.create_fresh_by(&by, &name, Permissions::ADMIN, None).await;
            created(token.map(|(token, secret)| {
                self.secrets.lock().unwrap().push(secret);
                token
            }))
        };
        self.timed(request, outcome).await
    }

    /// By an ID that some thread has created, or may create.
    async fn delete(&self, random: &mut Random) -> Call {
        let (by, id) = (self.principal(random), TokenId::from_u64(self.first + random.below(8)));
        let request = Request::Delete { by: actor(&by), id };
        self.timed(request, async { deleted(self.catalog.delete(&by, &id.to_string()).await) }).await
    }

    async fn delete_by_name(&self, random: &mut Random) -> Call {
        let (by, name) = (self.principal(random), self.name(random));
        let request = Request::DeleteByName { by: actor(&by), name: name.clone() };
        self.timed(request, async { deleted(self.catalog.delete_by_name(&by, &name).await) }).await
    }

    async fn regenerate(&self, random: &mut Random) -> Call {
        let operators =
            || self.principals.lock().unwrap().iter().filter(|it| it.id() == TokenId::OPERATOR).cloned().collect();
        let operators: Vec<Principal> = operators();
        let by = operators.get(usize::try_from(random.below(operators.len() as u64 + 1)).unwrap());
        let outcome = async {
            let regenerated = match by {
                Some(by) => self.catalog.regenerate_operator_by(by).await,
                None => self.catalog.regenerate_operator().await,
            };
            match regenerated {
                Ok((token, secret)) => {
                    self.secrets.lock().unwrap().push(secret);
                    Outcome::Regenerated(token.digest)
                }
                Err(RegenerateError::Unauthorized) => Outcome::Unauthorized,
                Err(error) => panic!("{error}"),
            }
        };
        self.timed(Request::Regenerate { by: by.map(actor) }, outcome).await
    }

    fn authenticate(&self, random: &mut Random) -> Call {
        let secret: Secret = {
            let secrets = self.secrets.lock().unwrap();
            random.of(&secrets).expose().parse().unwrap()
        };
        let now = || self.time.fetch_add(1, Ordering::SeqCst);
        let (digest, began) = (secret.digest(), now());
        let principal = self.catalog.authenticate(secret.expose());
        let ended = now();
        let outcome = Outcome::Principal(principal.as_ref().map(Principal::id));
        if let Some(principal) = principal {
            self.principals.lock().unwrap().push(principal);
        }
        Call { began, ended, request: Request::Authenticate { digest }, outcome }
    }

    fn principal(&self, random: &mut Random) -> Principal {
        random.of(&self.principals.lock().unwrap()).clone()
    }

    fn name(&self, random: &mut Random) -> String {
        format!("{}{}", random.of(&["a", "b", "x"]), self.number)
    }
}

fn actor(principal: &Principal) -> Actor {
    (principal.id(), *principal.digest())
}

fn created(outcome: Result<influxdb3_tokens::TokenRecord, CreateError>) -> Outcome {
    match outcome {
        Ok(token) => Outcome::Created(token.id, token.digest),
        Err(CreateError::NameTaken) => Outcome::NameTaken,
        Err(CreateError::Unauthorized) => Outcome::Unauthorized,
        Err(error) => panic!("{error}"),
    }
}

fn deleted(outcome: Result<TokenId, DeleteError>) -> Outcome {
    match outcome {
        Ok(id) => Outcome::Deleted(id),
        Err(DeleteError::NotFound) => Outcome::NotFound,
        Err(DeleteError::Unauthorized) => Outcome::Unauthorized,
        Err(error) => panic!("{error}"),
    }
}

/// SplitMix64, a random number generator.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn of<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[usize::try_from(self.below(items.len() as u64)).unwrap()]
    }
}

//! The tokens of a run: who has which role, which must be live, and which must be refused.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::CannotRun;
use super::cases::Call;
use super::exchange::{Answer, Server};
use super::request::{Holders, Role, Template, Text};
use super::tokens::{IssuedToken, NotIssued, TokenSource, WantedToken};

/// How long a token is good for that is to expire.
const EXPIRY: Duration = Duration::from_secs(1);

/// How much longer is waited for it: servers count whole seconds.
const MARGIN: Duration = Duration::from_millis(1_100);

/// What a token may do that is no admin token.
const PERMISSION: &str = "db:contract:read";

pub(super) struct Pool<'r> {
    server: &'r Server,
    source: &'r dyn TokenSource,
    /// By which a token is deleted, and seen to be refused.
    deletion: Option<Call>,
    held: HashMap<Role, Held>,
    missing: HashMap<Role, String>,
    /// Admin tokens that no request is about, made before and after each target.
    witnesses: Vec<IssuedToken>,
    deleted: Vec<IssuedToken>,
    name: String,
    issued: usize,
}

struct Held {
    token: IssuedToken,
    /// From when on the token has its role.
    since: Instant,
}

/// Why a role has no token.
pub(super) enum Missing {
    NotCovered(String),
    CannotRun(CannotRun),
}

/// A token in every role.
struct Only<'t>(&'t IssuedToken);

impl Holders for Only<'_> {
    fn token(&self, _: Role) -> &IssuedToken {
        self.0
    }
}

impl Holders for Pool<'_> {
    fn token(&self, role: Role) -> &IssuedToken {
        &self.held.get(&role).expect("a case is tried once each of its roles has a token").token
    }
}

impl<'r> Pool<'r> {
    pub(super) fn new(server: &'r Server, source: &'r dyn TokenSource, caller: IssuedToken, name: String) -> Self {
        let caller = Held { token: caller, since: Instant::now() };
        Self {
            server,
            source,
            deletion: Call::deletion(),
            held: HashMap::from([(Role::Caller, caller)]),
            missing: HashMap::new(),
            witnesses: Vec::new(),
            deleted: Vec::new(),
            name,
            issued: 0,
        }
    }

    /// Sees to it that a role has a token.
    pub(super) async fn fill(&mut self, role: Role) -> Result<(), Missing> {
        if let Some(held) = self.held.get(&role) {
            tokio::time::sleep_until(held.since).await;
            return Ok(());
        }
        if let Some(reason) = self.missing.get(&role) {
            return Err(Missing::NotCovered(reason.clone()));
        }
        match self.find(role).await {
            Ok(held) => {
                tokio::time::sleep_until(held.since).await;
                self.held.insert(role, held);
                Ok(())
            }
            Err(NotIssued::Unavailable(reason)) => {
                self.missing.insert(role, reason.clone());
                Err(Missing::NotCovered(reason))
            }
            Err(NotIssued::Failed(reason)) => Err(Missing::CannotRun(CannotRun::Tokens(reason))),
        }
    }

    /// Has a token made that is to expire, so that it has by the time that it is needed.
    pub(super) async fn prepare(&mut self) -> Result<(), CannotRun> {
        match self.find(Role::Expired).await {
            Ok(held) => drop(self.held.insert(Role::Expired, held)),
            Err(NotIssued::Unavailable(reason)) => drop(self.missing.insert(Role::Expired, reason)),
            Err(NotIssued::Failed(reason)) => return Err(CannotRun::Tokens(reason)),
        }
        Ok(())
    }

    async fn find(&mut self, role: Role) -> Result<Held, NotIssued> {
        let mut since = Instant::now();
        let token = match role {
            Role::Caller => return Err(NotIssued::Unavailable("the run has no token".to_owned())),
            Role::Target => {
                if self.witnesses.is_empty() {
                    self.witness().await?;
                }
                let target = self.admin("target").await?;
                self.witness().await?;
                target
            }
            Role::Limited => {
                let permission = Some(PERMISSION.to_owned());
                let name = self.next_name("limited");
                self.source.issue(&WantedToken { permission, ..WantedToken::admin(name) }).await?
            }
            Role::Expired => {
                let name = self.next_name("expired");
                let wanted = WantedToken { expires_in: Some(EXPIRY), ..WantedToken::admin(name) };
                let token = self.source.issue(&wanted).await?;
                let known = token.expires_at.map(|at| (at - chrono::Utc::now()).to_std().unwrap_or_default());
                since = Instant::now() + known.unwrap_or(EXPIRY) + MARGIN;
                token
            }
            Role::Revoked => {
                let token = self.admin("revoked").await?;
                self.delete(&token).await.map_err(NotIssued::Unavailable)?;
                token
            }
        };
        Ok(Held { token, since })
    }

    async fn witness(&mut self) -> Result<(), NotIssued> {
        let witness = self.admin("witness").await?;
        self.witnesses.push(witness);
        Ok(())
    }

    async fn admin(&mut self, role: &str) -> Result<IssuedToken, NotIssued> {
        let name = self.next_name(role);
        self.source.issue(&WantedToken::admin(name)).await
    }

    fn next_name(&mut self, role: &str) -> String {
        self.issued += 1;
        format!("{}-{}-{role}", self.name, self.issued)
    }

    /// A token that was deleted, or should have been, is not used again.
    pub(super) fn give_up(&mut self, role: Role) {
        self.deleted.extend(self.held.remove(&role).map(|held| held.token));
    }

    /// The tokens that the requests of a case could have touched by mistake: the neighbours of the target.
    pub(super) fn neighbours(&self) -> &[IssuedToken] {
        &self.witnesses[self.witnesses.len().saturating_sub(2)..]
    }

    /// Every token that must be live, but the target.
    pub(super) fn witnesses(&self) -> &[IssuedToken] {
        &self.witnesses
    }

    /// Every token that must be refused because it was to be deleted.
    pub(super) fn deleted(&self) -> &[IssuedToken] {
        &self.deleted
    }

    /// Whether a token is accepted, and a request that shows it. `None` where that cannot be asked.
    pub(super) async fn ask(&self, token: &IssuedToken) -> Option<(Template, Answer)> {
        let request = self.deletion?.idle(Role::Target);
        let answer = self.server.send(&request, &Only(token)).await;
        Some((request, answer))
    }

    async fn delete(&self, token: &IssuedToken) -> Result<(), String> {
        let call = self.deletion.ok_or("no operation deletes a token")?;
        let caller = self.token(Role::Caller);
        let request = call.by(Role::Caller, Text::plain(token.id.clone()));
        let response = self.server.send(&request, &Only(caller)).await?;
        let deleted = call.succeeded().contain(response.status.as_u16());
        if deleted { Ok(()) } else { Err(format!("a token could not be deleted: {}", response.status)) }
    }

    /// Deletes what is left of the tokens, and returns the IDs of those that it cannot delete.
    pub(super) async fn clear(&mut self) -> Vec<String> {
        let held = [Role::Target, Role::Limited, Role::Expired].into_iter().filter_map(|role| self.held.remove(&role));
        let tokens: Vec<_> = held.map(|held| held.token).chain(std::mem::take(&mut self.witnesses)).collect();
        let mut left = Vec::new();
        for token in tokens {
            if self.delete(&token).await.is_err() && self.still_there(&token).await {
                left.push(token.id);
            }
        }
        left
    }

    async fn still_there(&self, token: &IssuedToken) -> bool {
        let Some(call) = self.deletion else { return true };
        let request = call.by(Role::Caller, Text::plain(token.id.clone()));
        let answer = self.server.send(&request, &Only(self.token(Role::Caller))).await;
        answer.is_ok_and(|response| response.status != 404)
    }

    /// Every secret that must not stand in a response.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let held = self.held.values().map(|held| &held.token);
        let secrets = held.chain(&self.witnesses).chain(&self.deleted).map(|token| token.secret.0.as_str());
        secrets.filter(|secret| !secret.is_empty())
    }
}

//! The tokens of a run: which has which role, which must be accepted, and which must be rejected.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::CannotRun;
use super::api::{Api, TokenIdentifier};
use super::cases::Call;
use super::exchange::{Answer, Server};
use super::request::Template;
use super::text::{Holders, Role, Text, forms};
use super::tokens::{NotIssued, Token, TokenSource, WantedToken};
use super::wanted::Wanted;

/// The lifetime of the token that is to expire.
const EXPIRY: Duration = Duration::from_secs(1);

/// How much longer to wait for its expiry, because servers count whole seconds.
const MARGIN: Duration = Duration::from_millis(1_100);

/// The permission of the token that is not an admin token.
const PERMISSION: &str = "db:contract:read";

pub(super) struct Pool<'r> {
    server: &'r Server,
    source: &'r dyn TokenSource,
    /// Deletes a token, and shows whether a token is accepted.
    deletion: Option<Call<'r>>,
    /// What the deletion takes.
    identifier: Option<TokenIdentifier>,
    held: HashMap<Role, Held>,
    missing: HashMap<Role, String>,
    /// Admin tokens created before and after each target. No request is about them.
    witnesses: Vec<Token>,
    deleted: Vec<Token>,
    /// Every token that the source supplied.
    issued: Vec<Token>,
    /// Texts that no response may contain.
    secrets: Vec<String>,
    name: String,
}

struct Held {
    token: Token,
    /// When the token begins to fill its role.
    since: Instant,
}

/// The two tokens of a request: its caller's, and the one that it is about.
pub(super) struct Asked<'t> {
    by: &'t Token,
    about: &'t Token,
}

impl<'t> Asked<'t> {
    /// A request about no token.
    pub(super) fn by(token: &'t Token) -> Self {
        Self { by: token, about: token }
    }
}

impl Holders for Asked<'_> {
    fn token(&self, role: Role) -> &Token {
        if role == Role::Caller { self.by } else { self.about }
    }
}

impl Holders for Pool<'_> {
    fn token(&self, role: Role) -> &Token {
        &self.held.get(&role).expect("a case is tried once each of its roles has a token").token
    }
}

impl<'r> Pool<'r> {
    pub(super) fn new(
        api: &'r Api,
        server: &'r Server,
        source: &'r dyn TokenSource,
        caller: Token,
        name: String,
    ) -> Self {
        let secrets = forms(&caller.secret.0);
        let caller = Held { token: caller, since: Instant::now() };
        Self {
            server,
            source,
            deletion: Call::deletion(api),
            identifier: api.deletion.map(|deletion| deletion.identifier),
            held: HashMap::from([(Role::Caller, caller)]),
            missing: HashMap::new(),
            witnesses: Vec::new(),
            deleted: Vec::new(),
            issued: Vec::new(),
            secrets,
            name,
        }
    }

    /// Gives a role a token, unless it has one. The error is the reason why it has none.
    pub(super) async fn fill(&mut self, role: Role) -> Result<(), String> {
        if let Some(held) = self.held.get(&role) {
            tokio::time::sleep_until(held.since).await;
            return Ok(());
        }
        if let Some(reason) = self.missing.get(&role) {
            return Err(reason.clone());
        }
        match self.find(role).await {
            Ok(held) => {
                tokio::time::sleep_until(held.since).await;
                self.held.insert(role, held);
                Ok(())
            }
            // That the source failed in the middle is no reason to lose the results so far.
            Err(NotIssued::Unavailable(reason) | NotIssued::Failed(reason)) => {
                self.missing.insert(role, reason.clone());
                Err(reason)
            }
        }
    }

    /// Gets the token that is to expire, so that it has expired when it is needed.
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
                self.issue(WantedToken { permission, ..self.wanted("limited") }).await?
            }
            Role::Expired => {
                let token = self.issue(WantedToken { expires_in: Some(EXPIRY), ..self.wanted("expired") }).await?;
                let known = token.expires_at.map(|at| (at - chrono::Utc::now()).to_std().unwrap_or_default());
                since = Instant::now() + known.unwrap_or(EXPIRY) + MARGIN;
                token
            }
            Role::Revoked => {
                let token = self.admin("revoked").await?;
                self.delete(&token).await.map_err(NotIssued::Unavailable)?;
                self.deleted.push(token.clone());
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

    async fn admin(&mut self, role: &str) -> Result<Token, NotIssued> {
        self.issue(self.wanted(role)).await
    }

    /// An admin token with its own name.
    fn wanted(&self, role: &str) -> WantedToken {
        WantedToken::admin(format!("{}-{}-{role}", self.name, self.issued.len() + 1))
    }

    async fn issue(&mut self, wanted: WantedToken) -> Result<Token, NotIssued> {
        let token = self.source.issue(&wanted).await?.identified(self.identifier)?;
        self.secrets.extend(forms(&token.secret.0));
        self.issued.push(token.clone());
        Ok(token)
    }

    /// Stops using a token that was deleted or should have been. It must stay rejected if it `is_rejected`.
    pub(super) fn give_up(&mut self, token: &Token, is_rejected: bool) {
        self.held.retain(|_, held| held.token.identifier != token.identifier);
        self.witnesses.retain(|witness| witness.identifier != token.identifier);
        self.deleted.extend(is_rejected.then(|| token.clone()));
    }

    /// The token in this role, if it has one.
    pub(super) fn held(&self, role: Role) -> Option<&Token> {
        self.held.get(&role).map(|held| &held.token)
    }

    /// The tokens that a case could have deleted by mistake: those created just before and after the target.
    pub(super) fn neighbours(&self) -> &[Token] {
        &self.witnesses[self.witnesses.len().saturating_sub(2)..]
    }

    /// Every token that must be accepted, without the target.
    pub(super) fn witnesses(&self) -> &[Token] {
        &self.witnesses
    }

    /// Every token that must be rejected because it was deleted.
    pub(super) fn deleted(&self) -> &[Token] {
        &self.deleted
    }

    /// A request that shows whether a token is accepted, and the answer to it. `None` if no operation can show it.
    pub(super) async fn ask(&self, token: &Token) -> Option<(Template, Answer)> {
        let request = self.deletion?.idle(Role::Target);
        let answer = self.server.send(&request, &Asked::by(token)).await;
        Some((request, answer))
    }

    /// Deletes a token, with any status, if the server rejects the token afterwards.
    async fn delete(&self, token: &Token) -> Result<(), String> {
        let response = self.deletion_of(token).await?;
        let deleted = self.deletion.is_some_and(|call| call.succeeded().contain(response.status.as_u16()));
        if deleted || self.is_rejected(token).await {
            return Ok(());
        }
        Err(format!("a token could not be deleted: {}", response.status))
    }

    async fn is_rejected(&self, token: &Token) -> bool {
        matches!(self.ask(token).await, Some((_, Ok(response))) if response.status == 401)
    }

    async fn deletion_of(&self, token: &Token) -> Answer {
        let call = self.deletion.ok_or("no operation deletes a token")?;
        let asked = Asked { by: self.token(Role::Caller), about: token };
        self.server.send(&call.by(Role::Caller, Text::id(Role::Target)), &asked).await
    }

    /// Deletes all supplied tokens, and returns the IDs or the names of those that it could not delete. If the server
    /// `wants` another parameter that takes a name, it gets the name of each token that is left.
    pub(super) async fn clear(&self, wants: Option<&Wanted>) -> Vec<String> {
        let mut left = Vec::new();
        for token in &self.issued {
            if !self.is_gone(token).await && !self.is_gone_by_name(token, wants).await {
                left.push(token.identifier.clone());
            }
        }
        left
    }

    /// The tokens that are left behind because the server is gone.
    pub(super) fn abandon(&self) -> Vec<String> {
        let deleted = |token: &&Token| self.deleted.iter().any(|deleted| deleted.identifier == token.identifier);
        self.issued.iter().filter(|token| !deleted(token)).map(|token| token.identifier.clone()).collect()
    }

    /// Deletes a token, and returns whether the server no longer finds it, nor accepts it.
    async fn is_gone(&self, token: &Token) -> bool {
        for _ in 0..2 {
            if self.deletion_of(token).await.is_ok_and(|response| response.status == 404) {
                return self.is_rejected(token).await;
            }
        }
        false
    }

    async fn is_gone_by_name(&self, token: &Token, wants: Option<&Wanted>) -> bool {
        let (Some(call), Some(wanted), Some(name)) = (self.deletion, wants, &token.name) else { return false };
        if !wanted.takes_a_name() {
            return false;
        }
        let about = Token { identifier: name.clone(), ..token.clone() };
        let asked = Asked { by: self.token(Role::Caller), about: &about };
        let request = call.idle(Role::Caller).with_query(&wanted.name, Text::id(Role::Target));
        self.server.send(&request, &asked).await.is_ok_and(|response| response.status.is_success())
    }

    /// Texts that neither a response nor a report may contain: every secret, in each form in which it was sent.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(String::as_str).filter(|secret| !secret.is_empty())
    }

    /// A text without secrets.
    pub(super) fn redacted(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets() {
            if text.contains(secret) {
                text = text.replace(secret, "[secret]");
            }
        }
        text
    }
}

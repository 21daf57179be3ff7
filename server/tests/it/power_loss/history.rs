//! The tokens of a run, and what its server has answered.

use std::collections::{BTreeMap, BTreeSet};

use influxdb3_token_api::models::AdminTokenObject;
use influxdb3_tokens::TokenId;
use rusqlite::Connection;
use serde_json::Value;

use crate::creation;
use crate::document::{DELETED, Token};
use crate::process::DataDir;
use crate::recorded::Event;

/// Secrets by token. The operator token is not among them.
pub(super) type Tokens = BTreeMap<Token, String>;

/// Every token, by its state.
#[derive(Clone, Default)]
pub(super) struct History {
    /// The secrets of the operator token, of which the last is valid.
    pub(super) operator: Vec<String>,
    /// How many of them were replaced before the run.
    pub(super) replaced: usize,
    /// Created before the run.
    pub(super) kept: Tokens,
    pub(super) created: Tokens,
    /// Deleted by the run.
    pub(super) deleted: Tokens,
    /// Deleted before the run.
    pub(super) gone: Tokens,
}

/// The answers of the server up to a moment of its record.
#[derive(Clone, Default)]
pub(super) struct Answered {
    pub(super) anything: bool,
    /// The number of regenerations.
    pub(super) regenerated: usize,
    pub(super) created: BTreeSet<TokenId>,
    pub(super) deleted: BTreeSet<TokenId>,
}

impl Answered {
    pub(super) fn take(&mut self, event: &Event) {
        let Event::Sent(bytes) = event else { return };
        self.anything = true;
        let text = String::from_utf8_lossy(bytes);
        // A deletion that is answered with 404 was made by an earlier request, which was perhaps answered with 503.
        let is_deleted = [DELETED, 404].iter().any(|status| text.starts_with(&format!("HTTP/1.1 {status} ")));
        let id = text.lines().find_map(|line| line.strip_prefix("x-span-id: ")).and_then(|id| id.parse().ok());
        if let (true, Some(id)) = (is_deleted, id) {
            self.deleted.insert(id);
        } else if text.starts_with(r#"{"created":"#) {
            let reply: Value = serde_json::from_str(&text).unwrap();
            self.created.insert(TokenId::from_u64(reply["created"]["id"].as_u64().unwrap()));
        } else if text.starts_with(r#"{"regenerated":"#) {
            self.regenerated += 1;
        }
    }
}

impl History {
    /// Adds the token that a command has printed.
    pub(super) fn add_created(&mut self, printed: &str) {
        let created: AdminTokenObject = serde_json::from_str(printed).unwrap();
        let id = TokenId::from_u64(created.id.unwrap().try_into().unwrap());
        self.created.insert(Token::new(id, &created.name.unwrap()), created.token.unwrap().0.clone());
    }

    /// Opens the files that a power loss left behind, and compares their tokens with the answers. Then creates a token.
    pub(super) async fn check(&self, answered: &Answered, left: &DataDir) {
        let new = self.check_tokens(answered, left, "first after the power loss").await;
        if new.as_u64().is_multiple_of(4) {
            let newer = self.check_tokens(answered, left, "second after the power loss").await;
            assert!(newer > new, "{newer} after {new}");
        }
        // The store is closed, so the database is whole without a log.
        let database = Connection::open(left.path().join("tokens.db")).unwrap();
        let found: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(found, "ok");
    }

    async fn check_tokens(&self, answered: &Answered, left: &DataDir, name: &str) -> TokenId {
        let catalog = left.catalog().await;
        let is_accepted = |id: TokenId, secret: &str| {
            let is_live = catalog.live().contains(id);
            assert_eq!(catalog.authenticate(secret).is_some(), is_live, "{id}");
            is_live
        };
        if answered.anything {
            // The secret that was answered last, or the next one, and no other.
            let last = self.replaced + answered.regenerated;
            let accepted = self.operator.iter().map(|secret| catalog.authenticate(secret).is_some());
            let [current] =
                accepted.enumerate().filter(|(_, accepted)| *accepted).map(|(i, _)| i).collect::<Vec<_>>()[..]
            else {
                panic!("one secret of the operator token is accepted");
            };
            assert!(current == last || current == last + 1, "{current} instead of {last}");
            self.kept.iter().for_each(|(token, secret)| assert!(is_accepted(token.id, secret), "{token} is lost"));
        }
        for (token, secret) in &self.created {
            assert!(!answered.created.contains(&token.id) || is_accepted(token.id, secret), "{token} is lost");
        }
        for (token, secret) in &self.deleted {
            assert!(!answered.deleted.contains(&token.id) || !is_accepted(token.id, secret), "{token} is back");
        }
        self.gone.iter().for_each(|(token, secret)| assert!(!is_accepted(token.id, secret), "{token} is back"));
        let (new, _) = creation::create(&catalog, name, "db:a:read", None).await;
        let known = self.kept.keys().chain(self.deleted.keys()).chain(self.gone.keys()).map(|token| &token.id);
        let known = known.filter(|_| answered.anything).chain(&answered.created);
        known.for_each(|known| assert!(*known < new.id, "the ID {known} is used again"));
        new.id
    }

    /// Checks that the record has every answer that the clients received.
    pub(super) fn check_complete(&self, answered: &Answered) {
        let is_all =
            |answered: &BTreeSet<TokenId>, tokens: &Tokens| tokens.keys().all(|token| answered.contains(&token.id));
        assert!(is_all(&answered.created, &self.created) && is_all(&answered.deleted, &self.deleted));
        assert_eq!(self.replaced + answered.regenerated + 1, self.operator.len());
    }

    /// Ends a run whose answers were all received.
    pub(super) fn end_run(&mut self, answered: &Answered) {
        self.replaced += answered.regenerated;
        self.kept.append(&mut self.created);
        self.gone.append(&mut self.deleted);
    }
}

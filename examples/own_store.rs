//! A store of your own. It writes each change as a line of a file, and syncs the file before it applies the change.
//!
//! ```sh
//! cargo run --example own_store [ADDRESS [FILE]]
//! ```
//!
//! The example prints a request to try. A token that the request deletes stays deleted when the program starts again.
//!
//! The store is durable but not made for many changes. The file keeps every change and only grows. Each change syncs
//! the file and blocks its thread meanwhile, which needs tokio's multi-threaded runtime.
#![allow(clippy::print_stdout, reason = "prints a request to try")]

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use futures::FutureExt;
use influxdb3_tokens::{
    Actor, AuditPage, AuditPosition, Creation, CreationOutcome, Deletion, DeletionOutcome, Digest, LiveTokensWriter,
    MemoryStore, NewToken, Origin, Permissions, Regeneration, RegenerationOutcome, SecretOrigin, StoreError, Timestamp,
    TokenApi, TokenId, TokenName, TokenRecord, TokenSelector, TokenStore,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::block_in_place;
use uuid::Uuid;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:8181".to_owned());
    let file = arguments.next().unwrap_or("target/tokens.jsonl".to_owned());
    let listener = TcpListener::bind(&address).await?;
    let api = TokenApi::builder(Arc::new(FileStore::open(file.as_ref())?)).build().await?;
    // A secret is shown only once, so each start creates another token to delete.
    let name = format!("start at {}", std::time::UNIX_EPOCH.elapsed()?.as_millis()).parse()?;
    let (token, secret) = NewToken::fresh(name, Permissions::ADMIN)?;
    let token = api.catalog().create(token).await?;
    println!(
        r#"curl -i -X DELETE -H "Authorization: Bearer {}" "http://{address}/api/v3/configure/token?id={}""#,
        secret.expose(),
        token.id
    );
    axum::serve(listener, Router::new().fallback_service(api)).await?;
    Ok(())
}

/// The file has all changes in order. Opening it repeats them in memory, which leads to the same tokens.
#[derive(Debug)]
struct FileStore {
    cluster_uuid: Uuid,
    /// `None` after a failure: the contents of the disk are unknown until the file is opened again.
    file: Mutex<Option<File>>,
    tokens: MemoryStore,
}

#[async_trait]
impl TokenStore for FileStore {
    fn cluster_uuid(&self) -> Uuid {
        self.cluster_uuid
    }

    async fn load(&self, live: LiveTokensWriter) -> Result<(), StoreError> {
        self.tokens.load(live).await
    }

    async fn create(&self, creation: Creation) -> Result<CreationOutcome, StoreError> {
        self.commit(&Change::from(&creation), |tokens| tokens.create(creation).now_or_never())
    }

    async fn delete(&self, deletion: Deletion) -> Result<DeletionOutcome, StoreError> {
        self.commit(&Change::from(&deletion), |tokens| tokens.delete(deletion).now_or_never())
    }

    async fn regenerate(&self, regeneration: Regeneration) -> Result<RegenerationOutcome, StoreError> {
        self.commit(&Change::from(&regeneration), |tokens| tokens.regenerate(regeneration).now_or_never())
    }

    async fn page(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<TokenRecord>, StoreError> {
        self.tokens.page(after, limit).await
    }

    async fn audit(
        &self,
        from: AuditPosition,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        self.tokens.audit(from, since, limit).await
    }
}

impl FileStore {
    /// Writes a change, syncs the file, and applies the change. No await comes in between, so a dropped request cannot
    /// interrupt it.
    fn commit<T>(
        &self,
        change: &Change,
        apply: impl FnOnce(&MemoryStore) -> Option<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        block_in_place(|| {
            let mut slot = self.file.lock().map_err(|_| StoreError::unavailable("an earlier change panicked"))?;
            let mut file = slot.take().ok_or_else(|| StoreError::unavailable("an earlier change failed"))?;
            append(&mut file, change).map_err(StoreError::outcome_unknown)?;
            *slot = Some(file);
            apply(&self.tokens).expect("a store in memory never waits")
        })
    }

    /// Opens and locks the file, and creates it if it does not exist.
    fn open(path: &Path) -> Result<Self, Failure> {
        let mut file = File::options().read(true).append(true).create(true).open(path)?;
        file.try_lock()?;
        let mut lines = Vec::new();
        file.read_to_end(&mut lines)?;
        // The change of a line that a crash cut off was never answered.
        lines.truncate(lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        file.set_len(lines.len() as u64)?;
        if lines.is_empty() {
            let first = append(&mut file, &Uuid::new_v4().to_string())?;
            lines.extend(first);
            File::open(path.canonicalize()?.parent().ok_or("the file has no directory")?)?.sync_all()?;
        }
        let mut lines = lines.split_inclusive(|byte| *byte == b'\n');
        let cluster_uuid = serde_json::from_slice::<&str>(lines.next().unwrap_or_default())?.parse()?;
        let tokens = MemoryStore::new();
        for line in lines {
            serde_json::from_slice::<Change>(line)?.apply(&tokens)?;
        }
        Ok(Self { cluster_uuid, file: Mutex::new(Some(file)), tokens })
    }
}

/// Appends a line, syncs the file, and returns the line.
fn append(file: &mut File, value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_data()?;
    Ok(line)
}

/// A line of the file. Times are milliseconds since the Unix epoch.
#[derive(Serialize, Deserialize)]
enum Change {
    Create {
        name: String,
        description: Option<String>,
        digest: Vec<u8>,
        given: bool,
        by: Option<By>,
        at: u64,
        origin: Option<String>,
        expires_at: Option<u64>,
        permissions: String,
    },
    Delete {
        id: u64,
        by: By,
        at: u64,
        origin: Option<String>,
    },
    DeleteByName {
        name: String,
        by: By,
        at: u64,
        origin: Option<String>,
    },
    Regenerate {
        digest: Vec<u8>,
        by: Option<By>,
        at: u64,
        origin: Option<String>,
    },
}

/// An actor: its ID, and the digest if it is a token. The file has refused changes too, and a change that is repeated
/// is refused for the same reason.
#[derive(Serialize, Deserialize)]
struct By(u64, Option<Vec<u8>>);

impl Change {
    fn apply(self, tokens: &MemoryStore) -> Result<(), Failure> {
        let time = |millis| Timestamp::from_millis(millis).ok_or("a time is out of range");
        match self {
            Change::Create { name, description, digest, given, by, at, origin, expires_at, permissions } => {
                let token = NewToken {
                    name: TokenName::existing(&name)?,
                    description: description.as_deref().map(str::parse).transpose()?,
                    digest: digest_of(digest)?,
                    origin: if given { SecretOrigin::Given } else { SecretOrigin::Fresh },
                    expires_at: expires_at.map(time).transpose()?,
                    permissions: Permissions::existing(&permissions)?,
                };
                let creation = Creation::new(token, by.map(actor).transpose()?, time(at)?);
                let creation = creation.ok_or("the operator token is invalid")?.requested_from(from(origin)?);
                tokens.create(creation).now_or_never().transpose()?;
            }
            Change::Delete { id, by, at, origin } => {
                let deletion = Deletion::new(TokenId::from_u64(id), actor(by)?, time(at)?);
                let deletion = deletion.ok_or("the operator token cannot be deleted")?.requested_from(from(origin)?);
                tokens.delete(deletion).now_or_never().transpose()?;
            }
            Change::Regenerate { digest, by, at, origin } => {
                let regeneration = Regeneration::new(digest_of(digest)?, by.map(actor).transpose()?, time(at)?);
                let regeneration = regeneration.ok_or("only the operator token regenerates its secret")?;
                tokens.regenerate(regeneration.requested_from(from(origin)?)).now_or_never().transpose()?;
            }
            // The changes before it are the same as when it was made, so the name leads to the same token.
            Change::DeleteByName { name, by, at, origin } => {
                let deletion = Deletion::new(TokenName::existing(&name)?, actor(by)?, time(at)?);
                let deletion = deletion.ok_or("the operator token cannot be deleted")?.requested_from(from(origin)?);
                tokens.delete(deletion).now_or_never().transpose()?;
            }
        }
        Ok(())
    }
}

/// Where a change was requested.
fn from(origin: Option<String>) -> Result<Option<Origin>, Failure> {
    Ok(origin.map(|origin| origin.parse()).transpose()?)
}

fn actor(By(id, digest): By) -> Result<Actor, Failure> {
    let id = TokenId::from_u64(id);
    Ok(match digest {
        Some(digest) => Actor::Token { id, digest: digest_of(digest)? },
        None => Actor::Other(id),
    })
}

impl From<&Actor> for By {
    fn from(actor: &Actor) -> Self {
        match actor {
            Actor::Token { id, digest } => Self(id.as_u64(), Some(digest.as_bytes().to_vec())),
            Actor::Other(id) => Self(id.as_u64(), None),
        }
    }
}

fn digest_of(bytes: Vec<u8>) -> Result<Digest, Failure> {
    Ok(Digest::from_bytes(bytes.try_into().map_err(|_| "a digest has 64 bytes")?))
}

impl From<&Creation> for Change {
    fn from(creation: &Creation) -> Self {
        let NewToken { name, description, digest, origin, expires_at, permissions } = creation.token();
        Self::Create {
            name: name.to_string(),
            description: description.as_ref().map(ToString::to_string),
            digest: digest.as_bytes().to_vec(),
            given: *origin == SecretOrigin::Given,
            by: creation.by().map(By::from),
            at: creation.at().as_millis(),
            origin: creation.origin().map(|origin| origin.to_string()),
            expires_at: expires_at.map(Timestamp::as_millis),
            permissions: permissions.to_string(),
        }
    }
}

impl From<&Deletion> for Change {
    fn from(deletion: &Deletion) -> Self {
        let (by, at) = (By::from(deletion.by()), deletion.at().as_millis());
        let origin = deletion.origin().map(|origin| origin.to_string());
        match deletion.token() {
            TokenSelector::Id(id) => Self::Delete { id: id.as_u64(), by, at, origin },
            TokenSelector::Name(name) => Self::DeleteByName { name: name.to_string(), by, at, origin },
        }
    }
}

impl From<&Regeneration> for Change {
    fn from(regeneration: &Regeneration) -> Self {
        Self::Regenerate {
            digest: regeneration.digest().as_bytes().to_vec(),
            by: regeneration.by().map(By::from),
            at: regeneration.at().as_millis(),
            origin: regeneration.origin().map(|origin| origin.to_string()),
        }
    }
}

#[cfg(test)]
#[path = "../tests/it/store_laws/mod.rs"]
mod store_laws;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::slice::from_ref;
    use std::time::Duration;

    use http::{Request, StatusCode};
    use http_body_util::Empty;
    use hyper::body::Bytes;
    use hyper_util::client::legacy::Client;
    use hyper_util::rt::TokioExecutor;
    use tempfile::{TempDir, tempdir};
    use tokio::time::timeout;

    use super::*;
    use crate::store_laws::{Subject, creation, deletion, laws, token};

    laws!(subject);

    async fn subject() -> Subject {
        let directory = tempdir().unwrap();
        let open = move || open(&directory);
        Subject::new(open()).await.reopened_by(move || std::future::ready(open()))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_change_that_was_cut_off_by_a_crash_has_no_effect() {
        let directory = tempdir().unwrap();
        let store = open(&directory);
        let CreationOutcome::Created(kept) = store.create(creation(token("kept"))).await.unwrap() else { panic!() };
        store.create(creation(token("cut off"))).await.unwrap();
        drop(store);
        let file = File::options().write(true).open(directory.path().join("tokens.jsonl")).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
        drop(file);

        let store = open(&directory);
        assert_eq!(store.page(None, 9).await.unwrap(), from_ref(&kept));
        assert_eq!(store.delete(deletion(kept.id)).await.unwrap(), DeletionOutcome::Deleted(kept.id));
        drop(store);
        assert_eq!(open(&directory).page(None, 9).await.unwrap(), []);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_is_not_written_again_after_a_failure() {
        let directory = tempdir().unwrap();
        let mut store = open(&directory);
        let read_only = File::open(directory.path().join("tokens.jsonl")).unwrap();
        store.file = Mutex::new(Some(read_only));
        assert!(store.create(creation(token("a"))).await.unwrap_err().may_have_happened());
        assert!(!store.create(creation(token("a"))).await.unwrap_err().may_have_happened());
        assert_eq!(store.page(None, 9).await.unwrap(), []);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_deletion_is_in_the_file_when_the_response_arrives() {
        let directory = tempdir().unwrap();
        let api = TokenApi::builder(Arc::new(open(&directory))).build().await.unwrap();
        let fresh = |name: &str| NewToken::fresh(name.parse().unwrap(), Permissions::ADMIN).unwrap();
        let (operator, secret) = fresh("_admin");
        let operator = api.catalog().create(operator).await.unwrap();
        let gone = api.catalog().create(fresh("gone").0).await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let uri = format!("http://{}/api/v3/configure/token?id={}", listener.local_addr().unwrap(), gone.id);
        let router = Router::new().fallback_service(api);
        tokio::spawn(async { axum::serve(listener, router).await });

        let request = Request::delete(uri).header("authorization", format!("Bearer {}", secret.expose()));
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
        let response = client.request(request.body(Empty::new()).unwrap());
        let response = timeout(Duration::from_secs(60), response).await.expect("a response").unwrap();
        assert_eq!(response.status(), StatusCode::NO_CONTENT);

        // The server has locked the file, so read a copy.
        let copy = tempdir().unwrap();
        std::fs::copy(directory.path().join("tokens.jsonl"), copy.path().join("tokens.jsonl")).unwrap();
        assert_eq!(open(&copy).page(None, 9).await.unwrap(), [operator]);
    }

    fn open(directory: &TempDir) -> FileStore {
        FileStore::open(&directory.path().join("tokens.jsonl")).unwrap()
    }
}

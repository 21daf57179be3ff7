//! The control socket: how the command line reaches the tokens of a running server.
//!
//! One JSON document a line, a [`Reply`] for each [`Request`], over a Unix socket that only the server's own user can
//! open.

use std::error::Error;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use influxdb3_token_api::models::{self, AdminTokenObject};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::causes::with_causes;
use crate::{Catalog, NewToken, Secret, Timestamp, TokenId, TokenRecord};

/// The longest line that is read, in bytes.
const LONGEST_LINE: u64 = 16 << 20;

/// The most tokens of one [`Reply::Page`].
pub const PAGE: usize = 1000;

/// What is asked through the control socket.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// A new token.
    Create {
        /// Its name.
        name: String,
        /// The text of its permissions.
        permissions: String,
        /// How long it is good for; `None` means for ever.
        expires_in: Option<Duration>,
    },
    /// The next [`PAGE`] tokens, in the order of their IDs.
    Show {
        /// The last ID of the page before.
        after: Option<u64>,
    },
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The new token, with its secret, which is nowhere else to be had.
    Created(Box<AdminTokenObject>),
    /// Tokens; fewer than [`PAGE`] are the last ones.
    Page(Vec<Summary>),
    /// Nothing was done, for this reason.
    Refused(String),
}

/// A token without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The ID.
    pub id: u64,
    /// The name.
    pub name: String,
    /// The SHA-512 of the secret, in hexadecimal digits.
    pub hash: String,
    /// When the token was created.
    pub created_at: DateTime<Utc>,
    /// From when on the token is refused; `None` means never.
    pub expiry: Option<DateTime<Utc>>,
    /// The text of what the token may do.
    pub permissions: String,
}

/// Does what a request asks for.
pub async fn answer(catalog: &Catalog, request: Request) -> Reply {
    match request {
        Request::Create { name, permissions, expires_in } => {
            match create(catalog, &name, &permissions, expires_in).await {
                Ok(token) => Reply::Created(Box::new(token)),
                Err(error) => refused(&*error),
            }
        }
        Request::Show { after } => match catalog.page(after.map(TokenId::from_u64), PAGE).await {
            Ok(records) => Reply::Page(records.iter().map(Summary::from).collect()),
            Err(error) => refused(&error),
        },
    }
}

async fn create(
    catalog: &Catalog,
    name: &str,
    permissions: &str,
    expires_in: Option<Duration>,
) -> Result<AdminTokenObject, Box<dyn Error + Send + Sync>> {
    let (token, secret) = NewToken::fresh(name.parse()?, permissions.parse()?)?;
    let expires_at = match expires_in {
        Some(duration) => {
            Some(catalog.now().checked_add(duration).ok_or("the token would expire after the year 9999")?)
        }
        None => None,
    };
    let record = catalog.create(NewToken { expires_at, ..token }).await?;
    Ok(created(&record, &secret))
}

fn refused(error: &dyn Error) -> Reply {
    Reply::Refused(with_causes(error))
}

fn created(record: &TokenRecord, secret: &Secret) -> AdminTokenObject {
    let Summary { id, name, hash, created_at, expiry, .. } = Summary::from(record);
    AdminTokenObject {
        id: Some(i64::try_from(id).expect("a store gives out IDs that fit the document's integer")),
        name: Some(name),
        token: Some(models::Secret(secret.expose().to_owned())),
        hash: Some(hash),
        created_at: Some(created_at),
        expiry: Some(serde_json::to_value(expiry).expect("a time is serializable")),
    }
}

impl From<&TokenRecord> for Summary {
    fn from(record: &TokenRecord) -> Self {
        Self {
            id: record.id.as_u64(),
            name: record.name.to_string(),
            hash: record.digest.to_string(),
            created_at: date_time(record.created_at),
            expiry: record.expires_at.map(date_time),
            permissions: record.permissions.to_string(),
        }
    }
}

fn date_time(timestamp: Timestamp) -> DateTime<Utc> {
    let millis = i64::try_from(timestamp.as_millis()).expect("a timestamp is not after the year 9999");
    DateTime::from_timestamp_millis(millis).expect("a timestamp is not after the year 9999")
}

/// Makes the socket, for the own user only, in the place of one that a server left behind when it was killed.
///
/// To be called by who has the store of the same directory open, so that no other server uses the socket.
///
/// # Errors
///
/// When the socket cannot be made there.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves requests until it is dropped. `path` is where `listener` was bound.
pub async fn serve(listener: UnixListener, path: &Path, catalog: Catalog) {
    let owner = fs::metadata(path).map(|metadata| metadata.uid());
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let peer = stream.peer_cred().map(|peer| peer.uid());
                // The superuser can read the database as well.
                let allowed = peer.is_ok_and(|peer| peer == 0 || owner.as_ref().is_ok_and(|owner| *owner == peer));
                tokio::spawn(converse(stream, allowed.then(|| catalog.clone())));
            }
            Err(error) => {
                tracing::error!(%error, "the control socket cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Answers what is asked; without a catalog, by refusing it.
async fn converse(stream: UnixStream, catalog: Option<Catalog>) {
    let mut connection = Connection::new(stream);
    while let Ok(Some(request)) = connection.receive().await {
        let reply = match &catalog {
            Some(catalog) => answer(catalog, request).await,
            None => Reply::Refused("the server belongs to another user".to_owned()),
        };
        if let Err(error) = connection.send(&reply).await {
            tracing::debug!(%error, "a command went away before its reply");
            return;
        }
    }
}

/// The command line's end of the control socket.
#[derive(Debug)]
pub struct Client(Connection);

impl Client {
    /// Connects to the server whose control socket is at `path`.
    ///
    /// # Errors
    ///
    /// `NotFound` or `ConnectionRefused` where no server runs.
    pub async fn connect(path: &Path) -> io::Result<Self> {
        Ok(Self(Connection::new(UnixStream::connect(path).await?)))
    }

    /// Asks, and waits for the reply.
    ///
    /// # Errors
    ///
    /// When the server goes away first; what was asked for may have been done then.
    pub async fn ask(&mut self, request: &Request) -> io::Result<Reply> {
        self.0.send(request).await?;
        self.0.receive().await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

#[derive(Debug)]
struct Connection(BufReader<UnixStream>);

impl Connection {
    fn new(stream: UnixStream) -> Self {
        Self(BufReader::new(stream))
    }

    async fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.0.write_all(&line).await
    }

    /// The next message; `None` at the end. An error does not show what was sent, which may be a secret.
    async fn receive<M: for<'de> Deserialize<'de>>(&mut self) -> io::Result<Option<M>> {
        let mut line = Vec::new();
        (&mut self.0).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(&line).map(Some).map_err(|_| io::Error::other("not a message of this version"))
    }
}

//! Keys of `EtcdStore` that the benchmark writes itself: many tokens at once, and deletions without the store.

use std::sync::Arc;

use etcd_client::{Client, Compare, CompareOp, Txn, TxnOp};
use futures::{StreamExt, TryStreamExt, stream};
use influxdb3_tokens::{Catalog, EtcdOptions, EtcdStore, Secret, SystemClock};
use serde_json::json;
use sha2::{Digest, Sha512};

use crate::{Failure, OPERATOR};

/// Tokens in a transaction, each with five keys. etcd takes 128 operations.
const TOKENS: u64 = 25;

/// Transactions under way at a time.
const TRANSACTIONS: usize = 8;

/// The members of etcd: `HOST:PORT`, separated by commas.
#[derive(Clone)]
pub struct Members(Vec<String>);

impl Members {
    pub fn parse(text: &str) -> Self {
        Self(text.split(',').map(str::to_owned).collect())
    }

    pub fn first(&self) -> &str {
        &self.0[0]
    }

    /// A node that asks the member with this number first, with the tokens under `prefix`.
    pub async fn node(&self, number: usize, prefix: &str) -> Result<Catalog, Failure> {
        let mut members = self.0.clone();
        members.rotate_left(number % self.0.len());
        let options = EtcdOptions::from_url(&format!("etcd://{}{prefix}", members.join(",")))?;
        Ok(Catalog::open(Arc::new(EtcdStore::open(options).await?), Arc::new(SystemClock)).await?)
    }

    /// A connection to the member with this number.
    pub async fn client(&self, number: usize) -> Result<Client, Failure> {
        let member = &self.0[number % self.0.len()];
        Ok(Client::connect([format!("http://{member}")], None).await?)
    }

    /// Puts the operator token and `count` others, with IDs from 1 on, and returns the secrets of the others.
    pub async fn fill(&self, prefix: &str, count: u64) -> Result<Vec<Secret>, Failure> {
        crate::create(&self.node(0, prefix).await?, 0).await?;
        let secrets = (0..count).map(|_| Secret::generate()).collect::<Result<Vec<_>, _>>()?;
        let client = self.client(0).await?;
        let transactions = (1..=count).step_by(TOKENS as usize).map(|first| {
            let ids = first..=count.min(first + TOKENS - 1);
            let puts = ids.flat_map(|id| token(prefix, id, &secrets[id as usize - 1])).collect::<Vec<_>>();
            let client = client.clone();
            async move { client.kv_client().txn(Txn::new().and_then(puts)).await }
        });
        stream::iter(transactions).buffer_unordered(TRANSACTIONS).try_for_each(|_| async { Ok(()) }).await?;
        let next = put(format!("{prefix}/next-id"), (count + 1).to_string());
        client.kv_client().txn(Txn::new().and_then([next, put_head(prefix)])).await?;
        Ok(secrets)
    }
}

/// The keys of a token.
fn token(prefix: &str, id: u64, secret: &Secret) -> [TxnOp; 5] {
    let (name, digest) = (format!("token {id}"), digest(secret.expose()));
    let permissions = format!("db:metrics{}:read,write", id % 100);
    let record = json!({ "name": name, "digest": digest, "created_at": 0, "permissions": permissions });
    [
        put(format!("{prefix}/live/{id:020}"), record.to_string()),
        put(format!("{prefix}/names/{name}"), id.to_string()),
        put(format!("{prefix}/digests/{digest}"), id.to_string()),
        put(format!("{prefix}/register/{id:020}"), json!({ "name": name, "mark": nonce() }).to_string()),
        put_change(prefix, "created", id),
    ]
}

/// The transaction by which `EtcdStore` deletes one token, with the same preconditions, operations and reads.
pub fn deletion(prefix: &str, id: u64) -> Txn {
    let (compares, operations, reads) = change(prefix, id);
    let compares = [is_store(prefix)].into_iter().chain(compares).collect::<Vec<_>>();
    let operations = [put_head(prefix)].into_iter().chain(operations).collect::<Vec<_>>();
    Txn::new().when(compares).and_then(operations).or_else(reads)
}

/// The same in a transaction of its own, as in one that deletes several tokens.
pub fn deletion_in_transaction(prefix: &str, id: u64) -> Txn {
    let (compares, operations, reads) = change(prefix, id);
    let inner = Txn::new().when(compares).and_then(operations).or_else(reads);
    Txn::new().when([is_store(prefix)]).and_then([put_head(prefix), TxnOp::txn(inner)])
}

/// The precondition that etcd has the store. Its UUID is not known here, so any other value than one as long is right.
fn is_store(prefix: &str) -> Compare {
    Compare::value(
        format!("{prefix}/cluster"),
        CompareOp::NotEqual,
        json!({ "format": 1, "uuid": nonce() }).to_string(),
    )
}

/// The preconditions, the operations, and the reads that tell which precondition failed.
fn change(prefix: &str, id: u64) -> ([Compare; 3], [TxnOp; 3], [TxnOp; 5]) {
    let cluster = format!("{prefix}/cluster");
    let (token, deleted) = (format!("{prefix}/live/{id:020}"), format!("{prefix}/deleted/{id:020}"));
    let (epoch, operator) = (format!("{prefix}/epoch"), format!("{prefix}/operator"));
    let compares = [
        Compare::create_revision(token.clone(), CompareOp::Greater, 0),
        Compare::value(epoch.clone(), CompareOp::Equal, "0"),
        Compare::value(operator.clone(), CompareOp::Equal, digest(OPERATOR)),
    ];
    let operations = [
        TxnOp::delete(token.clone(), None),
        put(deleted.clone(), format!("request {}", nonce())),
        put_change(prefix, "deleted", id),
    ];
    let reads = [cluster, token, deleted, epoch, operator].map(|key| TxnOp::get(key, None));
    (compares, operations, reads)
}

/// A record of the audit trail.
fn put_change(prefix: &str, change: &str, id: u64) -> TxnOp {
    let record = json!({ "change": change, "token": id, "at": 1_700_000_000_000_u64, "by": 0 });
    put(format!("{prefix}/audit/{:020}/{}", 0, nonce()), record.to_string())
}

fn put_head(prefix: &str) -> TxnOp {
    put(format!("{prefix}/live/head"), nonce())
}

fn put(key: String, value: String) -> TxnOp {
    TxnOp::put(key, value, None)
}

fn nonce() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn digest(secret: &str) -> String {
    Sha512::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

//! The identity of the store that was opened: an address may come to lead to another etcd, or to one that has lost its data.

use etcd_client::{Compare, CompareOp, Txn, TxnOp, TxnResponse};

use super::read::first;

/// The key `cluster` of the store that was opened, and its value.
#[derive(Debug)]
pub(super) struct StoreIdentity {
    key: String,
    value: Vec<u8>,
}

impl StoreIdentity {
    /// The store whose key `cluster` is this one, and has this value.
    pub(super) fn new(key: String, value: &[u8]) -> Self {
        Self { key, value: value.to_vec() }
    }

    /// A transaction that has no effect unless etcd has the store. If a precondition fails, it reads the key `cluster`, and
    /// then `reads`.
    pub(super) fn transaction(&self, mut compares: Vec<Compare>, operations: Vec<TxnOp>, reads: Vec<TxnOp>) -> Txn {
        compares.push(Compare::value(self.key.as_str(), CompareOp::Equal, self.value.as_slice()));
        let cluster = TxnOp::get(self.key.as_str(), None);
        Txn::new().when(compares).and_then(operations).or_else([vec![cluster], reads].concat())
    }

    /// Whether a [`transaction`](Self::transaction) had no effect because etcd does not have the store.
    pub(super) fn is_missing_in(&self, answer: &TxnResponse) -> bool {
        let found = || answer.op_responses().into_iter().next().and_then(first);
        !answer.succeeded() && found().is_none_or(|pair| pair.value() != self.value)
    }
}

//! What the live tokens and the memory of expired tokens synchronize threads with.
//!
//! `tests/ordering/` compiles the same modules with the types of `loom` instead, and runs them in every order.

pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(crate) use futures::task::AtomicWaker;

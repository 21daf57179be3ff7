//! Permissions that many tokens have, kept once.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::token::{Digest, Permissions};

/// How many copies of the same permissions there are at most. Who authenticates a token counts a reference to its
/// permissions: with one copy for all tokens, all threads would wait for one counter.
const COPIES: usize = 16;

/// The permissions of all tokens, so that those of a token that was not used for long are in the processor's cache all
/// the same, where other tokens have them too.
#[derive(Default)]
pub(super) struct SharedPermissions {
    copies: [Mutex<HashSet<Permissions>>; COPIES],
}

impl SharedPermissions {
    /// What the token whose secret has this digest is to have for permissions equal to these.
    pub(super) fn of(&self, digest: &Digest, permissions: &Permissions) -> Permissions {
        if permissions.is_admin() {
            return Permissions::ADMIN;
        }
        // A poisoned lock is taken all the same: a set that a panic leaves behind is whole.
        let copy = &self.copies[digest.prefix() as usize % COPIES];
        let mut known = copy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = known.get(permissions) {
            return shared.clone();
        }
        if known.len() == known.capacity() {
            known.retain(Permissions::is_shared);
            // As much again, so that this costs each insertion little.
            let additional = known.len() + 1;
            known.reserve(additional);
        }
        let own = permissions.to_unshared();
        known.insert(own.clone());
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permissions(number: u64) -> Permissions {
        format!("db:number{number}:read").parse().unwrap()
    }

    fn kept(shared: &SharedPermissions) -> usize {
        shared.copies.iter().map(|known| known.lock().unwrap().len()).sum()
    }

    #[test]
    fn equal_permissions_are_kept_in_few_copies() {
        let (shared, given) = (SharedPermissions::default(), permissions(7));
        let tokens: Vec<_> = (0..1000).map(|number| shared.of(&Digest::with_prefix(number), &given)).collect();
        assert!(tokens.iter().all(|of_token| *of_token == given));
        let copies: HashSet<_> = tokens.iter().map(|of_token| of_token.list().as_ptr()).collect();
        assert_eq!((copies.len(), kept(&shared)), (COPIES, COPIES));
    }

    #[test]
    fn permissions_that_no_token_has_any_more_are_forgotten() {
        let shared = SharedPermissions::default();
        for number in 0..10_000 {
            shared.of(&Digest::with_prefix(number), &permissions(number));
        }
        assert!(kept(&shared) < 16 * COPIES, "{}", kept(&shared));
    }

    #[test]
    fn permissions_that_a_token_has_stay_shared_while_others_come_and_go() {
        let shared = SharedPermissions::default();
        let first = shared.of(&Digest::with_prefix(0), &permissions(0));
        for number in 1..10_000 {
            shared.of(&Digest::with_prefix(number), &permissions(number));
        }
        let kept_before = kept(&shared);
        let again = shared.of(&Digest::with_prefix(COPIES as u64), &permissions(0));
        assert_eq!((again, kept(&shared)), (first, kept_before));
    }
}

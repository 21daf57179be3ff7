//! Deletions that confuse tokens.

use std::sync::atomic::Ordering;

use futures::FutureExt;
use influxdb3_token_contract::Subject::{Effect, Status};

use super::super::server::{parameter, presented, redirect, set_status};
use super::Change::{Answer, Request, Whole};
use super::{Wrong, wrong};
use crate::server::PATH;

pub(super) fn all() -> Vec<Wrong> {
    vec![
        wrong(
            "deletes-for-the-wrong",
            "A request with a wrong credential is answered with 401, but deletes the token.",
            ("credentials/BearerAuthentication/wrong", Effect),
            Whole(|right, head| {
                async move {
                    let answer = right.answer(&head).await;
                    let wrong = presented(&head).is_some_and(|it| right.catalog.authenticate(it).is_none());
                    if answer.status() == 401 && wrong {
                        right.delete(parameter(&head, "id").unwrap_or_default()).await;
                    }
                    answer
                }
                .boxed()
            }),
        ),
        wrong(
            "forgets-each-third",
            "Each third deletion is answered with 204, and the token stays.",
            ("effects/deleted-after-use", Effect),
            Whole(|right, mut head| {
                async move {
                    let named = right.named(&head);
                    let count = right.deleted.lock().unwrap().len() + right.notes.lock().unwrap().len();
                    let id = named.map(|token| token.id().to_string()).filter(|_| count % 3 == 2);
                    if let Some(id) = id.filter(|id| !right.notes.lock().unwrap().contains_key(id)) {
                        redirect(&mut head, &format!("{PATH}?id=none"));
                        let mut answer = right.answer(&head).await;
                        if answer.status() == 404 {
                            right.notes.lock().unwrap().insert(id, count);
                            set_status(&mut answer, 204);
                        }
                        return answer;
                    }
                    right.answer(&head).await
                }
                .boxed()
            }),
        ),
        wrong(
            "deletes-where-there-is-none",
            "A deletion that finds no token takes the one with the next ID.",
            ("effects/deleted-once", Effect),
            Whole(|right, head| {
                async move {
                    let answer = right.answer(&head).await;
                    let id = parameter(&head, "id").and_then(|id| id.parse::<u64>().ok());
                    if let Some(id) = id.filter(|_| answer.status() == 404) {
                        right.delete(id.saturating_add(1)).await;
                    }
                    answer
                }
                .boxed()
            }),
        ),
        wrong(
            "204-for-the-deleted",
            "Each deletion of a token that was deleted is answered with 204.",
            ("effects/deleted-token", Status),
            Answer(|right, head, answer| {
                let Some(id) = parameter(head, "id") else { return };
                let mut notes = right.notes.lock().unwrap();
                match answer.status().as_u16() {
                    204 => drop(notes.insert(id.to_owned(), right.requests.load(Ordering::SeqCst))),
                    404 if notes.contains_key(id) => set_status(answer, 204),
                    _ => {}
                }
            }),
        ),
        wrong(
            "overlooks-permission-tokens",
            "Only an admin token can be deleted.",
            ("effects/limited-token-deleted", Status),
            Request(|right, head| {
                if right.named(head).is_some_and(|token| !token.is_admin()) {
                    redirect(head, &format!("{PATH}?id=none"));
                }
            }),
        ),
    ]
}

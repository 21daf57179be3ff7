//! Deletions that delete the wrong token or none.

use std::sync::atomic::Ordering;

use futures::FutureExt;
use http::Response;
use http::request::Parts;
use hyper::body::Bytes;
use influxdb3_token_contract::Subject::{Effect, Status};
use influxdb3_tokens::TokenId;

use super::super::server::{Right, parameter, presented, redirect, set_status};
use super::Change::{Answer, Deletes, Request, Whole};
use super::{Wrong, wrong};
use crate::server::PATH;

pub(super) fn all() -> Vec<Wrong> {
    [rejected(), others(), answered()].concat()
}

/// Rejected requests that delete.
fn rejected() -> Vec<Wrong> {
    vec![
        wrong(
            "deletes-for-strangers",
            "The token is deleted, although the answer is 401.",
            ("credentials/missing", Effect),
            Deletes(|_, head, answer, _| {
                let stranger = answer.status() == 401 && presented(head).is_none();
                stranger.then(|| id_in(head))
            }),
        ),
        wrong(
            "deletes-for-the-limited",
            "The token is deleted, although the caller is told that it has no permission.",
            ("effects/not-permitted", Effect),
            Deletes(|right, head, answer, _| {
                let known = presented(head).is_some_and(|secret| right.catalog.authenticate(secret).is_some());
                (answer.status() == 401 && known).then(|| id_in(head))
            }),
        ),
        wrong(
            "deletes-with-405",
            "The token is deleted, although the method is rejected.",
            ("methods/GET", Effect),
            Deletes(|_, head, answer, _| (answer.status() == 405).then(|| id_in(head))),
        ),
        wrong(
            "deletes-with-400",
            "The token is deleted, although the request is rejected.",
            ("parameters/id/doubled", Effect),
            Deletes(|_, head, answer, _| (answer.status() == 400).then(|| id_in(head))),
        ),
    ]
}

/// Deletions of other tokens.
fn others() -> Vec<Wrong> {
    vec![
        wrong(
            "deletes-the-next",
            "The token with the next ID is deleted too.",
            ("effects/deleted", Effect),
            Deletes(|_, _, answer, named| named.filter(|_| answer.status() == 204).map(|id| (id + 1).to_string())),
        ),
        wrong(
            "deletes-the-one-before",
            "The token with the ID before is deleted too.",
            ("effects/deleted", Effect),
            Deletes(|_, _, answer, named| named.filter(|_| answer.status() == 204).map(|id| (id - 1).to_string())),
        ),
        wrong(
            "deletes-another",
            "The token with the next ID is deleted instead.",
            ("effects/deleted", Effect),
            Request(|right, head| {
                if let Some(token) = right.named(head) {
                    let target = format!("{}?id={}", head.uri.path(), token.id().as_u64() + 1);
                    redirect(head, &target);
                }
            }),
        ),
        wrong(
            "deletes-the-oldest",
            "Each deletion also deletes the oldest token.",
            ("effects/afterwards", Effect),
            Deletes(|right, _, answer, _| {
                let late = right.requests.load(Ordering::SeqCst) > 100;
                let live = |id: &TokenId| right.catalog.live().by_id(*id).is_some_and(|it| it.expires_at().is_none());
                let oldest = (1..1000).map(TokenId::from_u64).find(live);
                oldest.filter(|_| late && answer.status() == 204).map(|id| id.to_string())
            }),
        ),
        wrong(
            "deletes-all",
            "`*` deletes every token.",
            ("effects/other-id/wildcard", Status),
            Whole(|right, head| {
                async move {
                    let mut answer = right.answer(&head).await;
                    if parameter(&head, "id") == Some("*") && answer.status() == 404 {
                        for id in 1..1000 {
                            right.delete(id).await;
                        }
                        set_status(&mut answer, 204);
                    }
                    answer
                }
                .boxed()
            }),
        ),
    ]
}

/// Responses that contradict what happened.
fn answered() -> Vec<Wrong> {
    vec![
        wrong(
            "deletes-nothing",
            "The response is 204, and the token stays.",
            ("effects/deleted", Effect),
            Whole(|right, head| {
                async move {
                    if deletes(right, &head) {
                        let mut none = head.clone();
                        redirect(&mut none, "/api/v3/configure/token?id=none");
                        let mut answer = right.answer(&none).await;
                        set_status(&mut answer, 204);
                        return answer;
                    }
                    right.answer(&head).await
                }
                .boxed()
            }),
        ),
        wrong(
            "deletes-later",
            "The response is 204, and the token is deleted some requests later.",
            ("effects/deleted", Effect),
            Whole(|right, head| {
                async move {
                    let due = {
                        let mut notes = right.notes.lock().unwrap();
                        let due: Vec<String> =
                            notes.iter().filter(|(_, left)| **left == 0).map(|(id, _)| id.clone()).collect();
                        due.iter().for_each(|id| {
                            notes.remove(id);
                        });
                        notes.values_mut().for_each(|left| *left -= 1);
                        due
                    };
                    for id in due {
                        right.delete(id).await;
                    }
                    let named = right.named(&head).filter(|_| deletes(right, &head));
                    let Some(token) = named else { return right.answer(&head).await };
                    right.notes.lock().unwrap().entry(token.id().to_string()).or_insert(3);
                    let mut none = head.clone();
                    redirect(&mut none, "/api/v3/configure/token?id=none");
                    let mut answer = right.answer(&none).await;
                    set_status(&mut answer, 204);
                    answer
                }
                .boxed()
            }),
        ),
        wrong(
            "204-twice",
            "The second deletion of a token is answered with 204.",
            ("effects/deleted-once", Status),
            Answer(|right, head, answer| {
                let Some(id) = parameter(head, "id") else { return };
                let mut notes = right.notes.lock().unwrap();
                match answer.status().as_u16() {
                    204 => drop(notes.insert(id.to_owned(), 1)),
                    404 if notes.remove(id).is_some() => set_status(answer, 204),
                    _ => {}
                }
            }),
        ),
        wrong(
            "204-for-two",
            "Both of two concurrent deletions are answered with 204.",
            ("effects/deleted-by-one", Status),
            Whole(|right, head| at_once(right, head, 204).boxed()),
        ),
        wrong(
            "409-for-two",
            "One of two concurrent deletions is answered with 409.",
            ("effects/deleted-by-one", Status),
            Whole(|right, head| at_once(right, head, 409).boxed()),
        ),
        wrong(
            "answers-elsewhere",
            "A path that the document does not declare is answered with 200.",
            ("paths/cut", Status),
            Whole(|right, head| {
                async move {
                    if head.uri.path().ends_with("/toke") {
                        return Response::new(Bytes::from_static(b"{}"));
                    }
                    right.answer(&head).await
                }
                .boxed()
            }),
        ),
    ]
}

/// Answers the second of several concurrent deletions of a token with this status.
async fn at_once(right: &Right, head: Parts, status: u16) -> http::Response<Bytes> {
    if head.uri.path() != PATH || !deletes(right, &head) {
        return right.answer(&head).await;
    }
    let key = parameter(&head, "id").unwrap_or_default();
    let arrived = |more: usize| {
        let mut notes = right.notes.lock().unwrap();
        let arrived = notes.entry(key.to_owned()).or_default();
        *arrived += more;
        *arrived
    };
    let place = arrived(1);
    let _turn = right.turn.lock().await;
    // Lets concurrent requests arrive.
    for _ in (0..100).take_while(|_| place == 1 && arrived(0) == 1) {
        tokio::task::yield_now().await;
    }
    let mut answer = right.answer(&head).await;
    if place == 2 && answer.status() == 404 {
        set_status(&mut answer, status);
    }
    answer
}

/// The first ID in a request, as it was sent.
fn id_in(head: &Parts) -> String {
    parameter(head, "id").unwrap_or_default().to_owned()
}

/// Whether the right server would delete a token.
fn deletes(right: &Right, head: &Parts) -> bool {
    let caller = presented(head).and_then(|secret| right.catalog.authenticate(secret));
    head.method == "DELETE" && caller.is_some_and(|caller| caller.is_admin()) && right.named(head).is_some()
}

//! The generated client, used with the server and with other servers of the same document.

use std::net::Ipv4Addr;
use std::sync::Arc;

use influxdb3_token_api::models::ErrorMessage;
use influxdb3_token_api::security::{Authentication, AuthenticationError, Authenticator};
use influxdb3_token_api::server::Service;
use influxdb3_token_api::swagger::auth::AuthData;
use influxdb3_token_api::{
    Api, ApiError, Client, Context, DeleteTokenRequest, DeleteTokenResponse, Has, MockApi, XSpanIdString,
};
use influxdb3_tokens::StoreError;
use tokio::net::TcpListener;

use crate::document::Token;
use crate::limits::within;
use crate::running::{Fault, FaultyStore, Server};
use crate::serving;

#[tokio::test]
async fn the_client_returns_each_response_of_the_server_as_a_variant() {
    let server = Server::in_memory().await;
    let (operator, (token, _)) = (server.operator().await, server.token("*:*:*").await);
    let (_, reader) = server.token("db:a:read").await;
    let client = Client::try_new(&format!("http://{}", server.address)).unwrap();
    let delete = |token: Token, secret: &str| {
        let context = context(secret);
        let client = &client;
        async move { within("a response", client.delete_token(request(token), &context)).await.unwrap() }
    };

    assert_eq!(delete(token, &operator).await, DeleteTokenResponse::Success);
    assert_eq!(delete(token, &operator).await, DeleteTokenResponse::TokenNotFound);
    for (secret, reason) in
        [(&reader, "only an admin token may delete tokens"), (&"wrong".to_owned(), "a valid credential is required")]
    {
        assert_eq!(delete(token, secret).await, DeleteTokenResponse::UnauthorizedAccess(message(reason)));
    }
    let without: Context<AuthData> = Context::new(XSpanIdString::default(), None);
    let rejected = within("a response", client.delete_token(request("7"), &without)).await.unwrap();
    assert!(matches!(rejected, DeleteTokenResponse::UnauthorizedAccess(_)));
}

#[tokio::test]
async fn a_404_for_another_path_is_an_undeclared_response() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    let client = Client::try_new(&format!("http://{}/elsewhere", server.address)).unwrap();
    let error = within("a response", client.delete_token(request("7"), &context(&operator))).await.unwrap_err();
    assert!(matches!(error, ApiError::Undeclared { status, .. } if status == 404), "{error:?}");
}

#[tokio::test]
async fn a_failed_connection_and_a_503_are_unavailable() {
    let store = Arc::new(FaultyStore::default());
    let server = Server::over(Arc::clone(&store) as _).await;
    let (operator, (id, _)) = (server.operator().await, server.token("*:*:*").await);
    let client = Client::try_new(&format!("http://{}", server.address)).unwrap();

    store.inject(Fault::Fails(StoreError::Busy));
    let error = within("a response", client.delete_token(request(id), &context(&operator))).await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
    store.inject(Fault::Panics);
    let error = within("a response", client.delete_token(request(id), &context(&operator))).await.unwrap_err();
    assert!(matches!(error, ApiError::Undeclared { status, .. } if status == 500), "{error:?}");

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let client = Client::try_new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let error = within("a response", client.delete_token(request(id), &context(&operator))).await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
}

#[tokio::test]
async fn the_client_returns_every_declared_response_unchanged() {
    for response in [
        DeleteTokenResponse::Success,
        DeleteTokenResponse::TokenNotFound,
        DeleteTokenResponse::UnauthorizedAccess(message("no \"quotes\" 🦀")),
        DeleteTokenResponse::RequestFailed(message("a \\ and nothing else")),
        DeleteTokenResponse::RequestFailed(ErrorMessage { error: None, data: None }),
    ] {
        let answer = response.clone();
        let client = client_of(move |_, _| Ok(answer.clone())).await;
        assert_eq!(within("a response", client.delete_token(request("7"), &context("any"))).await.unwrap(), response);
    }
}

#[tokio::test]
async fn the_client_learns_of_a_failure_but_not_its_reason() {
    for unavailable in [false, true] {
        let fail = move |reason| if unavailable { ApiError::unavailable(reason) } else { ApiError::internal(reason) };
        let client = client_of(move |_, _| Err(fail("a detail"))).await;
        let error = within("a response", client.delete_token(request("7"), &context("any"))).await.unwrap_err();
        assert_eq!(error.is_unavailable(), unavailable, "{error:?}");
        assert!(!format!("{error:?}").contains("a detail"), "{error:?}");
    }
}

#[tokio::test]
async fn the_server_receives_any_text_and_the_span_id_unchanged() {
    let repeat = |span_id: &str, id: &str| format!("{span_id} {id}");
    let answer = move |span_id: &str, id: &str| Ok(DeleteTokenResponse::RequestFailed(message(&repeat(span_id, id))));
    let client = client_of(answer).await;
    let ascii: String = (0..=127).map(char::from).collect();
    let long = "é".repeat(10_000);
    for id in [
        "",
        " ",
        "+",
        "%",
        "%2B",
        "%zz",
        "&",
        "a&id=b&token_name=c",
        "=",
        "#",
        "?",
        "/",
        "..",
        "\"",
        "\\",
        "\0",
        "\r\n",
        "é",
        "e\u{301}",
        "\u{feff}",
        "\u{202e}",
        "🦀",
        "\u{10ffff}",
        &ascii,
        &long,
    ] {
        let response = within("a response", client.delete_token(request(id), &context("any"))).await.unwrap();
        assert_eq!(response, DeleteTokenResponse::RequestFailed(message(&repeat("my-span", id))), "{id:?}");
    }
}

/// A client of a server that accepts every caller and answers deletions with `answer`, which takes the span ID and the
/// text that selects the token.
async fn client_of<F>(answer: F) -> Client
where
    F: Fn(&str, &str) -> Result<DeleteTokenResponse, ApiError> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut api = MockApi::<Context<()>>::new();
    api.expect_delete_token().returning(move |request, context| {
        let XSpanIdString(span_id) = Has::<XSpanIdString>::get(context);
        answer(span_id, &request.id)
    });
    tokio::spawn(serving::serve(listener, Service::new(api, AcceptAll)));
    Client::try_new(&format!("http://{address}")).unwrap()
}

struct AcceptAll;

impl Authenticator for AcceptAll {
    type Principal = ();

    async fn authenticate(&self, _: Authentication<'_>) -> Result<(), AuthenticationError> {
        Ok(())
    }
}

/// The deletion of the token that this text selects.
pub(crate) fn request(token: impl ToString) -> DeleteTokenRequest {
    DeleteTokenRequest::with_id(token.to_string())
}

fn context(secret: &str) -> Context<AuthData> {
    Context::new(XSpanIdString("my-span".to_owned()), Some(AuthData::Bearer(secret.to_owned())))
}

fn message(error: &str) -> ErrorMessage {
    ErrorMessage { error: Some(error.to_owned()), data: None }
}

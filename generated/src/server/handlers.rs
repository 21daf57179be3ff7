//! A call of the trait for each operation: parameters in, a declared response out.

use std::error::Error;

use http::Response;
use http::request::Parts;

use super::Body;
use super::parameters::{self, Query};
use super::response::{self, Rejection};
use super::route::Route;
use crate::DeleteTokenResponse;
use crate::{Api, Context};

/// Calls the operation's method.
pub(super) async fn call<T, P, B>(
    route: Route,
    api: &T,
    parts: &Parts,
    body: B,
    context: &Context<P>,
) -> Result<Response<Body>, Rejection>
where
    T: Api<Context<P>> + Sync,
    P: Send + Sync,
    B: http_body::Body + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match route {
        Route::DeleteToken => {
            drop(body);
            delete_token(api, parts, context).await
        }
    }
}

/// `DELETE /api/v3/configure/token`
async fn delete_token<T, P>(api: &T, parts: &Parts, context: &Context<P>) -> Result<Response<Body>, Rejection>
where
    T: Api<Context<P>> + Sync,
    P: Send + Sync,
{
    let id = parameters::required("id", Query::of(parts).only("id")?)?;
    let response = api.delete_token(id, context).await;
    match response.map_err(|error| Rejection::failed("DeleteToken", error))? {
        DeleteTokenResponse::Success => Ok(response::empty(204, Route::DeleteToken)),
        DeleteTokenResponse::UnauthorizedAccess(body) => {
            response::json(401, "application/json", &body, Route::DeleteToken)
        }
        DeleteTokenResponse::TokenNotFound => Ok(response::empty(404, Route::DeleteToken)),
        DeleteTokenResponse::RequestFailed(body) => response::json(400, "application/json", &body, Route::DeleteToken),
    }
}

//! A call of the trait for each operation: parameters in, a declared response out.

use http::Response;
use http::request::Parts;

use super::Body;
use super::parameters;
use super::parameters::Query;
use super::rejection::Rejection;
use super::response;
use super::route::Route;
use crate::DeleteTokenResponse;
use crate::{Api, Context};

/// `DELETE /api/v3/configure/token`
pub(super) async fn delete_token<T, P>(
    api: &T,
    parts: &Parts,
    context: &Context<P>,
) -> Result<Response<Body>, Rejection>
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

//! Why etcd refused a request or did not answer, in words for the people who run it.

use std::error::Error as _;
use std::fmt;
use std::iter::successors;

use etcd_client::Error;

/// An error of the client of etcd. Its text is etcd's own message, or what the system or TLS says about the connection.
///
/// The client's text has Rust's notation of nested errors, and so it is not shown.
#[derive(Debug)]
pub(super) struct Cause(Error);

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection: Option<&dyn std::error::Error> = match &self.0 {
            Error::GRpcStatus(status) if status.source().is_none() => {
                // Every message of etcd begins with its name.
                let message = status.message().strip_prefix("etcdserver: ").unwrap_or(status.message());
                return f.write_str(if message.is_empty() { status.code().description() } else { message });
            }
            Error::GRpcStatus(status) => status.source(),
            Error::TransportError(error) => Some(error),
            _ => None,
        };
        // The innermost error says what happened; those around it say only that the transport failed.
        match successors(connection, |&error| error.source()).last() {
            Some(innermost) => write!(f, "{innermost}"),
            None => write!(f, "{}", self.0),
        }
    }
}

impl std::error::Error for Cause {}

#[cfg(test)]
mod tests {
    use etcd_client::{Client, ConnectOptions};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_failed_connection_is_shown_as_the_system_says_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);

        let mut client = Client::connect([address.to_string()], Some(ConnectOptions::new())).await.unwrap();
        let cause = Cause::from(client.get("key", None).await.unwrap_err());
        assert!(cause.to_string().starts_with("Connection refused"), "{cause}");
    }
}

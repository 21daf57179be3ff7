//! Connections whose clients send many requests without waiting.

use tokio::io::AsyncReadExt;
use tokio::runtime::Builder;

use super::{HTTP1_REQUEST, connection, server, within_an_hour};
use crate::serve::Limits;

#[test]
fn a_client_that_sends_many_requests_at_once_does_not_keep_others_waiting() {
    // The clients get a turn after each turn of the server.
    let runtime = Builder::new_current_thread().event_interval(1).enable_time().start_paused(true).build().unwrap();
    runtime.block_on(both());
}

async fn both() {
    let server = server(Limits::default()).await;
    let mut many = connection(&server, [192, 0, 2, 1].into(), &HTTP1_REQUEST.repeat(1000)).await.unwrap();
    let mut one = connection(&server, [192, 0, 2, 2].into(), HTTP1_REQUEST).await.unwrap();
    let mut response = vec![0; 1 << 16];
    assert!(within_an_hour(one.read(&mut response)).await.unwrap() > 0);
    let length = within_an_hour(many.read(&mut response)).await.unwrap();
    let answered = response[..length].windows(12).filter(|text| text == b"HTTP/1.1 404").count();
    // Without the limit, Tokio interrupts a connection after 16 requests over this stream, and 128 over TCP.
    assert!((1..=8).contains(&answered), "{answered}");
    // All are answered in the end.
    let mut rest = 1000 - answered;
    while rest > 0 {
        let length = within_an_hour(many.read(&mut response)).await.unwrap();
        rest -= response[..length].windows(12).filter(|text| text == b"HTTP/1.1 404").count();
    }
}

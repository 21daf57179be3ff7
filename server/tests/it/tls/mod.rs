//! TLS, with certificates that are made for each test.

pub(crate) mod certificates;
mod clients;
mod files;
mod reload;
mod self_signed;
mod validity;

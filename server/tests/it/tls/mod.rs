//! TLS, with certificates that are made for each test.

mod certificates;
mod clients;
mod files;
mod reload;
mod self_signed;

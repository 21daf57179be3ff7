//! The contract kit: the right server passes, and each of many wrong ones fails for the right reason.

mod documentation;
mod right;
mod server;
mod sources;
mod wrong;

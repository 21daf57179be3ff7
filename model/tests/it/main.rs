//! Runs the checker.

mod broken;
mod check;
mod sound;

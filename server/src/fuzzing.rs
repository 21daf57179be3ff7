//! What `fuzz/` calls of the server. It exists only under `--cfg fuzzing`, so no other crate can come to need it.

pub use crate::cli::fuzzing::{parse_arguments, read_token_files, write_token_file};
pub use crate::control::fuzzing::{are_replies, ask, converse};
pub use crate::serve::serve_one;

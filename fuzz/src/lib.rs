//! What several fuzz targets share: secrets that are the same in each run, the tokens that have them, and checks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use influxdb3_tokens::{Catalog, MemoryStore, NewToken, Permissions, Secret, SystemClock};
use serde::de::IgnoredAny;
use tempfile::TempDir;

/// The secret of the operator token of [`catalog`], as it stands in the inputs: it has the form of a secret and looks
/// like none.
pub const OPERATOR: &str =
    concat!("apiv3_", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",);

/// The secret number `index`; number 0 is [`OPERATOR`].
pub fn secret(index: u8) -> Secret {
    let mut bytes = [0; 64];
    bytes[0] = index;
    format!("apiv3_{}", URL_SAFE_NO_PAD.encode(bytes)).parse().expect("64 bytes in base64 are a secret")
}

/// A token with secret number `index`.
pub fn token(name: &str, permissions: Permissions, index: u8) -> NewToken {
    NewToken::given(name.parse().expect("the name is valid"), permissions, &secret(index))
}

/// A catalog in memory: the operator token, the admin token `ci` with ID 1 and secret 1, and the token `reader` with ID 2
/// and secret 2, which may read one database.
pub async fn catalog() -> Catalog {
    let catalog = Catalog::open(Arc::new(MemoryStore::new()), Arc::new(SystemClock)).await.expect("it is new");
    let reader = "db:metrics:read".parse().expect("it is a permission");
    for token in
        [token("_admin", Permissions::ADMIN, 0), token("ci", Permissions::ADMIN, 1), token("reader", reader, 2)]
    {
        catalog.create(token).await.expect("the store is empty");
    }
    catalog
}

/// A runtime on this thread, whose clock jumps to the next timer when every task waits.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime can be built").block_on(future)
}

/// A private folder, in memory where the system has such a place.
pub fn folder() -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let private = fs::Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix("influxdb3-tokens-fuzz-").permissions(private).tempdir_in(folder);
    folder.expect("a folder can be made")
}

/// Whether `bytes` are JSON in UTF-8 (RFC 8259, sections 2 and 8.1). Numbers have no limit, as in a property that a model
/// does not know: a `Value` would refuse `1e999` there.
pub fn is_json(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// Whether `text` occurs in `bytes`.
pub fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

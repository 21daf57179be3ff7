//! No test waits without a limit: a wait that takes too long fails and says what it waited for.

use std::fmt::Display;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Far longer than any wait takes, also on a slow machine that runs other tests at the same time.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Awaits a future.
pub(crate) async fn within<F: Future>(what: impl Display, future: F) -> F::Output {
    // A timer of the test's own runtime would fire at once if the test has paused its clock.
    static CLOCK: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap());
    let limit = {
        let _entered = CLOCK.enter();
        tokio::time::sleep(LIMIT)
    };
    tokio::select! {
        biased;
        output = future => output,
        () = limit => panic!("waited {LIMIT:?} for {what}"),
    }
}

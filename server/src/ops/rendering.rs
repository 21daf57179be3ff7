//! A text that is expensive to render and that many may ask for at a time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::body::Bytes;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

/// The least time from the end of one rendering to the beginning of the next.
const PAUSE: Duration = Duration::from_millis(50);

/// Renders one text at a time, and rests in between. Requests that wait meanwhile share the next one, so no number of them
/// takes more of the machine, and none gets a text that was rendered before it asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Rendering {
    /// How many renderings have begun.
    begun: Arc<AtomicU64>,
    last: Arc<Mutex<Option<Rendered>>>,
}

#[derive(Debug)]
struct Rendered {
    /// How many had begun with this one.
    number: u64,
    ended: Instant,
    /// `None` if the rendering failed.
    text: Option<Bytes>,
}

impl Rendering {
    /// A text that was rendered after this was called; `None` if that failed.
    pub(super) async fn get(
        &self,
        render: impl FnOnce() -> Result<String, fmt::Error> + Send + 'static,
    ) -> Option<Bytes> {
        let before = self.begun.load(Ordering::Acquire);
        let mut last = Arc::clone(&self.last).lock_owned().await;
        if let Some(last) = &*last {
            if last.number > before {
                return last.text.clone();
            }
            sleep_until(last.ended + PAUSE).await;
        }
        let begun = Arc::clone(&self.begun);
        // The lock is held until the rendering ends, even if the client does not wait for it.
        let rendering = spawn_blocking(move || {
            let number = begun.fetch_add(1, Ordering::AcqRel) + 1;
            let text = render().ok().map(Bytes::from);
            *last = Some(Rendered { number, ended: Instant::now(), text: text.clone() });
            text
        });
        rendering.await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures::future::join_all;

    use super::*;

    fn counting(count: &Arc<AtomicUsize>) -> impl FnOnce() -> Result<String, fmt::Error> + Send + 'static {
        let count = Arc::clone(count);
        move || Ok((count.fetch_add(1, Ordering::Relaxed) + 1).to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_come_together_share_a_rendering_that_began_after_they_came() {
        let (rendering, count) = (Rendering::default(), Arc::new(AtomicUsize::new(0)));
        assert_eq!(rendering.get(counting(&count)).await.unwrap(), "1");
        let texts = join_all((0..100).map(|_| rendering.get(counting(&count)))).await;
        assert!(texts.into_iter().all(|text| text.unwrap() == "2"));
    }

    #[tokio::test(start_paused = true)]
    async fn renderings_have_pauses_between_them() {
        let (rendering, count) = (Rendering::default(), Arc::new(AtomicUsize::new(0)));
        let begun = Instant::now();
        for expected in 1..=11 {
            assert_eq!(rendering.get(counting(&count)).await.unwrap(), expected.to_string());
        }
        assert!(begun.elapsed() >= 10 * PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_wait_starts_no_second_rendering() {
        let (rendering, count) = (Rendering::default(), Arc::new(AtomicUsize::new(0)));
        let (begin, begun) = std::sync::mpsc::channel();
        let (held, hold) = std::sync::mpsc::channel::<()>();
        let first = rendering.clone();
        let first = tokio::spawn(async move {
            first
                .get(move || {
                    begin.send(()).unwrap();
                    // The test drops the other end; ignore the error.
                    let _ = hold.recv();
                    Ok(String::new())
                })
                .await
        });
        spawn_blocking(move || begun.recv()).await.unwrap().unwrap();
        first.abort();
        let second = rendering.get(counting(&count));
        tokio::pin!(second);
        assert!(futures::poll!(second.as_mut()).is_pending());
        assert!(rendering.last.try_lock().is_err());
        drop(held);
        assert_eq!(second.await.unwrap(), "1");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rendering_that_fails_or_panics_does_not_keep_the_next_from_working() {
        let (rendering, count) = (Rendering::default(), Arc::new(AtomicUsize::new(0)));
        assert_eq!(rendering.get(|| Err(fmt::Error)).await, None);
        assert_eq!(rendering.get(|| panic!("a panic of a test")).await, None);
        assert_eq!(rendering.get(counting(&count)).await.unwrap(), "1");
    }
}

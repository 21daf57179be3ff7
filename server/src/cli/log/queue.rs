//! A bounded queue of log lines, and the thread that writes them.

use std::io;
use std::mem::take;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How many bytes wait at most. As many again may be with the thread.
const CAPACITY: usize = 1 << 20;

/// The longest line, in bytes.
const LONGEST_LINE: usize = 64 << 10;

/// How long the thread waits after a write that failed.
const PAUSE: Duration = Duration::from_millis(100);

/// Lines that wait for the thread. Adding one never waits for a write.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// How many lines were dropped since the start.
    dropped: AtomicU64,
    arrived: Condvar,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    /// How many lines were dropped after `lines` were added.
    dropped: u64,
    is_ending: bool,
    has_ended: bool,
}

/// The lines that report dropped ones.
pub(super) trait Report: Send + 'static {
    /// `count` lines were dropped since the last report, and `in_all` since the start.
    fn dropped(&self, count: u64, in_all: u64) -> Vec<u8>;

    /// The last line, if any were dropped.
    fn last(&self, in_all: u64) -> Vec<u8>;
}

impl Queue {
    /// Starts the thread, which calls `write` with bytes until it has taken all of them.
    pub(super) fn start<W>(write: W, report: impl Report) -> io::Result<Arc<Self>>
    where
        W: FnMut(&[u8]) -> io::Result<usize> + Send + 'static,
    {
        let queue = Arc::new(Self::default());
        let writer = Writer { queue: Arc::clone(&queue), write, in_all: 0 };
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.run(&report))?;
        Ok(queue)
    }

    /// Adds a line, or counts it as dropped if it is too long or the queue is full.
    pub(super) fn add(&self, line: &[u8]) {
        let mut waiting = self.lock();
        if line.len() > LONGEST_LINE || waiting.lines.len() + line.len() > CAPACITY {
            waiting.dropped = waiting.dropped.saturating_add(1);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        } else {
            waiting.lines.extend_from_slice(line);
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// How many lines were dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Ends the thread, and waits for it to write what is left, but not longer than `patience`.
    pub(super) fn end(&self, patience: Duration) {
        let mut waiting = self.lock();
        waiting.is_ending = true;
        self.arrived.notify_one();
        // The thread may be stuck in a write; the process ends all the same.
        let _ = self.ended.wait_timeout_while(waiting, patience, |waiting| !waiting.has_ended);
    }

    /// Waits for lines. Returns them, and how many were dropped after them. Returns `None` at the end.
    fn next(&self) -> Option<(Vec<u8>, u64)> {
        let is_idle = |waiting: &mut Waiting| waiting.lines.is_empty() && waiting.dropped == 0 && !waiting.is_ending;
        let waiting = self.arrived.wait_while(self.lock(), is_idle);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let (lines, dropped) = (take(&mut waiting.lines), take(&mut waiting.dropped));
        (!lines.is_empty() || dropped > 0).then_some((lines, dropped))
    }

    /// Waits until a write that failed can be tried again. Returns `false` at the end.
    fn pause(&self) -> bool {
        let waited = self.arrived.wait_timeout_while(self.lock(), PAUSE, |waiting| !waiting.is_ending);
        !waited.unwrap_or_else(PoisonError::into_inner).0.is_ending
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Writer<W> {
    queue: Arc<Queue>,
    write: W,
    /// How many lines were dropped since the start.
    in_all: u64,
}

impl<W: FnMut(&[u8]) -> io::Result<usize>> Writer<W> {
    fn run(mut self, report: &impl Report) {
        let _ = self.write_until_the_end(report);
        self.queue.lock().has_ended = true;
        self.queue.ended.notify_all();
    }

    fn write_until_the_end(&mut self, report: &impl Report) -> Result<(), Ended> {
        while let Some((lines, dropped)) = self.queue.next() {
            self.write_all(&lines)?;
            if dropped > 0 {
                self.in_all = self.in_all.saturating_add(dropped);
                self.write_all(&report.dropped(dropped, self.in_all))?;
            }
        }
        if self.in_all > 0 {
            self.write_all(&report.last(self.in_all))?;
        }
        Ok(())
    }

    /// Keeps trying, because no later line may overtake these, and a line must not be written in part.
    fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Ended> {
        while !bytes.is_empty() {
            match (self.write)(bytes) {
                Ok(written) if written > 0 => bytes = &bytes[written.min(bytes.len())..],
                _ if self.queue.pause() => {}
                // A last attempt: the disk may have room since the one before.
                _ => match (self.write)(bytes) {
                    Ok(written) if written > 0 => bytes = &bytes[written.min(bytes.len())..],
                    _ => return Err(Ended),
                },
            }
        }
        Ok(())
    }
}

/// The log ends, and its last lines cannot be written.
struct Ended;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    struct Plain;

    impl Report for Plain {
        fn dropped(&self, count: u64, in_all: u64) -> Vec<u8> {
            format!("dropped {count} of {in_all}\n").into()
        }

        fn last(&self, in_all: u64) -> Vec<u8> {
            format!("dropped {in_all} in all\n").into()
        }
    }

    /// A queue whose writes arrive in a channel; each waits for a permit from the other.
    fn gated() -> (Arc<Queue>, Receiver<Vec<u8>>, Sender<()>) {
        let ((written, arrives), (permit, permitted)) = (channel(), channel());
        let write = move |bytes: &[u8]| {
            written.send(bytes.to_vec()).unwrap();
            permitted.recv_timeout(LIMIT).unwrap();
            Ok(bytes.len())
        };
        (Queue::start(write, Plain).unwrap(), arrives, permit)
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_full_queue_drops_and_counts_lines_and_reports_them_after_those_it_kept() {
        let (queue, arrives, permit) = gated();
        queue.add(b"first\n");
        assert_eq!(text(arrives.recv_timeout(LIMIT).unwrap()), "first\n");
        // The thread is stuck in its write from here on.
        let line = [[b'x'; 1023].as_slice(), b"\n"].concat();
        let fit = CAPACITY / line.len();
        for _ in 0..fit + 7 {
            queue.add(&line);
        }
        queue.end(Duration::ZERO);
        for _ in 0..4 {
            permit.send(()).unwrap();
        }
        assert_eq!(arrives.recv_timeout(LIMIT).unwrap(), line.repeat(fit));
        assert_eq!(text(arrives.recv_timeout(LIMIT).unwrap()), "dropped 7 of 7\n");
        assert_eq!(text(arrives.recv_timeout(LIMIT).unwrap()), "dropped 7 in all\n");
        queue.end(LIMIT);
    }

    #[test]
    fn a_line_that_is_too_long_is_dropped_and_counted() {
        let (queue, arrives, permit) = gated();
        queue.add(&[b'x'; LONGEST_LINE + 1]);
        permit.send(()).unwrap();
        assert_eq!(text(arrives.recv_timeout(LIMIT).unwrap()), "dropped 1 of 1\n");
    }

    #[test]
    fn a_line_of_which_a_part_was_written_is_completed_once_writing_works_again() {
        let (written, arrives) = channel();
        let works = Arc::new(AtomicBool::new(false));
        let mut is_first = true;
        let write = {
            let works = Arc::clone(&works);
            move |bytes: &[u8]| {
                let taken = if take(&mut is_first) {
                    2
                } else if works.load(Ordering::Relaxed) {
                    bytes.len()
                } else {
                    return Err(io::ErrorKind::StorageFull.into());
                };
                written.send(bytes[..taken].to_vec()).unwrap();
                Ok(taken)
            }
        };
        let queue = Queue::start(write, Plain).unwrap();
        queue.add(b"first\n");
        assert_eq!(text(arrives.recv_timeout(LIMIT).unwrap()), "fi");
        queue.add(b"second\n");
        works.store(true, Ordering::Relaxed);
        let mut rest = String::new();
        while rest.len() < "rst\nsecond\n".len() {
            rest += &text(arrives.recv_timeout(LIMIT).unwrap());
        }
        assert_eq!(rest, "rst\nsecond\n");
        queue.end(LIMIT);
    }

    #[test]
    fn the_end_does_not_wait_for_a_log_that_cannot_be_written() {
        let queue = Queue::start(|_: &[u8]| Err(io::ErrorKind::StorageFull.into()), Plain).unwrap();
        queue.add(b"line\n");
        queue.end(LIMIT);
        assert!(queue.lock().has_ended);
    }
}

//! Damage to the files after a kill: no deleted token is accepted again, and no other token is lost or changed.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::Path;
use std::thread;

use super::*;
use crate::store::sqlite::read;
use crate::token::{Principal, TokenRecord};

/// The files of a store that was killed.
#[derive(Clone)]
struct Killed {
    files: Files,
    live: Vec<Principal>,
    /// In the order of their deletion.
    deleted: Vec<Digest>,
    /// How many of them the last commit deleted.
    last: usize,
}

/// The contents of files, by what their names add to that of the database.
type Files = Vec<(&'static str, Vec<u8>)>;

const DATABASE: &str = "";
const LOG: &str = "-wal";
const MARK: &str = "-mark";

impl Killed {
    /// A store of some 60 tokens. Some are deleted and compacted, others are deleted in commits that are in the log.
    ///
    /// The log is that of a second round, over the remains of the first. If `is_checkpointed`, everything in it is in the
    /// database instead, and it is empty.
    async fn new(is_checkpointed: bool) -> Self {
        Self::after(is_checkpointed, &mut |_| ()).await
    }

    /// Like [`Self::new`]. Passes the files to `older` from time to time.
    async fn after(is_checkpointed: bool, older: &mut dyn FnMut(Files)) -> Self {
        let subject = Subject::new().await;
        let go = subject.hold();
        let store = &subject.store;
        let operator = NewToken { name: "_admin".parse().unwrap(), ..token(0, 1000) };
        let operator = NewToken { expires_at: None, ..operator };
        let all = (1..=60).map(|number| token(number, 1000 + number)).chain([operator]);
        let created = futures::future::join_all(all.map(|token| store.create(creation(token))));
        let (created, ()) = tokio::join!(biased; created, async { go.send(()).unwrap() });
        let record = |outcome| match outcome {
            Ok(CreationOutcome::Created(record)) => record,
            other => panic!("{other:?}"),
        };
        let mut records: Vec<TokenRecord> = created.into_iter().map(record).collect();
        let mut deleted = vec![records.pop().unwrap().digest];
        for id in 1..=10 {
            store.delete(deletion(TokenId::from_u64(id))).await.unwrap();
        }
        subject
            .tamper(|writer| {
                writer.compact();
                writer.query("PRAGMA wal_checkpoint(RESTART)");
            })
            .await;
        older(read_files(&subject.path));
        store.regenerate(regeneration(2000, None)).await.unwrap();
        older(read_files(&subject.path));
        // Commits of one and of several changes.
        for ids in [11..=11, 12..=20, 21..=21, 22..=22, 23..=28, 29..=29, 30..=30] {
            let go = subject.hold();
            let ids: Vec<_> = ids.map(|id| store.delete(deletion(TokenId::from_u64(id)))).collect();
            tokio::join!(biased; futures::future::join_all(ids), async { go.send(()).unwrap() });
            older(read_files(&subject.path));
        }
        if is_checkpointed {
            subject.tamper(|writer| writer.query("PRAGMA wal_checkpoint(TRUNCATE)")).await;
        }
        deleted.extend(records.drain(..30).map(|record| record.digest));
        let operator = subject.live.by_id(TokenId::OPERATOR).unwrap();
        let live = records.iter().map(Principal::from).chain([operator]).collect();
        Self { files: read_files(&subject.path), live, deleted, last: 1 }
    }

    fn file(&mut self, suffix: &str) -> &mut Vec<u8> {
        &mut self.files.iter_mut().find(|(name, _)| *name == suffix).unwrap().1
    }

    fn without(&self, suffix: &str) -> Self {
        let files = self.files.iter().filter(|(name, _)| *name != suffix).cloned().collect();
        Self { files, live: self.live.clone(), deleted: self.deleted.clone(), last: self.last }
    }

    /// Writes the files to a new directory.
    fn write(&self) -> Place {
        let root =
            tempfile::tempdir_in(if Path::new("/dev/shm").exists() { "/dev/shm".into() } else { std::env::temp_dir() });
        let root = root.unwrap();
        let path = root.path().join("data/tokens.db");
        fs::DirBuilder::new().mode(0o700).create(path.parent().unwrap()).unwrap();
        let file = |(suffix, contents): &(&'static str, Vec<u8>)| {
            let mut options = OpenOptions::new();
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let path = file::beside(&path, suffix);
            let file = options.read(true).write(true).create_new(true).open(path).unwrap();
            file.write_all_at(contents, 0).unwrap();
            (*suffix, file)
        };
        let files = self.files.iter().map(file).collect();
        Place { path, files, _root: root }
    }

    /// Loads the files as a start does. Describes what an accepted file has wrong.
    fn verdict(&self, place: &Place) -> Verdict {
        let Ok((connection, cluster)) = schema::connect(&place.path) else { return Verdict::Refused };
        let mut live = LiveTokensWriter::new();
        if read::load(&connection, cluster, &mut live).is_err() {
            return Verdict::Refused;
        }
        let live = live.tokens();
        let revived = self.deleted.iter().filter(|digest| live.find(digest).is_some()).count();
        let certain = &self.deleted[..self.deleted.len() - self.last];
        if certain.iter().any(|digest| live.find(digest).is_some()) {
            return Verdict::Wrong("a deleted token is live");
        }
        if !self.live.iter().all(|token| live.find(token.digest()).as_ref() == Some(token)) {
            return Verdict::Wrong("a token is lost or changed");
        }
        match revived {
            0 if live.len() != self.live.len() => Verdict::Wrong("a token is live that never was"),
            0 => Verdict::Accepted,
            _ => Verdict::LastRevived,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Refused,
    Accepted,
    /// Only the last commit is missing.
    LastRevived,
    Wrong(&'static str),
}

fn read_files(path: &Path) -> Files {
    let read = |suffix| fs::read(file::beside(path, suffix)).unwrap();
    let mut log = read(LOG);
    // The rest is zeros. Keep a little of it.
    let used = log.iter().rposition(|byte| *byte != 0);
    log.truncate(used.map_or(0, |last| last + 10_000));
    vec![(DATABASE, read(DATABASE)), (LOG, log), (MARK, read(MARK))]
}

/// A copy of the files, which a refused or accepted start leaves as they are.
struct Place {
    path: PathBuf,
    files: Vec<(&'static str, File)>,
    _root: TempDir,
}

impl Place {
    fn file(&self, suffix: &str) -> &File {
        &self.files.iter().find(|(name, _)| *name == suffix).unwrap().1
    }

    fn flip(&self, suffix: &str, bit: usize) {
        let mut byte = [0];
        let (file, at) = (self.file(suffix), (bit / 8) as u64);
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 1 << (bit % 8)], at).unwrap();
    }
}

/// How many of the flips had each verdict.
#[derive(Debug, Default)]
struct Tally {
    refused: usize,
    accepted: usize,
    last_revived: usize,
}

/// Flips each bit whose number is a multiple of `stride`, alone.
fn flip_bits(killed: &Killed, suffix: &'static str, stride: usize) -> Tally {
    let bits = killed.files.iter().find(|(name, _)| *name == suffix).unwrap().1.len() * 8;
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let worker = |number: usize| {
        let place = killed.write();
        let mut tally = Tally::default();
        for bit in (number * stride..bits).step_by(workers * stride) {
            place.flip(suffix, bit);
            match killed.verdict(&place) {
                Verdict::Refused => tally.refused += 1,
                Verdict::Accepted => tally.accepted += 1,
                Verdict::LastRevived => tally.last_revived += 1,
                Verdict::Wrong(what) => panic!("{what} after bit {bit} of tokens.db{suffix} was flipped"),
            }
            place.flip(suffix, bit);
        }
        assert_eq!(killed.verdict(&place), Verdict::Accepted, "a start has changed the files");
        tally
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|number| scope.spawn(move || worker(number))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).fold(Tally::default(), |a, b| Tally {
            refused: a.refused + b.refused,
            accepted: a.accepted + b.accepted,
            last_revived: a.last_revived + b.last_revived,
        })
    })
}

/// The strides share no factor with the size of a page, so that they meet every kind of field.
#[tokio::test]
async fn a_flipped_bit_revives_no_deleted_token_and_loses_none() {
    flip_all(401).await;
}

/// `make test-long-damage` runs this.
#[tokio::test]
#[ignore = "takes many minutes"]
async fn every_second_bit_flipped_alone_revives_no_deleted_token_and_loses_none() {
    flip_all(2).await;
}

#[expect(clippy::print_stdout, reason = "the figures of docs/reliability/damage.md")]
async fn flip_all(stride: usize) {
    for is_checkpointed in [false, true] {
        let killed = Killed::new(is_checkpointed).await;
        for suffix in [MARK, DATABASE, LOG] {
            let tally = flip_bits(&killed, suffix, stride);
            println!("tokens.db{suffix}, checkpointed: {is_checkpointed}: {tally:?}");
            assert_eq!(tally.last_revived, 0, "{tally:?}");
            assert!(suffix != DATABASE || tally.refused > 0, "{tally:?}");
        }
        let unmarked = killed.without(MARK);
        for suffix in [DATABASE, LOG] {
            let tally = flip_bits(&unmarked, suffix, stride);
            println!("tokens.db{suffix}, checkpointed: {is_checkpointed}, without a mark: {tally:?}");
        }
    }
}

#[tokio::test]
async fn a_damaged_sector_or_page_revives_no_deleted_token_and_loses_none() {
    for is_checkpointed in [false, true] {
        let killed = Killed::new(is_checkpointed).await;
        for suffix in [DATABASE, LOG, MARK] {
            let contents = killed.clone().file(suffix).clone();
            for size in [512, 4096] {
                for at in (0..contents.len()).step_by(size) {
                    let end = contents.len().min(at + size);
                    killed.expect_no_harm(&format!("zeros at {at} of {suffix:?}"), |files| {
                        files.file(suffix)[at..end].fill(0);
                    });
                    killed.expect_no_harm(&format!("ones at {at} of {suffix:?}"), |files| {
                        files.file(suffix)[at..end].fill(0xff);
                    });
                }
            }
            for length in (0..contents.len()).step_by(512) {
                killed.expect_no_harm(&format!("{suffix:?} cut to {length}"), |files| {
                    files.file(suffix).truncate(length);
                });
            }
        }
        for (suffix, first, size) in [(DATABASE, 0, 4096), (LOG, 32, 4120)] {
            let pages = killed.clone().file(suffix).len().saturating_sub(first) / size;
            for (left, right) in (0..pages).flat_map(|right| (0..right).map(move |left| (left, right))) {
                killed.expect_no_harm(&format!("pages {left} and {right} of {suffix:?} swapped"), |files| {
                    let (before, after) = files.file(suffix)[first..].split_at_mut(right * size);
                    before[left * size..][..size].swap_with_slice(&mut after[..size]);
                });
            }
        }
    }
}

#[tokio::test]
async fn an_older_copy_of_a_file_revives_no_deleted_token_and_loses_none() {
    for is_checkpointed in [false, true] {
        let mut older = Vec::new();
        let killed = Killed::after(is_checkpointed, &mut |files| older.push(files)).await;
        assert!(older.len() > 4);
        for copy in &older {
            for suffixes in [&[DATABASE][..], &[LOG], &[MARK], &[DATABASE, LOG], &[DATABASE, MARK], &[LOG, MARK]] {
                // The mark must be the newer one, or everything may be as it was at the time of the copy.
                if suffixes.contains(&MARK) && suffixes.len() > 1 {
                    continue;
                }
                let verdict = killed.expect_no_harm(&format!("older {suffixes:?}"), |files| {
                    for (suffix, contents) in copy.iter().filter(|(suffix, _)| suffixes.contains(suffix)) {
                        *files.file(suffix) = contents.clone();
                    }
                });
                // After a power cut, the mark may be an older one.
                assert!(suffixes != [MARK] || verdict == Verdict::Accepted);
            }
        }
        for suffix in [DATABASE, LOG, MARK] {
            let verdict = killed.expect_no_harm(&format!("{suffix:?} removed"), |files| {
                files.files.retain(|(name, _)| *name != suffix);
            });
            assert!(suffix != MARK || verdict == Verdict::Accepted);
        }
    }
}

/// The mark is not synced, so it may lack the commit that a power cut tears.
#[tokio::test]
async fn a_torn_last_commit_is_not_taken_for_damage() {
    let mut older = Vec::new();
    let killed = Killed::after(false, &mut |files| older.push(files)).await;
    let before = &older[older.len() - 2];
    let before = |suffix| &before.iter().find(|(name, _)| *name == suffix).unwrap().1;
    let log = killed.clone().file(LOG).clone();
    let old = |at: usize| before(LOG).get(at).copied().unwrap_or(0);
    let sectors = (0..log.len()).step_by(512).map(|start| start..log.len().min(start + 512));
    let written: Vec<_> = sectors.filter(|sector| sector.clone().any(|at| old(at) != log[at])).collect();
    assert!(written.len() > 1);
    for sector in written {
        let mut left = killed.clone();
        *left.file(MARK) = before(MARK).clone();
        for at in sector.clone() {
            left.file(LOG)[at] = old(at);
        }
        assert_eq!(left.verdict(&left.write()), Verdict::LastRevived, "{sector:?}");
        *left.file(MARK) = killed.clone().file(MARK).clone();
        assert_eq!(left.verdict(&left.write()), Verdict::Refused, "{sector:?}");
    }
}

impl Killed {
    /// Damages a copy of the files, which must be refused unless nothing is missing.
    fn expect_no_harm(&self, what: &str, damage: impl FnOnce(&mut Self)) -> Verdict {
        let mut damaged = self.clone();
        damage(&mut damaged);
        let verdict = damaged.verdict(&damaged.write());
        assert!(matches!(verdict, Verdict::Refused | Verdict::Accepted), "{what}: {verdict:?}");
        verdict
    }
}

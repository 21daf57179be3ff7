//! The model of a disk, on records that are made up.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Event;
use super::disk::Disk;
use super::survivors::Survivors;
use crate::process::DataDir;

const FILE: u64 = 1 << 40;
const OTHER: u64 = FILE + 1;

#[test]
fn a_write_may_be_lost_whole_or_in_sectors_until_it_is_synced() {
    let data = Data::new();
    let mut events = data.created("file", FILE);
    events.push(Event::Resized { file: FILE, length: 1024 });
    events.extend(synced(FILE));
    events.push(Event::Written { file: FILE, offset: 0, bytes: vec![1; 1024] });
    let sectors = |contents: Option<Vec<u8>>| contents.map(|bytes| (bytes[0], bytes[512]));
    let states = data.states(&events, "file").into_iter().map(sectors).collect::<BTreeSet<_>>();
    assert_eq!(states, BTreeSet::from([(0, 0), (0, 1), (1, 0), (1, 1)].map(Some)));
    events.extend(synced(FILE));
    let states = data.states(&events, "file").into_iter().map(sectors).collect::<BTreeSet<_>>();
    assert_eq!(states, BTreeSet::from([Some((1, 1))]));
}

#[test]
fn a_length_and_its_bytes_are_lost_apart() {
    let data = Data::new();
    let mut events = data.created("file", FILE);
    events.push(Event::Written { file: FILE, offset: 0, bytes: vec![1; 3] });
    events.extend(synced(FILE));
    events.push(Event::Resized { file: FILE, length: 0 });
    events.push(Event::Written { file: FILE, offset: 0, bytes: vec![2; 3] });
    let expected = [&[1, 1, 1][..], &[2, 2, 2], &[], &[0, 0, 0]].map(|bytes| Some(bytes.to_vec()));
    assert_eq!(data.states(&events, "file"), BTreeSet::from(expected));
}

#[test]
fn a_write_whose_sync_failed_is_not_synced_later_unless_it_is_written_again() {
    let data = Data::new();
    let mut events = data.created("file", FILE);
    events.push(Event::Resized { file: FILE, length: 1 });
    events.extend(synced(FILE));
    let write = || Event::Written { file: FILE, offset: 0, bytes: vec![1] };
    events.extend([write(), Event::SyncBegun { inode: FILE }, Event::SyncFailed { inode: FILE }]);
    events.extend(synced(FILE));
    assert_eq!(data.states(&events, "file"), BTreeSet::from([Some(vec![0]), Some(vec![1])]));
    events.push(write());
    events.extend(synced(FILE));
    assert_eq!(data.states(&events, "file"), BTreeSet::from([Some(vec![1])]));
}

#[test]
fn a_name_is_certain_once_its_directory_is_synced() {
    let data = Data::new();
    let mut events = data.created("file", FILE);
    events.extend(data.created("other", OTHER).into_iter().take(1));
    assert!(data.states(&events, "other").contains(&None));
    events.extend(synced(data.inode));
    events.push(Event::Removed { directory: data.inode, name: "file".to_owned() });
    let directory = data.inode;
    events.push(Event::Renamed { directory, from: "other".to_owned(), to_directory: directory, to: "new".to_owned() });
    for name in ["file", "other", "new"] {
        assert_eq!(data.states(&events, name), BTreeSet::from([None, Some(vec![])]), "{name}");
    }
    events.extend(synced(data.inode));
    assert_eq!(data.states(&events, "file"), BTreeSet::from([None]));
    assert_eq!(data.states(&events, "new"), BTreeSet::from([Some(vec![])]));
}

#[test]
fn a_sync_covers_what_was_written_before_it_began() {
    let data = Data::new();
    let mut events = data.created("file", FILE);
    events.push(Event::SyncBegun { inode: FILE });
    events.push(Event::Written { file: FILE, offset: 0, bytes: vec![1] });
    events.push(Event::Synced { inode: FILE });
    assert!(data.states(&events, "file").contains(&Some(vec![])));
}

struct Data {
    directory: DataDir,
    inode: u64,
}

impl Data {
    fn new() -> Self {
        let directory = DataDir::in_memory();
        fs::create_dir(directory.path()).unwrap();
        Self { inode: fs::metadata(directory.path()).unwrap().ino(), directory }
    }

    /// An empty file whose name is durable.
    fn created(&self, name: &str, file: u64) -> Vec<Event> {
        let mut events = vec![Event::Created { directory: self.inode, name: name.to_owned(), file }];
        events.extend(synced(self.inode));
        events
    }

    /// What the file can hold after a power loss.
    fn states(&self, events: &[Event], name: &str) -> BTreeSet<Option<Vec<u8>>> {
        let mut disk = Disk::of(&self.directory.path());
        events.iter().for_each(|event| disk.apply(event));
        let of = |survivors: Survivors| {
            let left = DataDir::in_memory();
            disk.left(&survivors).write(&left.path());
            read(&left.path().join(name))
        };
        let mut states: BTreeSet<_> = (0..200).map(|seed| of(Survivors::Random(seed))).collect();
        states.extend([of(Survivors::Nothing), of(Survivors::All)]);
        for event in disk.pending() {
            states.extend([Survivors::Before(event), Survivors::Except(event), Survivors::Only(event)].map(of));
        }
        states
    }
}

fn synced(inode: u64) -> [Event; 2] {
    [Event::SyncBegun { inode }, Event::Synced { inode }]
}

fn read(path: &Path) -> Option<Vec<u8>> {
    path.exists().then(|| fs::read(path).unwrap())
}

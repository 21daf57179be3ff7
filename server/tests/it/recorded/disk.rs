//! The files that a power loss leaves behind.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::Event;
use super::survivors::Survivors;

/// A model of a disk. It certainly holds a change once the change is synced. Before, each part of the change may be on
/// the disk or not, in any order: the sectors of a write, the length of a file, and the names in a directory.
///
/// The model knows no file by its name: it treats all files of the data directory alike.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    nodes: Vec<Node>,
    /// The node that each inode number stands for. A number may be reused after its file is removed.
    by_inode: HashMap<u64, usize>,
    /// The directory that contains the data directory.
    root: usize,
    /// The number of events so far.
    events: u64,
}

#[derive(Clone)]
enum Node {
    File(File),
    Directory(Directory),
}

#[derive(Clone, Default)]
struct File {
    durable: Vec<u8>,
    /// What may be on the disk, in the order in which it was written.
    pending: Vec<Part>,
    /// The syncs under way, by the event at which each began.
    syncs: Vec<u64>,
}

/// A part of a change that reaches the disk in one piece.
#[derive(Clone)]
pub(super) struct Part {
    /// The number of the event.
    pub(super) event: u64,
    /// The number of the part in its event.
    pub(super) index: u64,
    change: Change,
    /// Whether a sync of it has failed. The system then treats its page as clean: reads still return it, but no later
    /// sync writes it, unless the same sector is written again.
    lost: bool,
}

#[derive(Clone)]
enum Change {
    Sector {
        offset: usize,
        bytes: Vec<u8>,
    },
    /// The file becomes at least this long.
    Extend(usize),
    Resize(usize),
}

#[derive(Clone, Default)]
struct Directory {
    durable: Names,
    pending: Vec<(u64, Renaming)>,
    syncs: Vec<u64>,
}

type Names = BTreeMap<String, usize>;

#[derive(Clone)]
enum Renaming {
    Add(String, usize),
    Remove(String),
    Move { from: String, to: String, node: usize },
}

const SECTOR: usize = 512;

impl Disk {
    /// The disk before the server starts. Everything in the data directory, which need not exist, is synced.
    pub(crate) fn of(data: &Path) -> Self {
        let mut disk = Self::default();
        let mut names = Names::new();
        if data.exists() {
            names.insert("data".to_owned(), disk.scan(data));
        }
        let root = Directory { durable: names, ..Directory::default() };
        disk.root = disk.add(inode(data.parent().unwrap()), Node::Directory(root));
        disk
    }

    fn scan(&mut self, path: &Path) -> usize {
        if path.is_file() {
            let file = File { durable: fs::read(path).unwrap(), ..File::default() };
            return self.add(inode(path), Node::File(file));
        }
        let mut durable = Names::new();
        for entry in fs::read_dir(path).unwrap().map(Result::unwrap) {
            if entry.path().is_file() || entry.path().is_dir() {
                durable.insert(entry.file_name().into_string().unwrap(), self.scan(&entry.path()));
            }
        }
        self.add(inode(path), Node::Directory(Directory { durable, ..Directory::default() }))
    }

    fn add(&mut self, inode: u64, node: Node) -> usize {
        self.nodes.push(node);
        self.by_inode.insert(inode, self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        self.events += 1;
        let now = self.events;
        match event {
            // The syncs of a process that was killed do not end.
            Event::Started => self.nodes.iter_mut().for_each(|node| node.syncs().clear()),
            Event::Written { file, offset, bytes } => self.file(*file).write(now, *offset, bytes),
            Event::Resized { file, length } => self.file(*file).push(now, 0, Change::Resize(*length)),
            Event::SyncBegun { inode } => self.syncs(*inode).push(now),
            Event::Synced { inode } => {
                let until = self.syncs(*inode).remove(0);
                match self.node(*inode) {
                    Node::File(file) => file.sync(until),
                    Node::Directory(directory) => directory.sync(until),
                }
            }
            Event::SyncFailed { inode } => {
                let until = self.syncs(*inode).remove(0);
                // A directory is part of the journal of the file system, which tries again or stops altogether.
                if let Node::File(file) = self.node(*inode) {
                    file.lose(until);
                }
            }
            Event::Created { directory, name, file } => {
                let node = self.add(*file, Node::File(File::default()));
                self.directory(*directory).pending.push((now, Renaming::Add(name.clone(), node)));
            }
            Event::DirectoryCreated { directory, name, child } => {
                let node = self.add(*child, Node::Directory(Directory::default()));
                self.directory(*directory).pending.push((now, Renaming::Add(name.clone(), node)));
            }
            Event::Removed { directory, name } => {
                self.directory(*directory).pending.push((now, Renaming::Remove(name.clone())));
            }
            Event::Renamed { directory, from, to_directory, to } => {
                let node = self.directory(*directory).names(now, &Survivors::All)[from];
                let (from, to) = (from.clone(), to.clone());
                if directory == to_directory {
                    self.directory(*directory).pending.push((now, Renaming::Move { from, to, node }));
                } else {
                    self.directory(*directory).pending.push((now, Renaming::Remove(from)));
                    self.directory(*to_directory).pending.push((now, Renaming::Add(to, node)));
                }
            }
            Event::Sent(_) => {}
        }
    }

    /// The numbers of the events that are not certainly on the disk.
    pub(crate) fn pending(&self) -> Vec<u64> {
        let of_node = |node: &Node| -> Vec<u64> {
            match node {
                Node::File(file) => file.pending.iter().map(|part| part.event).collect(),
                Node::Directory(directory) => directory.pending.iter().map(|(event, _)| *event).collect(),
            }
        };
        let mut events: Vec<_> = self.nodes.iter().flat_map(of_node).collect();
        events.sort_unstable();
        events.dedup();
        events
    }

    /// What is left of the data directory.
    pub(crate) fn left(&self, survivors: &Survivors) -> Left {
        let Node::Directory(root) = &self.nodes[self.root] else { unreachable!("the root is a directory") };
        Left(root.names(u64::MAX, survivors).get("data").map(|data| self.left_of(*data, survivors)))
    }

    fn left_of(&self, node: usize, survivors: &Survivors) -> Tree {
        match &self.nodes[node] {
            Node::Directory(directory) => {
                let names = directory.names(u64::MAX, survivors).into_iter();
                Tree::Directory(names.map(|(name, node)| (name, self.left_of(node, survivors))).collect())
            }
            Node::File(file) => Tree::File(file.after_power_loss(survivors)),
        }
    }

    /// The node with this inode number. A file that was made before the record began is new to the model.
    fn node(&mut self, inode: u64) -> &mut Node {
        let node = match self.by_inode.get(&inode) {
            Some(node) => *node,
            None => self.add(inode, Node::File(File::default())),
        };
        &mut self.nodes[node]
    }

    fn file(&mut self, inode: u64) -> &mut File {
        let Node::File(file) = self.node(inode) else { panic!("a directory is written") };
        file
    }

    fn directory(&mut self, inode: u64) -> &mut Directory {
        let Node::Directory(directory) = self.node(inode) else { panic!("a directory is unknown") };
        directory
    }

    fn syncs(&mut self, inode: u64) -> &mut Vec<u64> {
        self.node(inode).syncs()
    }
}

/// What a power loss leaves of the data directory, if anything.
#[derive(Hash)]
pub(crate) struct Left(Option<Tree>);

#[derive(Hash)]
enum Tree {
    File(Vec<u8>),
    Directory(BTreeMap<String, Tree>),
}

impl Left {
    /// Writes it to `to`, which does not exist.
    pub(crate) fn write(&self, to: &Path) {
        if let Some(tree) = &self.0 {
            tree.write(to);
        }
    }
}

impl Tree {
    fn write(&self, to: &Path) {
        match self {
            Self::Directory(entries) => {
                fs::DirBuilder::new().mode(0o700).create(to).unwrap();
                for (name, entry) in entries {
                    entry.write(&to.join(name));
                }
            }
            Self::File(contents) => write_sparse(to, contents),
        }
    }
}

impl Node {
    fn syncs(&mut self) -> &mut Vec<u64> {
        match self {
            Self::File(file) => &mut file.syncs,
            Self::Directory(directory) => &mut directory.syncs,
        }
    }
}

impl File {
    fn push(&mut self, event: u64, index: u64, change: Change) {
        self.pending.push(Part { event, index, change, lost: false });
    }

    fn write(&mut self, event: u64, offset: usize, bytes: &[u8]) {
        self.push(event, 0, Change::Extend(offset + bytes.len()));
        let (mut from, mut index) = (0, 1);
        while from < bytes.len() {
            let to = bytes.len().min(from + SECTOR - (offset + from) % SECTOR);
            self.push(event, index, Change::Sector { offset: offset + from, bytes: bytes[from..to].to_vec() });
            (from, index) = (to, index + 1);
        }
    }

    /// Makes the parts before the event durable, except those that are lost.
    fn sync(&mut self, until: u64) {
        let mut rest = Vec::new();
        let mut synced = Vec::new();
        // The sectors and the shortest length that this sync writes after the part in question.
        let (mut written, mut shortest) = (HashSet::new(), usize::MAX);
        for part in std::mem::take(&mut self.pending).into_iter().rev() {
            if part.event >= until {
                rest.push(part);
            } else if part.lost && !written.contains(&part.sector()) {
                // A shorter file has no such sector any more.
                if part.sector().is_none_or(|sector| sector * SECTOR < shortest) {
                    rest.push(part);
                }
            } else {
                match part.change {
                    Change::Sector { .. } => _ = written.insert(part.sector()),
                    Change::Resize(length) => shortest = shortest.min(length),
                    Change::Extend(_) => {}
                }
                synced.push(part);
            }
        }
        synced.into_iter().rev().for_each(|part| part.change.apply(&mut self.durable));
        rest.reverse();
        self.pending = rest;
    }

    fn lose(&mut self, until: u64) {
        let is_lost = |part: &&mut Part| part.event < until && part.sector().is_some();
        self.pending.iter_mut().filter(is_lost).for_each(|part| part.lost = true);
    }

    fn after_power_loss(&self, survivors: &Survivors) -> Vec<u8> {
        // Each sector is written as it is at some moment, so it has all changes before that moment.
        let mut reached = HashSet::new();
        let mut surviving = Vec::new();
        for part in self.pending.iter().rev() {
            let is_reached = survivors.keep_order_in_sectors() && reached.contains(&part.sector());
            if is_reached || survivors.contain(part) {
                surviving.push(part);
                part.sector().is_some().then(|| reached.insert(part.sector()));
            }
        }
        let mut contents = self.durable.clone();
        for part in surviving.into_iter().rev() {
            part.change.apply(&mut contents);
        }
        contents
    }
}

impl Part {
    fn sector(&self) -> Option<usize> {
        match self.change {
            Change::Sector { offset, .. } => Some(offset / SECTOR),
            Change::Extend(_) | Change::Resize(_) => None,
        }
    }

    /// Whether it is a length, which the file system keeps apart from the bytes.
    pub(super) fn is_metadata(&self) -> bool {
        self.sector().is_none()
    }
}

impl Change {
    fn apply(&self, contents: &mut Vec<u8>) {
        match self {
            // Bytes beyond the length cannot be read.
            Self::Sector { offset, bytes } => {
                if let Some(room) = contents.len().checked_sub(*offset) {
                    let length = bytes.len().min(room);
                    contents[*offset..offset + length].copy_from_slice(&bytes[..length]);
                }
            }
            // A file that became longer before its bytes were written has zeros there.
            Self::Extend(length) => contents.resize(contents.len().max(*length), 0),
            Self::Resize(length) => contents.resize(*length, 0),
        }
    }
}

impl Directory {
    fn sync(&mut self, until: u64) {
        let synced = self.pending.iter().take_while(|(event, _)| *event < until).count();
        for (_, change) in self.pending.drain(..synced) {
            change.apply(&mut self.durable);
        }
    }

    /// The names that survive, of those before the event.
    fn names(&self, before: u64, survivors: &Survivors) -> Names {
        let mut names = self.durable.clone();
        for (event, change) in &self.pending {
            if *event < before && survivors.contain_name(*event) {
                change.apply(&mut names);
            }
        }
        names
    }
}

impl Renaming {
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Add(name, node) => _ = names.insert(name.clone(), *node),
            Self::Remove(name) => _ = names.remove(name),
            Self::Move { from, to, node } => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

/// Leaves out pages of zeros, of which a new log has many.
fn write_sparse(to: &Path, contents: &[u8]) {
    use std::os::unix::fs::FileExt;
    const PAGE: usize = 64 * 1024;
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).unwrap();
    file.set_len(contents.len() as u64).unwrap();
    for (index, page) in contents.chunks(PAGE).enumerate() {
        if page != &[0; PAGE][..page.len()] {
            file.write_all_at(page, (index * PAGE) as u64).unwrap();
        }
    }
}

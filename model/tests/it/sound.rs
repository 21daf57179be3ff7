//! The protocol keeps its promises.

use influxdb3_tokens_model::{Bounds, Role};

use crate::check::assert_sound;

#[test]
fn try_one() {
    let b = std::env::var("B").unwrap_or_default();
    if b.is_empty() { return; }
    let (r, o) = b.split_once(' ').unwrap();
    let nodes: Vec<Role> = r.chars().map(|c| match c { 'A' => Role::All, 'S' => Role::Serves, 'R' => Role::Replicates, _ => Role::Writes }).collect();
    let v: Vec<usize> = o.split_whitespace().take(3).map(|x| x.parse().unwrap()).collect();
    assert_sound(Bounds { nodes: Box::leak(nodes.into_boxed_slice()), elsewhere: o.contains("else"), tokens: v[0], revisions: v[1], max_staleness: v[2] as u8,
      rival: o.contains("rival"), breaks: o.contains("breaks"), compaction: o.contains("comp"), restore: o.contains("rest"), late: o.contains("late"), foreign: o.contains("foreign"), pauses: o.contains("pause") });
}

//! Whether any quorum of one joint config meets any quorum of another.
//!
//! Two quorums that do not meet would split the nodes in two parts, one holding a quorum of the old config, the
//! other one of the new. Nodes that are in the same sets are alike, so it is enough to decide how many of each
//! kind go to the first part: a small search over counts instead of one over all subsets.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::majority::needed;
use crate::membership::VoterSet;
use crate::types::NodeId;

/// Whether every quorum of `old` shares a node with every quorum of `new`. A config without a set has no quorum,
/// so that any statement about its quorums is true.
#[must_use]
pub fn any_quorums_meet(old: &[VoterSet], new: &[VoterSet]) -> bool {
    if old.is_empty() || new.is_empty() {
        return true;
    }
    let kinds = kinds(old, new);
    let mut bounds: Vec<Bound> = Vec::with_capacity(old.len() + new.len());
    bounds.extend(old.iter().map(|set| Bound { at_least: needed_of(set), at_most: set.len() }));
    bounds.extend(new.iter().map(|set| Bound { at_least: 0, at_most: set.len() - needed_of(set) }));
    !can_split(&kinds, &mut bounds)
}

/// Nodes that are in exactly the same sets.
struct Kind {
    /// One per set, old ones first.
    in_set: Vec<bool>,
    count: usize,
}

/// How many nodes of a set must and may still go to the first part.
#[derive(Clone)]
struct Bound {
    at_least: usize,
    at_most: usize,
}

fn needed_of(set: &VoterSet) -> usize {
    if set.is_empty() { 0 } else { needed(set.len()) }
}

fn kinds(old: &[VoterSet], new: &[VoterSet]) -> Vec<Kind> {
    let sets = || old.iter().chain(new);
    let nodes: BTreeSet<NodeId> = sets().flat_map(VoterSet::iter).collect();
    let mut counts: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
    for node in nodes {
        *counts.entry(sets().map(|set| set.contains(node)).collect()).or_default() += 1;
    }
    counts.into_iter().map(|(in_set, count)| Kind { in_set, count }).collect()
}

/// Whether the kinds can be shared out so that every bound is met.
fn can_split(kinds: &[Kind], bounds: &mut [Bound]) -> bool {
    let Some((kind, rest)) = kinds.split_first() else {
        return bounds.iter().all(|bound| bound.at_least == 0);
    };
    for (set, bound) in bounds.iter().enumerate() {
        let left: usize = kinds.iter().filter(|kind| kind.in_set[set]).map(|kind| kind.count).sum();
        if bound.at_least > left {
            return false;
        }
    }
    for first in 0..=kind.count {
        let mut next = bounds.to_vec();
        if take(kind, first, &mut next) && can_split(rest, &mut next) {
            return true;
        }
    }
    false
}

/// Gives `first` nodes of a kind to the first part; false when a set cannot spare so many.
fn take(kind: &Kind, first: usize, bounds: &mut [Bound]) -> bool {
    for (bound, inside) in bounds.iter_mut().zip(&kind.in_set) {
        if !inside {
            continue;
        }
        if first > bound.at_most {
            return false;
        }
        bound.at_most -= first;
        bound.at_least = bound.at_least.saturating_sub(first);
    }
    true
}

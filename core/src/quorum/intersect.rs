//! Whether any quorum of one joint config meets any quorum of another, and if not, two that do not.
//!
//! Two quorums that do not meet would split the nodes in two parts, one holding a quorum of the old config, the
//! other one of the new. Nodes that are in the same sets are alike, so it is enough to decide how many of each
//! kind go to the first part; and of what was decided so far, only what each set still needs matters. The search
//! goes kind by kind over those needs, not over subsets: its states are at most the product, over all sets, of half
//! their size and one, times the number of kinds.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::majority::needed;
use crate::quorum::VoterSet;
use crate::types::NodeId;

/// Whether every quorum of `old` shares a node with every quorum of `new`. A config without a set has no quorum,
/// so that any statement about its quorums is true.
#[must_use]
pub fn any_quorums_meet(old: &[VoterSet], new: &[VoterSet]) -> bool {
    quorums_apart(old, new).is_none()
}

/// A smallest quorum of `old`, and all other nodes, among whom there is a quorum of `new`; `None` when any two meet.
#[must_use]
pub fn quorums_apart(old: &[VoterSet], new: &[VoterSet]) -> Option<(VoterSet, VoterSet)> {
    if old.is_empty() || new.is_empty() {
        return None;
    }
    let kinds = kinds(old, new);
    // Old sets still need so many of the first part; new sets can still spare so many for it.
    let needs = old.iter().map(needed_of).chain(new.iter().map(|set| set.len() - needed_of(set))).collect();
    let mut shared_out: Layer = BTreeMap::from([(needs, Vec::new())]);
    for place in 0..kinds.len() {
        shared_out = share_out(&shared_out, &kinds[place..], old.len());
    }
    let enough = shared_out.iter().filter(|(needs, _)| needs[..old.len()].iter().all(|need| *need == 0));
    // Of equally small ones, the one with the most nodes that are in no new set.
    let (_, counts) = enough.min_by_key(|(_, counts)| (counts.iter().sum::<usize>(), Reverse(*counts)))?;
    let first = kinds.iter().zip(counts).flat_map(|(kind, count)| kind.nodes.iter().take(*count));
    let rest = kinds.iter().zip(counts).flat_map(|(kind, count)| kind.nodes.iter().skip(*count));
    Some((first.copied().collect(), rest.copied().collect()))
}

/// Nodes that are in exactly the same sets.
struct Kind {
    /// One per set, old ones first.
    in_set: Vec<bool>,
    nodes: Vec<NodeId>,
}

/// By what each set still needs or spares: the fewest nodes of each kind so far that lead there.
type Layer = BTreeMap<Vec<usize>, Vec<usize>>;

fn needed_of(set: &VoterSet) -> usize {
    if set.is_empty() { 0 } else { needed(set.len()) }
}

fn kinds(old: &[VoterSet], new: &[VoterSet]) -> Vec<Kind> {
    let sets = || old.iter().chain(new);
    let nodes: BTreeSet<NodeId> = sets().flat_map(VoterSet::iter).collect();
    let mut kinds: BTreeMap<Vec<bool>, Vec<NodeId>> = BTreeMap::new();
    for node in nodes {
        kinds.entry(sets().map(|set| set.contains(node)).collect()).or_default().push(node);
    }
    kinds.into_iter().map(|(in_set, nodes)| Kind { in_set, nodes }).collect()
}

/// Shares out the nodes of the first kind; states from which the kinds after it cannot do the rest are left out.
fn share_out(layer: &Layer, kinds: &[Kind], old: usize) -> Layer {
    let mut next: Layer = BTreeMap::new();
    let Some((kind, rest)) = kinds.split_first() else { return next };
    let left = |set: usize| -> usize {
        rest.iter().filter(|kind| kind.in_set[set]).map(|kind| kind.nodes.len()).sum()
    };
    let left: Vec<usize> = (0..old).map(left).collect();
    for (needs, counts) in layer {
        for first in 0..=kind.nodes.len() {
            let Some(needs) = take(kind, first, needs, old) else { break };
            if needs[..old].iter().zip(&left).any(|(need, left)| need > left) {
                continue;
            }
            let counts: Vec<usize> = counts.iter().copied().chain([first]).collect();
            let total = |counts: &[usize]| counts.iter().sum::<usize>();
            match next.get_mut(&needs) {
                Some(known) if total(known) <= total(&counts) => {}
                Some(known) => *known = counts,
                None => drop(next.insert(needs, counts)),
            }
        }
    }
    next
}

/// What is still needed when so many nodes of a kind go to the first part; `None` when a new set cannot spare them.
fn take(kind: &Kind, first: usize, needs: &[usize], old: usize) -> Option<Vec<usize>> {
    let after = |(set, (need, inside)): (usize, (&usize, &bool))| match (inside, set < old) {
        (false, _) => Some(*need),
        (true, true) => Some(need.saturating_sub(first)),
        (true, false) => need.checked_sub(first),
    };
    needs.iter().zip(&kind.in_set).enumerate().map(after).collect()
}

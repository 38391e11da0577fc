//! Quorum arithmetic against counting all subsets.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{any_quorums_meet, joint, majority, quorums_apart};
use crate::quorum::VoterSet;
use crate::types::{LogIndex, NodeId};

fn set(nodes: u32) -> impl Strategy<Value = VoterSet> {
    proptest::collection::btree_set(1..=nodes, 1..=5).prop_map(|ids| ids.into_iter().map(NodeId).collect())
}

fn sets(nodes: u32) -> impl Strategy<Value = Vec<VoterSet>> {
    proptest::collection::vec(set(nodes), 1..=3)
}

/// Sets of up to nine of so many nodes.
fn large_sets(nodes: u32) -> impl Strategy<Value = Vec<VoterSet>> {
    let set = proptest::collection::btree_set(1..=nodes, 1..=9)
        .prop_map(|ids| ids.into_iter().map(NodeId).collect());
    proptest::collection::vec(set, 1..=4)
}

fn mask(set: &VoterSet) -> u32 {
    set.iter().fold(0, |mask, id| mask | 1 << id.0)
}

/// All subsets of nodes 1 to `nodes`, as bit masks over ids.
fn subsets(nodes: u32) -> impl Iterator<Item = u32> {
    (0..1u32 << nodes).map(|mask| mask << 1)
}

fn inside(mask: u32, id: NodeId) -> bool {
    mask & (1 << id.0) != 0
}

fn is_quorum(sets: &[VoterSet], mask: u32) -> bool {
    sets.iter().all(|set| 2 * set.iter().filter(|id| inside(mask, *id)).count() > set.len())
}

proptest! {
    #[test]
    fn won_is_more_than_half_of_every_set(sets in sets(7), mask in 0u32..256) {
        prop_assert_eq!(joint::won(&sets, |id| inside(mask, id)), is_quorum(&sets, mask));
    }

    #[test]
    fn committed_is_the_highest_index_that_some_quorum_holds(
        sets in sets(7), held in proptest::collection::vec(0u64..6, 8),
    ) {
        let by_counting = (0..6)
            .filter(|index| {
                let mask = (1..8u32).filter(|id| held[*id as usize] >= *index).fold(0, |mask, id| mask | 1 << id);
                is_quorum(&sets, mask)
            })
            .max();
        let committed = joint::committed(&sets, |id| LogIndex(held[id.0 as usize]));
        prop_assert_eq!(Some(committed.0), by_counting);
    }

    #[test]
    fn quorums_meet_exactly_when_no_two_subsets_say_otherwise(old in large_sets(12), new in large_sets(12)) {
        let apart = |mask: &u32| is_quorum(&old, *mask) && is_quorum(&new, !*mask);
        let smallest = subsets(12).filter(apart).map(u32::count_ones).min();
        prop_assert_eq!(any_quorums_meet(&old, &new), smallest.is_none());
        let found = quorums_apart(&old, &new);
        prop_assert_eq!(found.as_ref().map(|(first, _)| first.len() as u32), smallest);
        if let Some((first, rest)) = found {
            prop_assert!(is_quorum(&old, mask(&first)) && is_quorum(&new, mask(&rest)));
            prop_assert_eq!(mask(&first) & mask(&rest), 0);
        }
    }

    #[test]
    fn a_shared_set_makes_any_quorums_meet(old in sets(9), new in sets(9), shared in set(9)) {
        let with = |mut sets: Vec<VoterSet>| { sets.push(shared.clone()); sets };
        prop_assert!(any_quorums_meet(&with(old), &with(new)));
    }
}

#[test]
fn a_large_set_is_counted_like_a_small_one() {
    let held: BTreeMap<NodeId, LogIndex> = (1..=11).map(|id| (NodeId(id), LogIndex(u64::from(id)))).collect();
    let set: VoterSet = held.keys().copied().collect();
    assert_eq!(majority::committed(&set, |id| held[&id]), LogIndex(6));
}

#[test]
fn nobody_decides_without_a_set() {
    assert!(!joint::won(&[], |_| true));
    assert_eq!(joint::committed(&[], |_| LogIndex(9)), LogIndex(0));
}

#[test]
fn nine_voters_a_set_are_decided_quickly() {
    let set = |from: u32| -> VoterSet { (from..from + 9).map(NodeId).collect() };
    assert!(!any_quorums_meet(&[set(1), set(4)], &[set(7), set(10)]));
    assert!(any_quorums_meet(&[set(1), set(4)], &[set(4), set(10)]));
}

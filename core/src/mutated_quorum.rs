//! Wrong quorums: the arithmetic of the mutations that miscount.
//!
//! Holds: nothing here is reached unless a mutation is switched on.
//! Not here: the right arithmetic (`quorum`).

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "few of many mutations miscount; the others are elsewhere"
)]

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::membership::{Membership, VoterSet};
use crate::mutation::Mutation;
use crate::quorum::{joint, majority};
use crate::types::{LogIndex, NodeId};

/// The sets that a mutation takes for those that decide.
fn sets(mutation: Mutation, members: &Membership) -> Option<Vec<VoterSet>> {
    match mutation {
        Mutation::NewVotersIgnored => Some(members.sets().iter().take(1).cloned().collect()),
        Mutation::UnionQuorum => Some(alloc::vec![members.voters()]),
        Mutation::LearnersCounted => Some(alloc::vec![members.nodes().keys().copied().collect()]),
        _ => None,
    }
}

/// How many of a set a mutation takes for enough.
fn needed(mutation: Mutation, len: usize) -> Option<usize> {
    match mutation {
        Mutation::EvenQuorumShort => Some(len.div_ceil(2)),
        Mutation::ThirdIsQuorum => Some(len / 3 + 1),
        _ => None,
    }
}

/// Whether those who say yes decide, by a mutation that miscounts.
pub(crate) fn won(
    mutation: Option<Mutation>,
    members: &Membership,
    yes: &mut impl FnMut(NodeId) -> bool,
) -> Option<bool> {
    let mutation = mutation.filter(|_| members.is_initialised())?;
    if let Some(sets) = sets(mutation, members) {
        return Some(joint::won(&sets, yes));
    }
    needed(mutation, 0)?;
    let enough = |set: &VoterSet, yes: &mut dyn FnMut(NodeId) -> bool| {
        let count = set.iter().filter(|id| yes(*id)).count();
        needed(mutation, set.len()).is_some_and(|needed| count >= needed)
    };
    Some(members.sets().iter().all(|set| enough(set, yes)))
}

/// The index that a mutation takes for held by a quorum.
pub(crate) fn committed(
    mutation: Option<Mutation>,
    members: &Membership,
    held: &mut impl FnMut(NodeId) -> LogIndex,
) -> Option<LogIndex> {
    let mutation = mutation.filter(|_| members.is_initialised())?;
    if let Some(sets) = sets(mutation, members) {
        return Some(joint::committed(&sets, held));
    }
    let mut of_set = |set: &VoterSet| {
        let mut indexes: Vec<LogIndex> = set.iter().map(&mut *held).collect();
        match mutation {
            Mutation::UnsortedQuorumScan => indexes.get(majority::needed(set.len()) - 1).copied(),
            Mutation::CommitByMode => {
                let times = |index: &LogIndex| indexes.iter().filter(|other| *other == index).count();
                indexes.iter().copied().max_by_key(|index| (times(index), *index))
            }
            _ => {
                let place = needed(mutation, set.len())? - 1;
                indexes.sort_unstable_by(|a, b| b.cmp(a));
                indexes.get(place).copied()
            }
        }
    };
    members.sets().iter().map(&mut of_set).collect::<Option<Vec<_>>>()?.into_iter().min()
}

/// A joint config without its older sets.
pub(crate) fn last_set_only(membership: Arc<Membership>) -> Arc<Membership> {
    let last = Membership::new(alloc::vec![membership.last_set()], membership.nodes().clone());
    last.map_or(membership, Arc::new)
}

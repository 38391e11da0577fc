//! What an operator asks for, as steps from the members in force to those wanted: one for each node whose part changes.
//!
//! Holds: every library that changes its members node by node can be told a change in these steps. What cannot be told so is
//! refused as unsupported.
//! Not here: how a library is told them.

use std::collections::{BTreeMap, BTreeSet};

use crate::protocol::{Address, Change, ChangeMembers, NodeId, QuorumSets, Refusal};

/// How a change is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum How {
    /// As the settings of the cluster say.
    AsSet = 0,
    /// In one entry.
    Simple = 1,
    /// Into a joint config, to stay there.
    EnterJoint = 2,
    /// Out of a joint config.
    LeaveJoint = 3,
}

/// What becomes of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Part {
    /// It votes.
    Voter = 0,
    /// It takes part without a vote.
    Learner = 1,
    /// It takes part no longer.
    Gone = 2,
}

/// A change in steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How it is to be made.
    pub how: How,
    /// What becomes of whom, by number of the node; whoever only moves is named in the role it has.
    pub steps: Vec<(Part, NodeId, Address)>,
    /// Where everybody is reached after it.
    pub addresses: BTreeMap<NodeId, Address>,
}

/// Who takes part, and where they are reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Voter sets, each of which must agree.
    pub sets: QuorumSets,
    /// Who takes part without a vote.
    pub learners: BTreeSet<NodeId>,
    /// Where everybody is reached.
    pub addresses: BTreeMap<NodeId, Address>,
}

/// Who shall take part.
#[derive(Clone)]
struct Goal {
    voters: BTreeSet<NodeId>,
    learners: BTreeSet<NodeId>,
    addresses: BTreeMap<NodeId, Address>,
}

impl Goal {
    /// As it is now: of a joint config, the set that it leads to.
    fn now(members: &Members) -> Goal {
        Goal {
            voters: members.sets.last().cloned().unwrap_or_default(),
            learners: members.learners.clone(),
            addresses: members.addresses.clone(),
        }
    }

    /// Makes one change of members, as openraft's documentation tells what each does.
    fn change(&mut self, change: &ChangeMembers) -> Result<(), Refusal> {
        match change {
            ChangeMembers::AddVoterIds(ids) => self.voters.extend(ids),
            ChangeMembers::AddVoters(nodes) => {
                self.add(nodes);
                self.voters.extend(nodes.keys());
            }
            ChangeMembers::RemoveVoters(ids) => self.voters.retain(|id| !ids.contains(id)),
            ChangeMembers::ReplaceAllVoters(ids) => self.voters.clone_from(ids),
            ChangeMembers::AddNodes(nodes) => self.add(nodes),
            ChangeMembers::SetNodes(nodes) => {
                self.add(nodes);
                self.addresses.extend(nodes);
            }
            ChangeMembers::RemoveNodes(ids) => self.addresses.retain(|id, _| !ids.contains(id)),
            ChangeMembers::ReplaceAllNodes(nodes) => {
                self.addresses.clone_from(nodes);
                self.learners = nodes.keys().copied().collect();
            }
            ChangeMembers::Batch(changes) => changes.iter().try_for_each(|change| self.change(change))?,
        }
        if self.voters.iter().any(|id| !self.addresses.contains_key(id)) {
            return Err(Refusal::rule("learner-not-found"));
        }
        let addresses = &self.addresses;
        self.learners.retain(|id| addresses.contains_key(id));
        Ok(())
    }

    fn add(&mut self, nodes: &BTreeMap<NodeId, Address>) {
        for (&node, &address) in nodes {
            self.addresses.entry(node).or_insert(address);
            self.learners.insert(node);
        }
    }

    fn plan_from(self, now: &Goal, retain: bool, how: How) -> Plan {
        Plan { how, steps: self.steps_from(now, retain), addresses: self.addresses }
    }

    /// The steps from `now`. Whoever only moves is added again in its own role.
    fn steps_from(&self, now: &Goal, retain: bool) -> Vec<(Part, NodeId, Address)> {
        let mut steps = Vec::new();
        for &node in now.addresses.keys().chain(self.addresses.keys()).collect::<BTreeSet<_>>() {
            let learns = self.learners.contains(&node) || retain && now.voters.contains(&node);
            let (voted, learned) = (now.voters.contains(&node), now.learners.contains(&node));
            let address = self.addresses.get(&node).or_else(|| now.addresses.get(&node));
            let moved = self.addresses.get(&node) != now.addresses.get(&node);
            let (part, changes) = match (self.voters.contains(&node), learns) {
                (true, _) => (Part::Voter, !voted || moved),
                (false, true) => (Part::Learner, !learned || moved),
                (false, false) => (Part::Gone, voted || learned),
            };
            if let Some(&address) = address.filter(|_| changes) {
                steps.push((part, node, address));
            }
        }
        steps
    }
}

/// Reads a change that an operator asks for.
///
/// # Errors
/// What has no form in steps, and nodes whose address nobody knows.
pub fn plan(change: &Change, members: &Members) -> Result<Plan, Refusal> {
    let one = |node: NodeId, address: Address| BTreeMap::from([(node, address)]);
    let (wanted, retain, how) = match change {
        Change::AddLearner { node, address, blocking: false } => {
            (ChangeMembers::AddNodes(one(*node, *address)), true, How::AsSet)
        }
        Change::Members { members, retain } => (members.clone(), *retain, How::AsSet),
        Change::AddServer { node, address } => {
            (ChangeMembers::AddVoters(one(*node, *address)), true, How::Simple)
        }
        Change::RemoveServer { node } => {
            (ChangeMembers::RemoveVoters(BTreeSet::from([*node])), false, How::Simple)
        }
        Change::Append { sets, nodes, retain } => return appended(members, sets, nodes, *retain),
        Change::To { sets, nodes, retain } => {
            let [only] = sets.as_slice() else { return Err(Refusal::Unsupported) };
            let add = ChangeMembers::AddNodes(nodes.clone());
            let to = ChangeMembers::Batch(vec![add, ChangeMembers::ReplaceAllVoters(only.clone())]);
            (to, *retain, How::AsSet)
        }
        Change::AddLearner { blocking: true, .. } | Change::SetConfiguration { .. } | Change::If { .. } => {
            return Err(Refusal::Unsupported);
        }
    };
    let now = Goal::now(members);
    let mut goal = now.clone();
    goal.change(&wanted)?;
    Ok(goal.plan_from(&now, retain, how))
}

/// Exactly these sets, where one entry can make them: a simple change, a step into a joint config, or the step out of it.
fn appended(
    members: &Members,
    sets: &QuorumSets,
    nodes: &BTreeMap<NodeId, Address>,
    retain: bool,
) -> Result<Plan, Refusal> {
    let now = Goal::now(members);
    let joint = members.sets.len() > 1;
    let (voters, how) = match sets.as_slice() {
        [only] if joint && *only == now.voters => {
            return Ok(Plan { how: How::LeaveJoint, steps: Vec::new(), addresses: now.addresses });
        }
        [only] if !joint && now.voters.symmetric_difference(only).count() <= 1 => (only, How::Simple),
        [old, new] if !joint && *old == now.voters => (new, How::EnterJoint),
        _ => return Err(Refusal::Unsupported),
    };
    let mut goal = now.clone();
    goal.addresses.extend(nodes);
    goal.change(&ChangeMembers::ReplaceAllVoters(voters.clone()))?;
    Ok(goal.plan_from(&now, retain, how))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ids: &[u32]) -> BTreeSet<NodeId> {
        ids.iter().map(|&id| NodeId(id)).collect()
    }

    fn members(sets: &[&[u32]], all: &[u32]) -> Members {
        let addresses = all.iter().map(|&id| (NodeId(id), Address(id))).collect();
        Members { sets: sets.iter().map(|ids| set(ids)).collect(), learners: BTreeSet::new(), addresses }
    }

    #[test]
    fn a_replaced_voter_is_a_step_in_and_a_step_out() {
        let to =
            Change::To { sets: vec![set(&[0, 2])], nodes: [(NodeId(2), Address(7))].into(), retain: false };
        let plan = plan(&to, &members(&[&[0, 1]], &[0, 1])).unwrap();
        let steps = vec![(Part::Gone, NodeId(1), Address(1)), (Part::Voter, NodeId(2), Address(7))];
        assert_eq!((plan.how, plan.steps), (How::AsSet, steps));
    }

    #[test]
    fn a_joint_config_is_left_by_no_step_at_all() {
        let out = Change::Append { sets: vec![set(&[1])], nodes: BTreeMap::new(), retain: false };
        let joint = members(&[&[0], &[1]], &[0, 1]);
        let left = plan(&out, &joint).unwrap();
        assert_eq!((left.how, left.steps), (How::LeaveJoint, Vec::new()));
        assert_eq!(plan(&out, &members(&[&[0]], &[0, 1])), Err(Refusal::Unsupported));
    }
}

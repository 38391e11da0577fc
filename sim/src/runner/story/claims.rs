//! What a story claims about the cluster at a moment.
//!
//! Not here: what must have come of a scenario at its end (`verdict`).

use super::super::verdict::may_see;
use super::calls::number;
use super::{Stop, Story, process};
use crate::protocol::{NodeId, Protocol};
use crate::scenario::{Claim, NodeClaim};

impl<P: Protocol> Story<'_, P> {
    pub(super) fn claim_all(&mut self, claims: &[Claim]) -> Result<(), Stop> {
        claims.iter().try_for_each(|claim| self.claim(claim))
    }

    fn claim(&mut self, claim: &Claim) -> Result<(), Stop> {
        match claim {
            Claim::Leaders(expected) => {
                let found = self.world.leaders().collect();
                if *expected == found {
                    return Ok(());
                }
                let names = self.world.names();
                let (expected, found) = (names.sets(&vec![expected.clone()]), names.sets(&vec![found]));
                self.fail(format!("{expected} were to lead, and {found} do"))
            }
            Claim::Seen(facts) => {
                let lacks = |fact: &&String| !self.world.facts().contains_key(fact.as_str());
                let missing = facts.iter().filter(|fact| may_see::<P>(fact)).find(lacks);
                match missing.cloned() {
                    Some(fact) => self.fail(format!("{fact} was to be seen, and was not")),
                    None => Ok(()),
                }
            }
            Claim::Never(facts) => {
                let seen = facts.iter().find(|fact| self.world.facts().contains_key(fact.as_str()));
                match seen.cloned() {
                    Some(fact) => self.fail(format!("{fact} was not to be seen, and was")),
                    None => Ok(()),
                }
            }
            Claim::Nodes { nodes, claim } => {
                for node in self.whom(nodes)? {
                    if let Some(reason) = self.refuted(node, claim) {
                        let name = self.name(node);
                        return self.fail(format!("{name}: {reason}"));
                    }
                }
                Ok(())
            }
        }
    }

    /// The first part of a claim about a node that does not hold.
    fn refuted(&mut self, node: NodeId, claim: &NodeClaim) -> Option<String> {
        let differs = |what: &str, expected: String, found: String| {
            (expected != found).then(|| format!("{what} was to be {expected}, and is {found}"))
        };
        let Some(process) = process(self.world, node) else {
            return (claim.running != Some(false)).then(|| String::from("was to run, and is down"));
        };
        if claim.running == Some(false) {
            return Some(String::from("was to be down, and runs"));
        }
        let numbers = [
            ("term", claim.term, P::term_of(process.epoch())),
            ("commit", claim.commit, process.commit()),
            ("applied", claim.applied, process.applied()),
            ("last", claim.last, process.last()),
        ];
        for (what, comparison, found) in numbers {
            if let Some(comparison) = comparison.filter(|comparison| !comparison.holds(found)) {
                return Some(format!("{what} was to be {comparison}, and is {found}"));
            }
        }
        let role = claim.role.clone().and_then(|role| differs("role", role, process.role().to_owned()));
        let log = claim.log.as_ref().and_then(|log| {
            let epochs = (1..=process.last()).map(|index| process.mark(index).map(|mark| mark.epoch));
            let found: Vec<u64> = epochs.map(|epoch| epoch.map_or(0, P::term_of)).collect();
            differs("log", format!("{log:?}"), format!("{found:?}"))
        });
        let names = self.world.names();
        let voters = claim.voters.as_ref().and_then(|voters| {
            let sorted = |mut sets: crate::protocol::QuorumSets| {
                sets.sort();
                names.sets(&sets)
            };
            differs("membership", sorted(voters.clone()), sorted(process.quorums()))
        });
        let learners = claim.learners.as_ref().and_then(|learners| {
            let show = |nodes| names.sets(&vec![nodes]);
            differs("learners", show(learners.clone()), show(process.learners()))
        });
        role.or(log).or(voters).or(learners).or_else(|| self.machine_differs(node, claim))
    }

    fn machine_differs(&mut self, node: NodeId, claim: &NodeClaim) -> Option<String> {
        claim.machine.iter().find_map(|(key, value)| {
            let place = self.world.key(key);
            let found = self.world.nodes()[node.0 as usize].machine.get(place);
            let expected = number(*value);
            (expected != found).then(|| format!("{key} was to be {expected:?}, and is {found:?}"))
        })
    }
}

//! Whether a protocol can know the words of a scenario: situations that it wants to see, reasons of refusals that it waits for.
//!
//! Holds: what a protocol does not say that it notes, or by which words it refuses, may be anything.
//! Not here: rules and settings, which the protocol reads itself.

use splitbrain_core::Fact;

use super::refusal_name;
use crate::protocol::{Protocol, Refusal};
use crate::protocols::raft::Raft;
use crate::scenario::{Answered, Claim, Objection, OperationOutcome, Scenario, Step, Subject, nearest};
use crate::swarm::SOMETIMES;

/// What the world notes, and no campaign looks for.
const OF_THE_WORLD: [&str; 20] = [
    "address-changed",
    "address-mistaken",
    "agreement-not-owed",
    "clock-rate",
    "clock-skew",
    "disk-restored",
    "linearizability-unknown",
    "members-forced",
    "membership-change-asked",
    "message-corrupt",
    "message-duplicated",
    "message-late",
    "message-lost",
    "message-reordered",
    "partitioned",
    "refused-to-start",
    "shut-down",
    "strike-held-back",
    "swizzle-clog",
    "write-failed",
];

/// What only libraries note that this build may not have.
const OF_LIBRARIES: [&str; 4] =
    ["address-unknown", "conf-change-rejected", "membership-changed", "misrouted"];

/// Refuses the first word that the protocol cannot know.
pub(super) fn check<P: Protocol>(scenario: &Scenario) -> Result<(), Objection> {
    let expect = &scenario.expect;
    expect.seen.iter().chain(&expect.never).try_for_each(|fact| fact_is_known::<P>(fact))?;
    for (place, step) in scenario.steps.iter().enumerate() {
        match step {
            Step::Expect { claims } => claims_are_known::<P>(claims)?,
            Step::Change { outcome: OperationOutcome::Refused(word), .. }
            | Step::Transfer { outcome: OperationOutcome::Refused(word), .. }
            | Step::Answer { expected: Some(Answered::Operation(OperationOutcome::Refused(word))), .. } => {
                refusal_is_known::<P>(place, word)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn claims_are_known<P: Protocol>(claims: &[Claim]) -> Result<(), Objection> {
    claims.iter().try_for_each(|claim| match claim {
        Claim::Seen(facts) | Claim::Never(facts) => {
            facts.iter().try_for_each(|fact| fact_is_known::<P>(fact))
        }
        Claim::Leaders(_) | Claim::Nodes { .. } => Ok(()),
    })
}

fn fact_is_known<P: Protocol>(fact: &str) -> Result<(), Objection> {
    let Some(of_protocol) = P::notes() else { return Ok(()) };
    let sometimes = SOMETIMES.iter().map(|(name, _)| *name);
    let raft = Fact::ALL.iter().map(|fact| fact.name());
    let beside = OF_THE_WORLD.into_iter().chain(OF_LIBRARIES).chain(of_protocol.iter().copied());
    let known: Vec<&str> = sometimes.chain(raft).chain(beside).collect();
    if known.contains(&fact) {
        return Ok(());
    }
    let hint = nearest(fact, known).map(|near| format!("did you mean {near:?}?"));
    let message = format!("unknown situation {fact:?}: nothing is ever noted by this name");
    Err(Objection { subject: Subject::Fact(fact.to_owned()), message, hint })
}

/// The words of a protocol, and those of this project's own Raft that are not among them.
fn words_of<'a>(of_protocol: &'a [&'a str], of_raft: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    let beside = of_raft.iter().filter(|word| !of_protocol.contains(word));
    of_protocol.iter().chain(beside).copied()
}

fn refusal_is_known<P: Protocol>(step: usize, word: &str) -> Result<(), Objection> {
    let Some(of_protocol) = P::refusals() else { return Ok(()) };
    // A story that other systems tell as well waits for what those refuse.
    let of_raft = <Raft as Protocol>::refusals().unwrap_or_default();
    let every =
        [Refusal::NotLeader { hint: None }, Refusal::LeadershipLost, Refusal::Busy, Refusal::Unsupported];
    let every = every.iter().map(refusal_name);
    let known: Vec<&str> =
        ["done", "pending"].into_iter().chain(every).chain(words_of(of_protocol, of_raft)).collect();
    if known.contains(&word) {
        return Ok(());
    }
    let hint = match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("known here: {}", known.join(", ")),
    };
    let message = format!("unknown outcome {word:?}: {} refuses nothing by this name", P::NAME);
    Err(Objection { subject: Subject::Step(step), message, hint: Some(hint) })
}

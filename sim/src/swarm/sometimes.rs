//! Situations that a set of runs should reach at least once: a checker that never had a chance has not passed.
//!
//! Holds: every name is one that a world or a protocol notes. Not here: noting them (`world`, the protocols).

use std::collections::BTreeMap;

/// Every situation that a campaign should reach, with what it means.
pub const SOMETIMES: &[(&str, &str)] = &[
    ("leader-elected", "someone was elected"),
    ("leader-changed", "a later leader followed an earlier one"),
    ("leader-stepped-down", "a leader became a follower"),
    ("quorum-lost", "a leader stepped down because it did not hear from a quorum"),
    ("uncommitted-tail-inherited", "a leader began with entries that it did not know to be committed"),
    ("earlier-term-committed", "entries of an earlier term were committed by an entry of a later one"),
    ("log-cut", "entries that conflicted were cut from a log"),
    ("cut-during-write", "a cut took back what an unfinished write would make durable"),
    ("append-rejected", "a follower lacked what an append builds on"),
    ("stale-append", "an append came late and held nothing new"),
    ("window-full", "a peer had as many entries under way as allowed"),
    ("message-held", "a message waited for the disk"),
    ("vote-refused-log-behind", "a candidate was refused because its log is behind"),
    ("vote-refused-given-already", "a second candidate of one term was refused"),
    ("vote-ignored-leader-lives", "a candidate was ignored because a leader lives"),
    ("pre-vote-refused", "a pre-vote was refused"),
    ("pre-vote-refused-for-priority", "a pre-vote was refused only because of a lower priority"),
    ("read-confirmed", "a read was confirmed by a quorum"),
    ("read-waited-for-commit", "a read waited for the leader's first commit"),
    ("follower-read", "a follower or learner served a read"),
    ("read-across-leaders", "a read was asked of one leader and served in the term of a later one"),
    ("lease-read", "a read was served under a lease"),
    ("lease-lost", "a lease ran out or was given up"),
    ("read-lost-leader", "a read was given up because leadership was lost"),
    ("retry-answered-again", "a retried command was found to be applied, and answered again"),
    ("session-opened", "a client opened a session"),
    ("session-expired", "a command came after its session had expired, and was refused"),
    ("leadership-lost-mid-request", "a request ended with unknown outcome because leadership was lost"),
    ("membership-appended", "a membership was appended"),
    ("membership-committed", "a membership was committed"),
    ("membership-rolled-back", "a membership was cut before it was committed"),
    ("joint-entered", "members became joint"),
    ("joint-left", "a joint config was left"),
    ("joint-inherited", "a leader found a joint config that it did not propose"),
    ("joint-reverted", "a joint config was left for an earlier set"),
    ("leader-removed", "a leader stepped down because it is no longer a member"),
    ("removed-node-campaigned", "a node that is no longer a member stood for election"),
    ("transfer-started", "leadership was being given away"),
    ("gave-way", "a leader gave way to a voter of higher priority"),
    ("transfer-completed", "leadership was given away"),
    ("transfer-timed-out", "leadership could not be given away in time"),
    ("snapshot-taken", "a snapshot was taken"),
    ("snapshot-sent", "a follower was sent a snapshot because entries were gone"),
    ("snapshot-installed", "a snapshot replaced a log"),
    ("snapshot-resumed", "a snapshot's transfer went on in the middle after something was lost"),
    ("snapshot-started-over", "a snapshot's transfer began anew because its receiver had lost its part"),
    ("snapshot-abandoned", "a half-received snapshot was given up for another one"),
    ("snapshot-outdated", "a snapshot held nothing new"),
    ("snapshot-mid-write", "a snapshot came while a write was under way"),
    ("machine-restored", "a machine was restored from a snapshot"),
    ("restarted", "a process started anew"),
    ("unfinished-write-lost", "a crash lost part of what was being written"),
    ("write-failed", "a process died of a write that failed"),
    ("refused-to-start", "a process refused to start because of a checksum"),
    ("paused", "a process stood still"),
    ("partitioned", "nodes were kept from each other"),
    ("swizzle-clog", "links were clogged and freed in another order"),
    ("message-duplicated", "a message came twice"),
    ("message-reordered", "a message was held up until later ones had overtaken it"),
    ("message-corrupt", "a message was dropped because of its checksum"),
    ("message-lost", "a message was lost though its link was open"),
    ("message-late", "a message took longer than the usual delay"),
    ("clock-skew", "a clock was ahead from the start"),
    ("clock-rate", "a clock ran at a rate of its own from the start"),
    ("stall", "a disk finished nothing for a while"),
    ("removed-node-told", "a leader told a node that it takes part no longer"),
    ("shut-down", "a process ended because it takes part no longer"),
    ("clock-drift", "a clock ran too fast or too slow"),
    ("clock-jump", "a clock jumped"),
    ("clock-freeze", "a clock stood still"),
    ("kill", "a machine was lost for ever"),
    ("wipe", "a disk was lost for ever"),
    ("bit-rot", "a disk rotted"),
    ("misdirected-write", "a write went to a wrong place"),
    ("full-disk", "a disk was full"),
    ("failed-write", "a disk failed"),
    ("slow-disk", "a disk was slow"),
    ("slow-node", "a node was slow"),
    ("slow-links", "links were slow"),
    ("loss-burst", "links lost many messages"),
    ("address-changed", "a node moved to another address"),
    ("address-mistaken", "a cluster was told a foreign address by mistake"),
    ("strike-held-back", "a strike was held back because of the budget"),
];

/// The situations that none of some runs reached, by the merged counts of their facts.
pub fn unreached(facts: &BTreeMap<String, u64>) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
    SOMETIMES.iter().copied().filter(|(name, _)| !facts.contains_key(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_reached_is_listed() {
        let mut facts: BTreeMap<String, u64> =
            SOMETIMES.iter().map(|(name, _)| ((*name).to_owned(), 1)).collect();
        assert_eq!(unreached(&facts).count(), 0);
        facts.remove("log-cut");
        assert_eq!(unreached(&facts).map(|(name, _)| name).collect::<Vec<_>>(), ["log-cut"]);
    }
}

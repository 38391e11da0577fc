//! Who leads: timeouts, pre-votes, votes, and stepping down (paper, section 5.2 and 5.4.1; thesis 9.6, 4.2.3, 6.2).
//!
//! Holds: one vote a term, durable before it is told; a leader of a term was voted for by a quorum of every set.
//! Not here: what a leader does (`replication`), giving leadership away (`transfer`).
//!
//! A follower waits in two stages: `Stickiness` runs for `election.min` after each sign of life, and while it runs
//! the node votes for nobody else; then `Election` runs for a random rest of the range.

use alloc::collections::VecDeque;
use alloc::sync::Arc;

use crate::appending;
use crate::fact::Fact;
use crate::input::Timer;
use crate::message::Body;
use crate::mutation::Mutation;
use crate::pending::{Changes, Reads, Votes};
use crate::recovery::HardState;
use crate::rules::Rule;
use crate::state::{Leader, Role, Waiting};
use crate::transition::Transition;
use crate::types::{LogId, NodeId, Term, Within};
use crate::{follower_reading, following, in_force, lease, reconfiguration, transfer, waiting};

/// How far a count of votes is.
enum Count {
    Won,
    Lost,
    Open,
}

/// A promise not to vote outlives the process that gave it: a leader's lease may still count on it. Who was promised
/// is not on the disk, so nobody gets a vote until it must be over (rule `promise-outlives-restart`).
pub(crate) fn on_boot(t: &mut Transition<'_>) {
    let has_promised = lease::is_on(t) && t.term() > Term(0);
    if has_promised && t.keeps(Rule::PromiseOutlivesRestart) {
        waiting::wait_for_leader(t);
    }
    waiting::maybe_wait_for_election(t);
}

/// The leader has been silent for the shortest election timeout.
pub(crate) fn on_leader_silent(t: &mut Transition<'_>) {
    t.leader_lives = false;
    if t.waiting != Waiting::Stickiness {
        return;
    }
    t.waiting = Waiting::Nothing;
    if !t.may_campaign() {
        return follower_reading::give_up(t);
    }
    if !t.mutated(Mutation::ElectionTimerLost) {
        let Within { min, max } = t.config.election;
        waiting::wait_for_election(t, Within { min: 0, max: max.saturating_sub(min) });
    }
}

pub(crate) fn on_timeout(t: &mut Transition<'_>) {
    if t.leading().is_some() {
        return;
    }
    if t.waiting == Waiting::Election {
        t.waiting = Waiting::Nothing;
    }
    if t.config.pre_vote { become_pre_candidate(t) } else { become_candidate(t, false) }
}

/// Whether this node may stand; notes why not.
fn may_stand(t: &mut Transition<'_>) -> bool {
    if !t.may_campaign() {
        t.note(Fact::CampaignWithoutVote);
        return false;
    }
    let id = t.id();
    if !t.in_force().is_voter(id) {
        t.note(Fact::RemovedNodeCampaigned);
    }
    true
}

fn become_pre_candidate(t: &mut Transition<'_>) {
    if !may_stand(t) {
        return;
    }
    let mut votes = Votes::default();
    votes.record(t.id(), true);
    t.role = Role::PreCandidate(votes);
    t.leader = None;
    t.leader_lives = false;
    follower_reading::give_up(t);
    waiting::set_election_timer(t);
    let last = t.log.last();
    let priority = t.config.priority;
    send_to_voters(t, &Body::PreVoteRequest { last, priority });
    count(t);
}

/// Stands for election (paper, section 5.2). The own vote counts once it is durable.
fn become_candidate(t: &mut Transition<'_>, forced: bool) {
    if !may_stand(t) {
        return;
    }
    let vote = Some(t.id());
    t.hard_state = HardState { term: t.term().next(), vote };
    t.hard_state_changed();
    let kept = match core::mem::replace(&mut t.role, Role::Follower) {
        Role::PreCandidate(votes) if t.mutated(Mutation::PreVotesKept) => votes,
        Role::Candidate(votes) if t.mutated(Mutation::VotesOutliveTerm) => votes,
        Role::PreCandidate(_) | Role::Follower | Role::Candidate(_) | Role::Leader(_) => Votes::default(),
    };
    t.role = Role::Candidate(kept);
    t.leader = None;
    t.leader_lives = false;
    follower_reading::give_up(t);
    if t.mutated(Mutation::CandidateWaitsForEver) {
        waiting::stop_waiting(t);
    } else {
        waiting::set_election_timer(t);
    }
    let last = t.log.last();
    send_to_voters(t, &Body::VoteRequest { last, forced });
    if !t.keeps(Rule::VoteDurableBeforeReply) {
        on_own_vote_durable(t);
    }
}

/// The disk holds the own vote.
pub(crate) fn on_own_vote_durable(t: &mut Transition<'_>) {
    let id = t.id();
    if let Role::Candidate(votes) = &mut t.role {
        votes.record(id, true);
        count(t);
    }
}

fn send_to_voters(t: &mut Transition<'_>, body: &Body) {
    let members = Arc::clone(t.in_force());
    let myself = t.id();
    for id in members.voters().iter().filter(|id| *id != myself) {
        if let Some(address) = members.nodes().get(&id) {
            t.send(id, *address, body.clone());
        }
    }
}

/// Whether a vote is refused because a leader lives (thesis 4.2.3). Never for the leader's own request, which
/// would keep it from ever coming back; and not when the leader asked for the election itself.
pub(crate) fn is_sticky(t: &Transition<'_>, from: NodeId, forced: bool) -> bool {
    if forced || !t.config.stickiness || !t.keeps(Rule::Stickiness) {
        return false;
    }
    match &t.role {
        // A leader that looks after its quorum knows that it lives.
        Role::Leader(_) => t.config.check_quorum,
        Role::Follower | Role::PreCandidate(_) | Role::Candidate(_) => {
            t.leader_lives && t.leader != Some(from)
        }
    }
}

/// Section 5.4.1: the order of log ids is the rule.
fn is_up_to_date(t: &Transition<'_>, last: LogId) -> bool {
    if t.mutated(Mutation::UpToDateByIndex) {
        return t.log.last().index <= last.index;
    }
    if t.mutated(Mutation::UpToDateByTerm) {
        return t.log.last().term <= last.term;
    }
    t.log.last() <= last || !t.keeps(Rule::UpToDateCheck)
}

pub(crate) fn on_pre_vote_request(
    t: &mut Transition<'_>,
    from: NodeId,
    asked: Term,
    last: LogId,
    priority: u32,
) {
    let could_win =
        asked >= t.term() && is_up_to_date(t, last) && !is_sticky(t, from, false) && t.leading().is_none();
    let granted = could_win && !would_rather_stand(t, last, priority);
    if !granted {
        t.note(Fact::PreVoteRefused);
    }
    if could_win && !granted {
        t.note(Fact::PreVoteRefusedForPriority);
    }
    t.reply(Body::PreVoteResponse { asked, granted });
}

/// Whether this node should lead rather than a candidate. Of those with the longest log, the one of the highest priority
/// is refused by nobody, so that somebody can always be elected.
fn would_rather_stand(t: &Transition<'_>, last: LogId, priority: u32) -> bool {
    priority < t.config.priority && last <= t.log.last() && t.in_force().is_voter(t.id())
}

pub(crate) fn on_pre_vote_response(t: &mut Transition<'_>, from: NodeId, asked: Term, granted: bool) {
    let term = t.term();
    if let Role::PreCandidate(votes) = &mut t.role
        && asked == term
    {
        votes.record(from, granted);
        count(t);
    }
}

pub(crate) fn on_vote_request(t: &mut Transition<'_>, from: NodeId, last: LogId, forced: bool) {
    // A term that has a leader needs no other candidate: a vote would only make the leader's follower wait anew (etcd).
    let is_led = t.leader.is_some() && !t.mutated(Mutation::VoteClearedInTerm);
    let free = t.hard_state.vote.map_or(!is_led, |vote| vote == from) || !t.keeps(Rule::OneVotePerTerm);
    let up_to_date = is_up_to_date(t, last) || forced && t.mutated(Mutation::ForcedSkipsUpToDate);
    let generous = t.mutated(Mutation::LeaderGrantsVotes) && t.leading().is_some();
    let refused = t.mutated(Mutation::LearnerRefusesVote) && !t.in_force().is_voter(t.id());
    let granted = free && up_to_date && !refused || generous;
    if granted {
        give_vote(t, from);
    } else if !free {
        t.note(Fact::VoteRefusedGivenAlready);
    } else {
        t.note(Fact::VoteRefusedLogBehind);
    }
    t.reply(Body::VoteResponse { granted });
}

fn give_vote(t: &mut Transition<'_>, to: NodeId) {
    if t.hard_state.vote != Some(to) {
        t.hard_state.vote = Some(to);
        if !t.mutated(Mutation::TermNotPersisted) {
            t.hard_state_changed();
        }
    }
    // Who asks for pre-votes still follows (thesis 9.6); who stands has voted for itself.
    if matches!(t.role, Role::Follower | Role::PreCandidate(_)) && t.may_campaign() {
        waiting::set_election_timer(t);
    }
}

pub(crate) fn on_vote_response(t: &mut Transition<'_>, from: NodeId, granted: bool) {
    let twice = granted && t.mutated(Mutation::VotesNotVoters);
    let granted = granted || t.mutated(Mutation::RefusalCountsAsVote);
    if let Role::Candidate(votes) = &mut t.role {
        votes.record(from, granted);
        if twice {
            votes.counted += 1;
        }
        count(t);
    }
}

/// Looks at the votes and acts when they decide.
fn count(t: &mut Transition<'_>) {
    let outcome = match &t.role {
        Role::PreCandidate(votes) | Role::Candidate(votes) => outcome(t, votes),
        Role::Follower | Role::Leader(_) => return,
    };
    let pre = matches!(t.role, Role::PreCandidate(_));
    match outcome {
        Count::Won if pre => become_candidate(t, false),
        Count::Won => become_leader(t),
        Count::Lost => {
            let term = t.term();
            following::become_follower(t, term, None);
        }
        Count::Open => {}
    }
}

fn outcome(t: &Transition<'_>, votes: &Votes) -> Count {
    if t.mutated(Mutation::VotesNotVoters) && votes.counted > t.in_force().voters().len() / 2 - 1 {
        return Count::Won;
    }
    if t.is_quorum(|id| votes.granted.contains(&id)) {
        Count::Won
    } else if !t.is_quorum(|id| !votes.refused.contains(&id)) {
        Count::Lost
    } else {
        Count::Open
    }
}

/// Begins to lead with an entry of its own term (paper, section 8).
fn become_leader(t: &mut Transition<'_>) {
    t.note(Fact::LeaderElected);
    if t.commit < t.log.last().index {
        t.note(Fact::UncommittedTailInherited);
    }
    if t.members.effective().1.is_joint() {
        t.note(Fact::JointInherited);
    }
    let first_own = t.log.last().index.next();
    let peers = t.former_peers.take().unwrap_or_default();
    t.role = Role::Leader(Leader {
        peers,
        first_own,
        gave_way: false,
        proposals: VecDeque::new(),
        uncommitted_bytes: 0,
        reads: Reads::default(),
        changes: Changes::default(),
    });
    t.leader = Some(t.id());
    t.leader_lives = false;
    waiting::stop_waiting(t);
    transfer::on_leader_known(t);
    in_force::serve_members(t);
    let first = reconfiguration::first_entry(t);
    if !t.mutated(Mutation::NoBlankEntry) {
        appending::append_own(t, first);
    }
    let heartbeat = Within::exactly(t.config.heartbeat);
    t.set_timer(Timer::Heartbeat, heartbeat);
    if t.config.check_quorum {
        let look = Within::exactly(t.config.election.min);
        t.set_timer(Timer::CheckQuorum, look);
    }
}

/// The leader wants this node to lead: no pre-vote, and voters need not stick to it.
pub(crate) fn on_timeout_now(t: &mut Transition<'_>) {
    if t.leading().is_none() {
        become_candidate(t, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ReadsBy};
    use crate::effect::Effect;
    use crate::effect::Refusal;
    use crate::input::Input;
    use crate::recovery::Durable;
    use crate::testing::{Node, config, members, slice};
    use crate::types::LogIndex;
    use crate::{Raft, RoleName, Rules};

    const MIN: u64 = 150_000_000;
    const MAX: u64 = 300_000_000;

    fn plain() -> Config {
        Config { pre_vote: false, check_quorum: false, stickiness: false, ..config() }
    }

    fn leased() -> Config {
        Config { reads: ReadsBy::Lease, ..config() }
    }

    fn ping() -> Body {
        Body::Heartbeat { commit: LogIndex(0), round: 0 }
    }

    fn vote_for(term: u64, index: u64) -> Body {
        Body::VoteRequest { last: LogId::new(term, index), forced: false }
    }

    fn answers(node: &Node, granted: bool) -> bool {
        let write = node.asked.iter().any(|effect| matches!(effect, Effect::Persist { .. }));
        let mut node = node.clone();
        if write {
            node.finish_writes();
        }
        node.sent().iter().any(|(_, body)| **body == Body::VoteResponse { granted })
    }

    #[test]
    fn the_first_answer_of_a_node_stands_and_counts_once() {
        let mut votes = Votes::default();
        for (from, granted) in [(2, true), (2, true), (2, false), (3, false), (3, true), (1, true)] {
            votes.record(NodeId(from), granted);
        }
        assert_eq!(votes.granted, [NodeId(2), NodeId(1)]);
        assert_eq!(votes.refused, [NodeId(3)]);
    }

    /// Section 5.4.1, with (1,1) and (3,2) in the log of the voter.
    #[test]
    fn a_vote_goes_to_a_log_that_is_at_least_as_up_to_date() {
        let table = [
            ((0, 0), false),
            ((1, 9), false),
            ((2, 9), false),
            ((3, 1), false),
            ((3, 2), true),
            ((3, 3), true),
            ((4, 1), true),
        ];
        for ((term, index), granted) in table {
            let mut node = Node::with_log(plain(), &[1, 3]);
            node.hear(2, 5, vote_for(term, index));
            assert_eq!(answers(&node, true), granted, "({term},{index})");
            assert_eq!(node.raft.vote(), granted.then_some(NodeId(2)), "({term},{index})");
            assert_eq!(node.raft.term(), Term(5), "the term is taken over either way");
        }
    }

    #[test]
    fn a_vote_of_this_term_goes_to_one_candidate_and_to_none_beside_a_leader() {
        type Before = fn(&mut Node);
        let table: [(&str, Before, bool); 5] = [
            ("nothing", |_| {}, true),
            ("voted for 2", |node| node.hear(2, 5, vote_for(5, 9)), true),
            ("voted for 3", |node| node.hear(3, 5, vote_for(5, 9)), false),
            ("follows 3", |node| node.hear(3, 5, ping()), false),
            ("stands itself", |node| node.fire(Timer::Election), false),
        ];
        for (name, before, granted) in table {
            let mut node = Node::with_log(plain(), &[1, 4]);
            before(&mut node);
            node.finish_writes();
            let waiting = node.state().waiting;
            node.hear(2, 5, vote_for(4, 9));
            assert_eq!(answers(&node, granted), node.raft.term() == Term(5), "{name}");
            if !granted {
                assert_eq!(node.state().waiting, waiting, "{name}: a refusal changes no timer");
            }
        }
    }

    #[test]
    fn who_asks_for_pre_votes_waits_anew_when_it_gives_its_vote() {
        let mut node = Node::with_log(config(), &[1]);
        node.fire(Timer::Election);
        assert_eq!(node.raft.role(), RoleName::PreCandidate);
        node.hear(2, 1, vote_for(1, 1));
        assert_eq!(node.timer(Timer::Election), Some((MIN, MAX)));
        assert_eq!((node.raft.vote(), node.raft.role()), (Some(NodeId(2)), RoleName::PreCandidate));
    }

    #[test]
    fn a_living_leader_is_a_reason_to_refuse_but_not_to_itself_nor_if_it_asked_for_it() {
        // from, forced, setting, rule, since the leader fell silent => refused
        let table = [
            (2, false, true, true, false, true),
            (3, false, true, true, false, false),
            (2, true, true, true, false, false),
            (2, false, false, true, false, false),
            (2, false, true, false, false, false),
            (2, false, true, true, true, false),
        ];
        for (from, forced, stickiness, rule, silent, refused) in table {
            let rules = if rule { Rules::all_on() } else { Rules::all_on().without(Rule::Stickiness) };
            let mut node = Node::with_log(Config { stickiness, rules, ..config() }, &[1]);
            node.hear(3, 1, ping());
            if silent {
                node.fire(Timer::Stickiness);
            }
            node.hear(from, 2, Body::VoteRequest { last: LogId::new(2, 9), forced });
            let case = (from, forced, stickiness, rule, silent);
            assert_eq!(node.noted(Fact::VoteIgnoredLeaderLives), refused, "{case:?}");
            assert_eq!(node.raft.term() == Term(1), refused, "{case:?}: what is ignored raises no term");
        }
    }

    #[test]
    fn a_follower_waits_in_two_stages() {
        let mut node = Node::with_log(config(), &[1]);
        assert_eq!(node.timer(Timer::Election), Some((MIN, MAX)), "boot");
        node.hear(3, 1, ping());
        assert_eq!(node.timer(Timer::Stickiness), Some((MIN, MIN)));
        assert!(node.asked.contains(&Effect::CancelTimer(Timer::Election)));
        node.fire(Timer::Stickiness);
        assert_eq!(node.timer(Timer::Election), Some((0, MAX - MIN)));
        node.fire(Timer::Stickiness);
        assert_eq!(node.asked, [], "a late one changes nothing");
        let exact = Config { election: Within::exactly(MIN), ..config() };
        let mut node = Node::with_log(exact, &[1]);
        node.hear(3, 1, ping());
        node.fire(Timer::Stickiness);
        assert_eq!(node.timer(Timer::Election), Some((0, 0)));
    }

    #[test]
    fn with_leases_a_process_begins_with_the_promise_of_the_one_before() {
        let kept = Rules::all_on();
        let without = kept.without(Rule::PromiseOutlivesRestart);
        for (config, terms, expected) in [
            (leased(), &[1][..], Some((MIN, MIN))),
            (leased(), &[], None),
            (config(), &[1], None),
            (Config { stickiness: false, ..leased() }, &[1], None),
            (Config { rules: without, ..leased() }, &[1], None),
        ] {
            let node = Node::with_log(config, terms);
            assert_eq!(node.timer(Timer::Stickiness), expected);
            assert_eq!(node.timer(Timer::Election).is_none(), expected.is_some());
        }
    }

    #[test]
    fn a_higher_term_ends_the_belief_in_a_leader_but_not_a_promise_that_a_lease_counts_on() {
        for (config, lives) in [(config(), false), (leased(), true)] {
            let mut node = Node::with_log(config, &[1]);
            node.hear(3, 1, ping());
            node.hear(2, 2, Body::TermOver);
            assert_eq!((node.state().leader_lives, node.raft.leader()), (lives, None));
            assert_eq!(node.state().waiting, Waiting::Stickiness, "its end is awaited in either case");
        }
    }

    #[test]
    fn pre_votes_are_counted_and_lost_as_soon_as_they_decide() {
        // Answers of 2 and 3, in order => what becomes of it.
        let table = [
            (&[(2, true)][..], RoleName::Candidate),
            (&[(2, false)], RoleName::PreCandidate),
            (&[(2, false), (2, false)], RoleName::PreCandidate),
            (&[(2, false), (3, false)], RoleName::Follower),
            (&[(2, false), (3, true)], RoleName::Candidate),
            (&[(4, true)], RoleName::PreCandidate),
            (&[(9, true)], RoleName::PreCandidate),
        ];
        for (answers, role) in table {
            let mut node = Node::with_log(config(), &[1]);
            node.fire(Timer::Election);
            for (from, granted) in answers {
                node.hear(*from, 1, Body::PreVoteResponse { asked: Term(1), granted: *granted });
            }
            assert_eq!(node.raft.role(), role, "{answers:?}");
        }
    }

    #[test]
    fn pre_votes_for_another_term_and_votes_for_a_pre_candidate_do_not_count() {
        let mut node = Node::with_log(config(), &[1]);
        node.fire(Timer::Election);
        node.hear(2, 1, Body::PreVoteResponse { asked: Term(0), granted: true });
        node.hear(3, 1, Body::VoteResponse { granted: true });
        assert_eq!(node.raft.role(), RoleName::PreCandidate);
        // The voter may well be of an earlier term than the one asked for.
        node.hear(2, 0, Body::PreVoteResponse { asked: Term(1), granted: true });
        assert_eq!(node.raft.role(), RoleName::Candidate);
    }

    #[test]
    fn a_pre_vote_is_refused_for_priority_to_a_log_that_is_no_longer() {
        // Own priority, the candidate's, its last entry => granted
        let table = [
            (1, 1, (1, 1), true),
            (2, 1, (1, 1), false),
            (2, 1, (1, 2), true),
            (2, 1, (2, 1), true),
            (1, 2, (1, 1), true),
            (1, 2, (0, 0), false),
        ];
        for (own, theirs, (term, index), granted) in table {
            let mut node = Node::with_log(Config { priority: own, ..config() }, &[1]);
            node.hear(2, 2, Body::PreVoteRequest { last: LogId::new(term, index), priority: theirs });
            let expected = Body::PreVoteResponse { asked: Term(2), granted };
            assert_eq!(node.sent(), [(2, &expected)], "{own} {theirs} ({term},{index})");
            let only_priority = own > theirs && !granted;
            assert_eq!(node.noted(Fact::PreVoteRefusedForPriority), only_priority);
        }
    }

    #[test]
    fn who_has_no_vote_of_its_own_never_waits_to_stand() {
        let learner = Durable::initialised(members(&[2, 3], &[1]));
        for disk in [Durable::default(), learner] {
            let (raft, effects) = Raft::boot(config(), &disk);
            assert_eq!(effects.list, []);
            let mut node = Node { raft, asked: effects.list };
            node.hear(3, 1, ping());
            assert_eq!(node.timer(Timer::Stickiness), Some((MIN, MIN)), "it votes, and may be asked to");
            node.fire(Timer::Stickiness);
            assert_eq!(node.timer(Timer::Election), None);
            node.fire(Timer::Election);
            assert_eq!(node.asked, [Effect::Note(Fact::CampaignWithoutVote)]);
        }
    }

    #[test]
    fn an_appended_membership_that_gives_a_vote_begins_the_wait() {
        let (raft, effects) = Raft::boot(config(), &Durable::initialised(members(&[2, 3], &[1])));
        let mut node = Node { raft, asked: effects.list };
        let entry = crate::log::Entry {
            id: LogId::new(1, 1),
            payload: crate::log::Payload::Membership(Arc::new(members(&[1, 2, 3], &[]))),
        };
        let slice = crate::log::LogSlice::new(LogId::default(), [entry].into()).unwrap();
        node.hear(3, 1, Body::AppendRequest { slice, commit: LogIndex(0) });
        node.fire(Timer::Stickiness);
        assert_eq!(node.timer(Timer::Election), Some((0, MAX - MIN)));
    }

    #[test]
    fn a_lone_voter_is_elected_by_its_own_durable_vote() {
        let disk = Durable::initialised(members(&[1], &[2]));
        let (raft, effects) = Raft::boot(config(), &disk);
        let mut node = Node { raft, asked: effects.list };
        node.fire(Timer::Election);
        assert_eq!(node.raft.role(), RoleName::Candidate, "its own pre-vote is enough");
        node.finish_writes();
        assert_eq!(node.raft.role(), RoleName::Leader);
        assert_eq!(node.raft.commit(), LogIndex(0));
        node.finish_writes();
        assert_eq!(node.raft.commit(), LogIndex(1));
    }

    #[test]
    fn each_look_at_the_quorum_asks_for_a_new_sign_of_life() {
        let mut node = Node::leading(config(), &[1]);
        node.fire(Timer::CheckQuorum);
        assert_eq!(node.timer(Timer::CheckQuorum), Some((MIN, MIN)), "2 was heard since the election");
        node.hear(4, 2, Body::HeartbeatResponse { round: 0, priority: 0 });
        node.fire(Timer::CheckQuorum);
        assert!(node.noted(Fact::QuorumLost), "a learner is no quorum");
        assert_eq!(node.timer(Timer::Election), Some((MIN, MAX)));
        assert_eq!((node.raft.role(), node.raft.term()), (RoleName::Follower, Term(2)));
    }

    #[test]
    fn every_answer_counts_as_a_sign_of_life() {
        let answers = [
            Body::AppendAccepted { through: LogIndex(1) },
            Body::AppendRejected { prev: LogId::new(1, 1), hint: LogId::new(0, 0) },
            Body::HeartbeatResponse { round: 0, priority: 0 },
            Body::SnapshotReceived { last: LogId::new(1, 1), asked: 0, held: 0 },
            Body::SnapshotAccepted { through: LogIndex(1) },
        ];
        for body in answers {
            let mut node = Node::leading(config(), &[1]);
            node.fire(Timer::CheckQuorum);
            node.hear(3, 2, body.clone());
            node.fire(Timer::CheckQuorum);
            assert!(node.raft.leads(), "{body:?}");
        }
    }

    #[test]
    fn timeouts_at_a_leader_change_nothing() {
        let mut node = Node::leading(config(), &[1]);
        for timer in [Timer::Election, Timer::Stickiness, Timer::Transfer, Timer::Staging] {
            let before = node.raft.clone();
            node.fire(timer);
            assert_eq!((&node.raft, &node.asked[..]), (&before, &[][..]), "{timer:?}");
        }
    }

    #[test]
    fn a_candidate_that_hears_of_a_leader_of_its_term_or_a_later_one_follows() {
        let bodies =
            |term| [ping(), Body::AppendRequest { slice: slice((0, 0), &[term]), commit: LogIndex(0) }];
        for pre_vote in [true, false] {
            for term in [2, 3] {
                for body in bodies(term) {
                    let mut node = Node::with_log(Config { pre_vote, ..plain() }, &[2]);
                    node.fire(Timer::Election);
                    let term = term.max(node.raft.term().0);
                    node.hear(3, term, body);
                    assert_eq!(node.raft.role(), RoleName::Follower);
                    assert_eq!((node.raft.leader(), node.raft.term()), (Some(NodeId(3)), Term(term)));
                }
            }
        }
    }

    #[test]
    fn standing_again_is_a_new_term_and_forgets_the_votes() {
        let mut node = Node::with_log(plain(), &[1]);
        node.fire(Timer::Election);
        node.fire(Timer::Election);
        assert_eq!(node.raft.term(), Term(3));
        node.finish_writes();
        node.hear(2, 2, Body::VoteResponse { granted: true });
        assert_eq!(node.raft.role(), RoleName::Candidate, "a vote of the term before");
        node.hear(2, 3, Body::VoteResponse { granted: true });
        assert!(node.raft.leads());
    }

    #[test]
    fn what_a_leader_had_under_way_is_answered_when_it_steps_down() {
        let mut node = Node::leading(config(), &[1]);
        node.propose(1, b"x");
        node.read(2);
        node.step(Input::TransferRequested { request: crate::RequestId(3), to: NodeId(3) });
        node.hear(3, 3, ping());
        let refused = |request, refusal| Effect::Refuse { request: crate::RequestId(request), refusal };
        assert!(node.asked.contains(&refused(1, Refusal::LeadershipLost)), "its outcome is unknown");
        assert!(node.asked.contains(&refused(2, Refusal::NotLeader { hint: Some(NodeId(3)) })));
        let done = Effect::Done { request: crate::RequestId(3) };
        assert!(node.asked.contains(&done), "3 leads, as it was asked to");
    }
}

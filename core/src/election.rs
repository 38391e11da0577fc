//! Who leads: timeouts, pre-votes, votes, and stepping down (paper, section 5.2 and 5.4.1; thesis 9.6, 4.2.3, 6.2).
//!
//! Holds: one vote a term, durable before it is told; a leader of a term was voted for by a quorum of every set.
//! Not here: what a leader does (`replication`), giving leadership away (`transfer`).
//!
//! A follower waits in two stages: `Stickiness` runs for `election.min` after each sign of life, and while it runs
//! the node votes for nobody else; then `Election` runs for a random rest of the range.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::effect::Refusal;
use crate::fact::Fact;
use crate::follower_reading;
use crate::input::Timer;
use crate::lease;
use crate::message::Body;
use crate::mutation::Mutation;
use crate::progress::Peers;
use crate::raft::{Leader, Role, Waiting};
use crate::reading::Reads;
use crate::reconfiguration::{self, Changes};
use crate::recovery::HardState;
use crate::rules::Rule;
use crate::transfer;
use crate::transition::Transition;
use crate::types::{LogId, NodeId, Term, Within};

/// Who answered, and how. Voters, not votes: a message that comes twice counts once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Votes {
    granted: Vec<NodeId>,
    refused: Vec<NodeId>,
    /// Granted answers, voters or not; read by a mutation only.
    counted: usize,
}

impl Votes {
    fn record(&mut self, from: NodeId, granted: bool) {
        if !self.granted.contains(&from) && !self.refused.contains(&from) {
            if granted { self.granted.push(from) } else { self.refused.push(from) }
        }
    }
}

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
        wait_for_leader(t);
    }
    maybe_wait_for_election(t);
}

/// Begins to wait for an election if this node may stand for one and does not wait already.
pub(crate) fn maybe_wait_for_election(t: &mut Transition<'_>) {
    let leads = t.leading().is_some();
    if !leads && t.waiting == Waiting::Nothing && t.may_campaign() {
        set_election_timer(t);
    }
}

fn set_election_timer(t: &mut Transition<'_>) {
    let within = t.config.election;
    wait_for_election(t, within);
}

fn wait_for_election(t: &mut Transition<'_>, within: Within) {
    if t.waiting == Waiting::Stickiness {
        t.cancel_timer(Timer::Stickiness);
    }
    t.waiting = Waiting::Election;
    t.set_timer(Timer::Election, within);
}

fn stop_waiting(t: &mut Transition<'_>) {
    match t.waiting {
        Waiting::Nothing => {}
        Waiting::Stickiness => t.cancel_timer(Timer::Stickiness),
        Waiting::Election => t.cancel_timer(Timer::Election),
    }
    t.waiting = Waiting::Nothing;
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
        wait_for_election(t, Within { min: 0, max: max.saturating_sub(min) });
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
    set_election_timer(t);
    let last = t.log.last();
    let priority = t.config.priority;
    send_to_voters(t, &Body::PreVoteRequest { last, priority });
    count(t);
}

/// Stands for election (paper, section 5.2). The own vote counts once it is durable.
pub(crate) fn become_candidate(t: &mut Transition<'_>, forced: bool) {
    if !may_stand(t) {
        return;
    }
    let vote = Some(t.id());
    t.hard_state = HardState { term: t.term().next(), vote };
    t.hard_state_changed();
    let kept = match core::mem::replace(&mut t.role, Role::Follower) {
        Role::PreCandidate(votes) if t.mutated(Mutation::PreVotesKept) => votes,
        Role::PreCandidate(_) | Role::Follower | Role::Candidate(_) | Role::Leader(_) => Votes::default(),
    };
    t.role = Role::Candidate(kept);
    t.leader = None;
    t.leader_lives = false;
    follower_reading::give_up(t);
    set_election_timer(t);
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
    let free = t.hard_state.vote.map_or(!is_led, |vote| vote == from)
        || !t.keeps(Rule::OneVotePerTerm)
        || t.mutated(Mutation::VoteTwice);
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
        set_election_timer(t);
    }
}

pub(crate) fn on_vote_response(t: &mut Transition<'_>, from: NodeId, granted: bool) {
    let twice = granted && t.mutated(Mutation::VotesNotVoters);
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
            become_follower(t, term, None);
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
    t.role = Role::Leader(Leader {
        peers: Peers::default(),
        first_own,
        gave_way: false,
        proposals: VecDeque::new(),
        uncommitted_bytes: 0,
        reads: Reads::default(),
        changes: Changes::default(),
    });
    t.leader = Some(t.id());
    t.leader_lives = false;
    stop_waiting(t);
    transfer::on_leader_known(t);
    reconfiguration::serve_members(t);
    let first = reconfiguration::first_entry(t);
    if !t.mutated(Mutation::NoBlankEntry) {
        t.append_own(first);
    }
    let heartbeat = Within::exactly(t.config.heartbeat);
    t.set_timer(Timer::Heartbeat, heartbeat);
    if t.config.check_quorum {
        let look = Within::exactly(t.config.election.min);
        t.set_timer(Timer::CheckQuorum, look);
    }
}

/// A message of the leader of this term. Returns whether this node follows it.
pub(crate) fn on_leader_contact(t: &mut Transition<'_>, from: NodeId) -> bool {
    match t.role {
        Role::Leader(_) => {
            t.note(Fact::TwoLeadersMet);
            return false;
        }
        Role::PreCandidate(_) | Role::Candidate(_) => t.role = Role::Follower,
        Role::Follower => {}
    }
    if t.mutated(Mutation::VoteClearedInTerm) {
        t.hard_state.vote = None;
    }
    if t.leader != Some(from) {
        t.leader = Some(from);
        t.note(Fact::LeaderFound);
        transfer::on_leader_known(t);
        follower_reading::ask_again(t);
    }
    wait_for_leader(t);
    true
}

/// Counts on a living leader, and votes for nobody else, for the shortest election timeout.
fn wait_for_leader(t: &mut Transition<'_>) {
    t.leader_lives = true;
    if t.waiting == Waiting::Election {
        t.cancel_timer(Timer::Election);
    }
    t.waiting = Waiting::Stickiness;
    let within = Within::exactly(t.config.election.min);
    t.set_timer(Timer::Stickiness, within);
}

/// Follows whoever comes to lead in a term. Whoever led until now refuses what it cannot promise any more, and names
/// the new leader if it is known.
pub(crate) fn become_follower(t: &mut Transition<'_>, term: Term, new_leader: Option<NodeId>) {
    if term > t.term() {
        t.hard_state = HardState { term, vote: None };
        if !t.mutated(Mutation::TermNotPersisted) {
            t.hard_state_changed();
        }
    }
    let before = core::mem::replace(&mut t.role, Role::Follower);
    t.leader = None;
    // A higher term ends no promise that a lease of the old term counts on; its timer does.
    t.leader_lives &= lease::is_on(t);
    if let Role::Leader(before) = before {
        t.note(Fact::LeaderSteppedDown);
        t.cancel_timer(Timer::Heartbeat);
        if t.config.check_quorum {
            t.cancel_timer(Timer::CheckQuorum);
        }
        lose_leadership(t, before, new_leader);
        maybe_wait_for_election(t);
    }
}

fn lose_leadership(t: &mut Transition<'_>, before: Leader, hint: Option<NodeId>) {
    let mut lost_midway = false;
    for proposal in before.proposals {
        t.refuse(proposal.request, Refusal::LeadershipLost);
        lost_midway = true;
    }
    lost_midway |= reconfiguration::on_leadership_lost(t, before.changes, hint);
    if lost_midway {
        t.note(Fact::LeadershipLostMidRequest);
    }
    before.reads.on_leadership_lost(t, hint);
}

/// Did a quorum answer since the last look? (thesis 6.2)
pub(crate) fn on_check_quorum(t: &mut Transition<'_>) {
    let Some(leader) = t.leading() else { return };
    let myself = t.id();
    let heard = t.is_quorum(|id| id == myself || leader.peers.get(id).is_some_and(|peer| peer.heard));
    if !heard {
        t.note(Fact::QuorumLost);
        let term = t.term();
        become_follower(t, term, None);
        return;
    }
    if let Some(leader) = t.leading_mut() {
        leader.peers.as_mut_slice().iter_mut().for_each(|peer| peer.heard = false);
    }
    let look = Within::exactly(t.config.election.min);
    t.set_timer(Timer::CheckQuorum, look);
}

package main

import (
	"math"

	"splitbrain/guest"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

const options = "one of the options pre-vote, check-quorum, stickiness, lease-reads, follower-reads, " +
	"async-storage-writes, conf-change, transition, message-bytes-max, batch-entries-max, inflight-messages-max, " +
	"committed-bytes-max, uncommitted-bytes-max, removed-leader-stays or snapshot-last"

type settings struct {
	config     raft.Config
	tick       uint64
	transition pb.ConfChangeTransition
	// v1 asks for the first form of configuration changes, which has no joint config.
	v1 bool
	// followerReads lets a follower ask the leader for its read index.
	followerReads bool
	// snapshotLast writes a snapshot after entries and hard state, as the order in the documentation reads.
	snapshotLast bool
}

// Reads a scenario's settings, or says which is refused and what was expected. Times are counted in ticks: the library
// draws an election timeout from one to two times its ElectionTick.
func readSettings(common guest.Settings) (s settings, name, want string) {
	if len(common.Priority) > 0 {
		return s, "priority", "an empty list: etcd's raft has no priorities"
	}
	wanted := max(min((common.ElectionMax-common.ElectionMin)/10, common.Heartbeat), 1)
	beat := max(min((common.Heartbeat+wanted-1)/wanted, 100), 1)
	s.tick = max(common.Heartbeat/beat, 1)
	s.config = raft.Config{
		ElectionTick:  int((common.ElectionMin + s.tick - 1) / s.tick),
		HeartbeatTick: int(beat),
		MaxSizePerMsg: 1 << 20,
		// Its own default is MaxSizePerMsg: with 0, for one entry a message, nothing is ever applied.
		MaxCommittedSizePerReady: 1 << 20,
		MaxInflightMsgs:          256,
		PreVote:                  true,
		CheckQuorum:              true,
	}
	if s.config.ElectionTick <= s.config.HeartbeatTick {
		return s, "election", "a range that begins after the heartbeat"
	}
	stepDownOnRemoval(&s.config, true)
	sticky, asked := false, false
	for _, option := range common.Options {
		if option.Name == "stickiness" {
			if sticky, asked = option.Switch(); !asked {
				return s, option.Name, "true or false"
			}
		} else if want := s.read(option); want != "" {
			return s, option.Name, want
		}
	}
	if asked && sticky != s.config.CheckQuorum {
		return s, "stickiness", "the same as check-quorum: in etcd's raft the two are one"
	}
	if s.config.ReadOnlyOption == raft.ReadOnlyLeaseBased && !s.config.CheckQuorum {
		return s, "lease-reads", "check-quorum beside it"
	}
	return s, "", ""
}

func (s *settings) read(option guest.Option) (want string) {
	on, isSwitch := option.Switch()
	count, isCount := option.Count()
	must := func(ok bool, expected string) {
		if !ok {
			want = expected
		}
	}
	switch option.Name {
	case "pre-vote":
		s.config.PreVote = on
		must(isSwitch, "true or false")
	case "check-quorum":
		s.config.CheckQuorum = on
		must(isSwitch, "true or false")
	case "lease-reads":
		s.config.ReadOnlyOption = raft.ReadOnlySafe
		if on {
			s.config.ReadOnlyOption = raft.ReadOnlyLeaseBased
		}
		must(isSwitch, "true or false")
	case "follower-reads":
		s.followerReads = on
		must(isSwitch, "true or false")
	case "async-storage-writes":
		must(isSwitch, "true or false")
		if on {
			must(asyncStorageWrites(&s.config), "false: this version does not have them")
		}
	case "removed-leader-stays":
		stepDownOnRemoval(&s.config, !on)
		must(isSwitch, "true or false")
	case "snapshot-last":
		s.snapshotLast = on
		must(isSwitch, "true or false")
	case "conf-change":
		s.v1 = option.Word == "v1"
		must(s.v1 || option.Word == "v2", "v1 or v2")
	case "transition":
		transition, ok := map[string]pb.ConfChangeTransition{
			"auto":     pb.ConfChangeTransitionAuto,
			"implicit": pb.ConfChangeTransitionJointImplicit,
			"explicit": pb.ConfChangeTransitionJointExplicit,
		}[option.Word]
		s.transition = transition
		must(ok, "auto, implicit or explicit")
	case "message-bytes-max":
		s.config.MaxSizePerMsg = count
		must(isCount, "a whole number of at least 1")
	case "batch-entries-max":
		// 0 bytes is the library's way to say: one entry.
		s.config.MaxSizePerMsg = 0
		must(count == 1, "1, or message-bytes-max: etcd's raft counts bytes")
	case "committed-bytes-max":
		s.config.MaxCommittedSizePerReady = option.Number
		must(option.Kind == 'n', "a whole number; 0 is the library's default, message-bytes-max")
	case "inflight-messages-max":
		s.config.MaxInflightMsgs = int(min(count, math.MaxInt32))
		must(isCount, "a whole number of at least 1")
	case "uncommitted-bytes-max":
		s.config.MaxUncommittedEntriesSize = count
		must(isCount, "a whole number of at least 1")
	default:
		return options
	}
	return want
}

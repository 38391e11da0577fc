package main

import (
	"strings"

	"splitbrain/guest"

	"go.etcd.io/raft/v3/confchange"
	pb "go.etcd.io/raft/v3/raftpb"
)

var stepTypes = map[byte]pb.ConfChangeType{
	guest.StepAddVoter:   pb.ConfChangeAddNode,
	guest.StepAddLearner: pb.ConfChangeAddLearnerNode,
	guest.StepRemove:     pb.ConfChangeRemoveNode,
}

// The library's form of a change. Its context carries the request and the addresses, which the library does not know.
// Nothing comes back for a change that the form has no words for.
func toConfChange(request uint64, change guest.Change, s *settings) pb.ConfChangeI {
	table := addresses{}
	var singles []pb.ConfChangeSingle
	for _, step := range change.Steps {
		singles = append(singles, pb.ConfChangeSingle{Type: stepTypes[step.Kind], NodeID: raftID(step.Node)})
		if step.Kind != guest.StepRemove {
			table[step.Node] = step.Address
		}
	}
	var w guest.Writer
	w.Uint64(request)
	table.write(&w)
	if s.v1 {
		if len(singles) != 1 || change.How == guest.ChangeEnterJoint || change.How == guest.ChangeLeaveJoint {
			return nil
		}
		return pb.ConfChange{Type: singles[0].Type, NodeID: singles[0].NodeID, Context: w.Frame}
	}
	v2 := pb.ConfChangeV2{Changes: singles, Context: w.Frame}
	switch change.How {
	case guest.ChangeAsSet:
		if len(singles) > 0 {
			v2.Transition = s.transition
		}
	case guest.ChangeEnterJoint:
		v2.Transition = pb.ConfChangeTransitionJointExplicit
	}
	return v2
}

// The change that an entry carries, in both forms one. The empty entry by which the library leaves a joint config is
// the empty change.
func readChange(entry pb.Entry) (change pb.ConfChangeV2) {
	if entry.Type == pb.EntryConfChange {
		var v1 pb.ConfChange
		must(v1.Unmarshal(entry.Data))
		return v1.AsV2()
	}
	must(change.Unmarshal(entry.Data))
	return change
}

// The request that a change carries, and the addresses.
func readContext(change pb.ConfChangeV2) (request uint64, table addresses, ok bool) {
	if len(change.Context) == 0 {
		return 0, nil, false
	}
	r := guest.Read(change.Context)
	request = r.Uint64()
	return request, readAddresses(r), true
}

// What a change makes of a configuration. An application must not apply one that the library cannot: it would panic.
func outcome(conf pb.ConfState, change pb.ConfChangeV2) (word string) {
	changer := confchange.Changer{Tracker: newTracker()}
	config, progress, err := confchange.Restore(changer, conf)
	must(err)
	changer.Tracker.Config, changer.Tracker.Progress = config, progress
	if change.LeaveJoint() {
		_, _, err = changer.LeaveJoint()
	} else if autoLeave, enters := change.EnterJoint(); enters {
		_, _, err = changer.EnterJoint(autoLeave, change.Changes...)
	} else {
		_, _, err = changer.Simple(change.Changes...)
	}
	if err == nil {
		return ""
	}
	for text, word := range reasons {
		if strings.Contains(err.Error(), text) {
			return word
		}
	}
	return "conf-change-error"
}

var reasons = map[string]string{
	"more than one voter changed":      "more-than-one-voter-changed",
	"removed all voters":               "removed-all-voters",
	"config is already joint":          "config-is-already-joint",
	"can't apply simple config change": "simple-change-in-joint-config",
	"can't make a zero-voter config":   "zero-voter-config",
	"can't leave a non-joint config":   "config-is-not-joint",
}

func isJoint(conf pb.ConfState) bool { return len(conf.VotersOutgoing) > 0 }

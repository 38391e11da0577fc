//go:build !before36

package main

import (
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
)

// What versions before 3.6 do not have.

func stepDownOnRemoval(config *raft.Config, on bool) { config.StepDownOnRemoval = on }

func asyncStorageWrites(config *raft.Config) bool {
	config.AsyncStorageWrites = true
	return true
}

func isAsync(config *raft.Config) bool { return config.AsyncStorageWrites }

func newTracker() tracker.ProgressTracker { return tracker.MakeProgressTracker(1, 0) }

func isStorageAppend(m pb.Message) bool { return m.To == raft.LocalAppendThread }

func isStorageApply(m pb.Message) bool { return m.To == raft.LocalApplyThread }

// What a message to the append thread asks to write, beside entries.
func toWrite(m pb.Message) (snapshot pb.Snapshot, hard pb.HardState) {
	if m.Snapshot != nil {
		snapshot = *m.Snapshot
	}
	return snapshot, pb.HardState{Term: m.Term, Vote: m.Vote, Commit: m.Commit}
}

func responses(m pb.Message) []pb.Message { return m.Responses }

func isSnapshot(progress tracker.Progress) bool { return progress.State == tracker.StateSnapshot }

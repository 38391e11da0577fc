//go:build before36

package main

import (
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
)

func stepDownOnRemoval(*raft.Config, bool) {}

func asyncStorageWrites(*raft.Config) bool { return false }

func isAsync(*raft.Config) bool { return false }

func newTracker() tracker.ProgressTracker { return tracker.MakeProgressTracker(1) }

func isStorageAppend(pb.Message) bool { return false }

func isStorageApply(pb.Message) bool { return false }

func toWrite(pb.Message) (snapshot pb.Snapshot, hard pb.HardState) { return }

func responses(pb.Message) []pb.Message { return nil }

func isSnapshot(progress tracker.Progress) bool { return progress.State == tracker.StateSnapshot }

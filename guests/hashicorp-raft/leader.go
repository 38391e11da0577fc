//go:build !before14

package main

import "github.com/hashicorp/raft"

// What versions before 1.4 tell in other ways.

func commitIndex(r *raft.Raft) uint64 { return r.CommitIndex() }

func leaderID(r *raft.Raft, _ func() []raft.Server) uint32 {
	_, id := r.LeaderWithID()
	return number(id)
}

//go:build before14

package main

import (
	"strconv"

	"splitbrain/guest"

	"github.com/hashicorp/raft"
)

func commitIndex(r *raft.Raft) uint64 {
	index, _ := strconv.ParseUint(r.Stats()["commit_index"], 10, 64)
	return index
}

func leaderID(r *raft.Raft, servers func() []raft.Server) uint32 {
	address := r.Leader()
	for _, server := range servers() {
		if server.Address == address {
			return number(server.ID)
		}
	}
	return guest.Nobody
}

//go:build !before17

package main

import "github.com/hashicorp/raft"

// What versions before 1.7 do not have: pre-votes.

func preVote(config *raft.Config, on bool) { config.PreVoteDisabled = !on }

func (t *transport) RequestPreVote(id raft.ServerID, address raft.ServerAddress, args *raft.RequestPreVoteRequest,
	answer *raft.RequestPreVoteResponse) error {
	return t.call(id, address, kindPreVote, args, nil, answer)
}

func newPreVoteRequest() any { return &raft.RequestPreVoteRequest{} }

func numbersOfPreVote(body any) []uint64 {
	switch m := body.(type) {
	case *raft.RequestPreVoteRequest:
		return []uint64{out(m.Term), out(m.LastLogTerm), out(m.LastLogIndex)}
	case *raft.RequestPreVoteResponse:
		return []uint64{out(m.Term), flag(m.Granted)}
	}
	return nil
}

package main

import (
	"fmt"
	"sort"

	pb "go.etcd.io/raft/v3/raftpb"
)

// Places of the declared kinds of messages.
const (
	kindPropose = iota
	kindAppend
	kindAppendResponse
	kindVote
	kindVoteResponse
	kindSnapshot
	kindHeartbeat
	kindHeartbeatResponse
	kindTransferLeader
	kindTimeoutNow
	kindReadIndex
	kindReadIndexResponse
	kindPreVote
	kindPreVoteResponse
	kindOther
)

// The kind of a message, and what its declaration names.
func numbers(m pb.Message) (kind byte, numbers []uint64) {
	term, point := out(m.Term), []uint64{out(m.Term), out(m.LogTerm), out(m.Index)}
	rejects := uint64(0)
	if m.Reject {
		rejects = 1
	}
	switch m.Type {
	case pb.MsgProp:
		return kindPropose, []uint64{term}
	case pb.MsgApp:
		return kindAppend, append(point, out(m.Commit), uint64(len(m.Entries)))
	case pb.MsgAppResp:
		return kindAppendResponse, []uint64{term, out(m.Index), rejects, out(m.RejectHint)}
	case pb.MsgVote:
		return kindVote, point
	case pb.MsgVoteResp:
		return kindVoteResponse, []uint64{term, rejects}
	case pb.MsgSnap:
		return kindSnapshot, []uint64{term, out(m.Snapshot.Metadata.Index)}
	case pb.MsgHeartbeat:
		return kindHeartbeat, []uint64{term, out(m.Commit)}
	case pb.MsgHeartbeatResp:
		return kindHeartbeatResponse, []uint64{term}
	case pb.MsgTransferLeader:
		return kindTransferLeader, []uint64{term}
	case pb.MsgTimeoutNow:
		return kindTimeoutNow, []uint64{term}
	case pb.MsgReadIndex:
		return kindReadIndex, []uint64{term}
	case pb.MsgReadIndexResp:
		return kindReadIndexResponse, []uint64{term, out(m.Index)}
	case pb.MsgPreVote:
		return kindPreVote, point
	case pb.MsgPreVoteResp:
		return kindPreVoteResponse, []uint64{term, rejects}
	default:
		return kindOther, []uint64{term}
	}
}

// Answers go back where the question came from.
func isAnswer(kind pb.MessageType) bool {
	switch kind {
	case pb.MsgAppResp, pb.MsgVoteResp, pb.MsgHeartbeatResp, pb.MsgPreVoteResp, pb.MsgReadIndexResp:
		return true
	}
	return false
}

func contains(ids []uint64, id uint64) bool {
	for _, each := range ids {
		if each == id {
			return true
		}
	}
	return false
}

func isVoter(conf pb.ConfState, id uint64) bool {
	return contains(conf.Voters, id) || contains(conf.VotersOutgoing, id)
}

func takesPart(conf pb.ConfState, id uint64) bool {
	return isVoter(conf, id) || contains(conf.Learners, id) || contains(conf.LearnersNext, id)
}

func sortedKeys[V any](of map[uint64]V) []uint64 {
	keys := make([]uint64, 0, len(of))
	for key := range of {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	return keys
}

// A logger that only knows how to end the process.
type quiet struct{}

func (quiet) Debug(...any)              {}
func (quiet) Debugf(string, ...any)     {}
func (quiet) Error(...any)              {}
func (quiet) Errorf(string, ...any)     {}
func (quiet) Info(...any)               {}
func (quiet) Infof(string, ...any)      {}
func (quiet) Warning(...any)            {}
func (quiet) Warningf(string, ...any)   {}
func (quiet) Fatal(v ...any)            { panic(fmt.Sprint(v...)) }
func (quiet) Fatalf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }
func (quiet) Panic(v ...any)            { panic(fmt.Sprint(v...)) }
func (quiet) Panicf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }

package main

import (
	"bytes"
	"errors"
	"io"
	"time"

	"splitbrain/guest"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/raft"
)

// Kinds of messages, as they are declared: an answer's is one more than its request's.
const (
	kindVote     = 0
	kindPreVote  = 2
	kindAppend   = 4
	kindSnapshot = 6
	kindTimeout  = 8
	isAnswer     = 1
)

var errNoAnswer = errors.New("no answer in time")

// transport carries the library's calls as messages: a number names a call and its answer.
type transport struct {
	id, address uint32
	out         *guest.Effects
	patience    time.Duration
	consumer    chan raft.RPC
	heartbeat   func(raft.RPC)
	calls       uint64
	open        map[uint64]*call
}

type call struct {
	answer any
	done   chan error
}

func (t *transport) Consumer() <-chan raft.RPC                  { return t.consumer }
func (t *transport) LocalAddr() raft.ServerAddress              { return serverAddress(t.address) }
func (t *transport) SetHeartbeatHandler(handler func(raft.RPC)) { t.heartbeat = handler }
func (t *transport) DecodePeer(bytes []byte) raft.ServerAddress { return raft.ServerAddress(bytes) }
func (t *transport) EncodePeer(_ raft.ServerID, address raft.ServerAddress) []byte {
	return []byte(address)
}

func (t *transport) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

func (t *transport) AppendEntries(id raft.ServerID, address raft.ServerAddress, args *raft.AppendEntriesRequest,
	answer *raft.AppendEntriesResponse) error {
	return t.call(id, address, kindAppend, args, nil, answer)
}

func (t *transport) RequestVote(id raft.ServerID, address raft.ServerAddress, args *raft.RequestVoteRequest,
	answer *raft.RequestVoteResponse) error {
	return t.call(id, address, kindVote, args, nil, answer)
}

func (t *transport) TimeoutNow(id raft.ServerID, address raft.ServerAddress, args *raft.TimeoutNowRequest,
	answer *raft.TimeoutNowResponse) error {
	return t.call(id, address, kindTimeout, args, nil, answer)
}

func (t *transport) InstallSnapshot(id raft.ServerID, address raft.ServerAddress, args *raft.InstallSnapshotRequest,
	answer *raft.InstallSnapshotResponse, data io.Reader) error {
	state, err := io.ReadAll(data)
	if err != nil {
		return err
	}
	t.out.Note(noteSnapshotSent)
	return t.call(id, address, kindSnapshot, args, state, answer)
}

// Sends a request and waits for its answer.
func (t *transport) call(id raft.ServerID, address raft.ServerAddress, kind byte, args any, state []byte, answer any) error {
	t.calls++
	name := t.calls
	waits := &call{answer, make(chan error, 1)}
	t.open[name] = waits
	defer delete(t.open, name)
	t.send(number(id), number(address), kind, name, args, state, "")
	select {
	case err := <-waits.done:
		return err
	case <-time.After(t.patience):
		return errNoAnswer
	}
}

func (t *transport) send(to, address uint32, kind byte, call uint64, body any, state []byte, failure string) {
	var w guest.Writer
	w.Byte(kind)
	w.Uint64(call)
	w.Text(failure)
	w.Bytes(encode(body))
	w.Bytes(state)
	t.out.Send(to, address, kind, w.Frame, numbers(body)...)
}

// A message arrived: an answer ends its call, a request is the library's.
func (t *transport) received(from, source uint32, message []byte) {
	r := guest.Read(message)
	kind, name, failure, body := r.Byte(), r.Uint64(), r.Text(), r.Bytes()
	state := r.Copy()
	if kind&isAnswer != 0 {
		waits := t.open[name]
		if waits == nil {
			return
		}
		delete(t.open, name)
		if failure != "" {
			waits.done <- errors.New(failure)
			return
		}
		decode(body, waits.answer)
		waits.done <- nil
		return
	}
	args := newRequest(kind)
	decode(body, args)
	answers := make(chan raft.RPCResponse, 1)
	rpc := raft.RPC{Command: args, RespChan: answers, Reader: bytes.NewReader(state)}
	go func() {
		if append, ok := args.(*raft.AppendEntriesRequest); ok && isHeartbeat(append) && t.heartbeat != nil {
			t.heartbeat(rpc)
		} else {
			t.consumer <- rpc
		}
		answer := <-answers
		failure := ""
		if answer.Error != nil {
			failure = answer.Error.Error()
		}
		t.send(from, source, kind|isAnswer, name, answer.Response, nil, failure)
	}()
}

// What the library's own transports take for a heartbeat.
func isHeartbeat(args *raft.AppendEntriesRequest) bool {
	return args.Term != 0 && args.PrevLogEntry == 0 && args.PrevLogTerm == 0 && len(args.Entries) == 0 &&
		args.LeaderCommitIndex == 0
}

func newRequest(kind byte) any {
	switch kind {
	case kindVote:
		return &raft.RequestVoteRequest{}
	case kindPreVote:
		return newPreVoteRequest()
	case kindAppend:
		return &raft.AppendEntriesRequest{}
	case kindSnapshot:
		return &raft.InstallSnapshotRequest{}
	default:
		return &raft.TimeoutNowRequest{}
	}
}

var handle = &codec.MsgpackHandle{}

func encode(body any) []byte {
	var encoded []byte
	if err := codec.NewEncoderBytes(&encoded, handle).Encode(body); err != nil {
		panic(err)
	}
	return encoded
}

func decode(bytes []byte, body any) {
	if err := codec.NewDecoderBytes(bytes, handle).Decode(body); err != nil {
		panic(err)
	}
}

func flag(on bool) uint64 {
	if on {
		return 1
	}
	return 0
}

// What the declaration names of a message.
func numbers(body any) []uint64 {
	switch m := body.(type) {
	case *raft.RequestVoteRequest:
		return []uint64{out(m.Term), out(m.LastLogTerm), out(m.LastLogIndex)}
	case *raft.RequestVoteResponse:
		return []uint64{out(m.Term), flag(m.Granted)}
	case *raft.AppendEntriesRequest:
		return []uint64{out(m.Term), out(m.PrevLogTerm), out(m.PrevLogEntry), out(m.LeaderCommitIndex),
			uint64(len(m.Entries))}
	case *raft.AppendEntriesResponse:
		return []uint64{out(m.Term), out(m.LastLog), flag(m.Success)}
	case *raft.InstallSnapshotRequest:
		return []uint64{out(m.Term), out(m.LastLogIndex)}
	case *raft.InstallSnapshotResponse:
		return []uint64{out(m.Term), flag(m.Success)}
	}
	return numbersOfPreVote(body)
}

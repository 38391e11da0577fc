package main

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand"
	"sort"

	"splitbrain/guest"

	"github.com/hashicorp/raft"
)

type node struct {
	id        uint32
	out       *guest.Effects
	set       settings
	disk      *disk
	transport *transport
	raft      *raft.Raft
	// Whether it was to stand for election before it had begun.
	stands  bool
	applied uint64
	// What the machine held when the world took a snapshot of it.
	through uint64
	state   []byte
	members string
	// The term in which a barrier of this node was applied: before, reads would be too early.
	ready uint64
}

func boot(boot guest.Boot, effects *guest.Effects) guest.Node {
	rand.Seed(int64(boot.Entropy))
	set, _, _ := readSettings(boot.Settings)
	disk := load(boot.Disk, effects)
	n := &node{id: boot.ID, out: effects, set: set, disk: disk}
	n.transport = &transport{
		id: boot.ID, address: n.address(), out: effects, patience: set.patience,
		consumer: make(chan raft.RPC), open: map[uint64]*call{},
	}
	config := set.config
	config.LocalID = serverID(boot.ID)
	n.applied = disk.meta.Index
	// The library may write while it begins.
	go func() {
		started, err := raft.NewRaft(&config, n, disk, disk, disk, n.transport)
		if err != nil {
			panic(err)
		}
		n.raft = started
		if n.stands {
			n.stand()
		}
	}()
	return n
}

// Where this node believes to be reached: the library puts it into what it says.
func (n *node) address() uint32 {
	for _, server := range n.disk.meta.Configuration.Servers {
		if server.ID == serverID(n.id) {
			return number(server.Address)
		}
	}
	return n.id
}

// What happens to the node.

func (n *node) Received(from, source, to uint32, message []byte) {
	if to != n.id {
		n.out.Note(noteMisrouted)
		return
	}
	n.transport.received(from, source, message)
}

// To stand for election is what the library does when a leader hands over to it.
func (n *node) Fired(byte) {
	if n.raft == nil {
		n.stands = true
	} else if n.raft.State() != raft.Leader {
		n.stand()
	}
}

func (n *node) stand() {
	answers := make(chan raft.RPCResponse, 1)
	header := raft.RPCHeader{ProtocolVersion: n.set.config.ProtocolVersion}
	rpc := raft.RPC{Command: &raft.TimeoutNowRequest{RPCHeader: header}, RespChan: answers}
	go func() { n.transport.consumer <- rpc }()
}

func (n *node) Persisted(through uint64) { n.disk.persisted(through) }

func (n *node) Proposed(request uint64, command []byte) {
	if n.raft == nil {
		n.out.NotLeader(request, guest.Nobody)
		return
	}
	data := append(binary.LittleEndian.AppendUint64(nil, request), command...)
	go func() { n.refuse(request, n.raft.Apply(data, 0).Error()) }()
}

// As Consul reads: a barrier once a leader's term, and a round of heartbeats for each read.
func (n *node) ReadRequested(request uint64) {
	if n.raft == nil {
		n.out.NotLeader(request, guest.Nobody)
		return
	}
	go func() {
		term := n.disk.term()
		if n.ready != term {
			if err := n.raft.Barrier(0).Error(); err != nil {
				n.refuseRead(request)
				return
			}
			n.ready = term
		}
		commit := commitIndex(n.raft)
		if n.raft.VerifyLeader().Error() != nil {
			n.refuseRead(request)
			return
		}
		for n.applied < commit {
			if n.raft.Barrier(0).Error() != nil {
				n.refuseRead(request)
				return
			}
		}
		n.out.Serve(request)
	}()
}

func (n *node) refuseRead(request uint64) { n.out.NotLeader(request, n.hint()) }

func (n *node) hint() uint32 {
	return leaderID(n.raft, n.servers)
}

// Tells what came of a request, if it did not happen.
func (n *node) refuse(request uint64, err error) {
	switch {
	case err == nil:
	case errors.Is(err, raft.ErrNotLeader):
		n.out.NotLeader(request, n.hint())
	case errors.Is(err, raft.ErrLeadershipTransferInProgress), errors.Is(err, raft.ErrEnqueueTimeout):
		n.out.Busy(request)
	default:
		// Whatever else ends a request leaves it open whether it happened.
		n.out.LeadershipLost(request)
	}
}

func (n *node) ChangeRequested(request uint64, change guest.Change) {
	if n.raft == nil || n.raft.State() != raft.Leader {
		n.out.NotLeader(request, guest.Nobody)
		return
	}
	simple := change.How == guest.ChangeSimple && len(change.Steps) > 1
	if simple || change.How == guest.ChangeEnterJoint || change.How == guest.ChangeLeaveJoint {
		n.out.Unsupported(request)
		return
	}
	steps := append([]guest.Step(nil), change.Steps...)
	sort.SliceStable(steps, func(i, j int) bool { return steps[i].Kind < steps[j].Kind })
	go func() {
		for place, step := range steps {
			if err := n.change(step); err != nil {
				if place > 0 {
					err = raft.ErrLeadershipLost
				} else if !isOutcome(err) {
					n.out.Rule(request, "configuration-refused")
					return
				}
				n.refuse(request, err)
				return
			}
		}
		n.out.Done(request)
	}()
}

// Whether an error says what became of a change in the log, rather than why it never came there.
func isOutcome(err error) bool {
	for _, known := range []error{raft.ErrNotLeader, raft.ErrLeadershipLost, raft.ErrEnqueueTimeout,
		raft.ErrRaftShutdown, raft.ErrLeadershipTransferInProgress} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// One server's part: the library changes one at a time.
func (n *node) change(step guest.Step) error {
	id, address := serverID(step.Node), serverAddress(step.Address)
	switch step.Kind {
	case guest.StepAddVoter:
		return n.raft.AddVoter(id, address, 0, 0).Error()
	case guest.StepRemove:
		return n.raft.RemoveServer(id, 0, 0).Error()
	}
	for _, server := range n.servers() {
		if server.ID == id && server.Suffrage == raft.Voter {
			return n.raft.DemoteVoter(id, 0, 0).Error()
		}
	}
	return n.raft.AddNonvoter(id, address, 0, 0).Error()
}

func (n *node) servers() []raft.Server {
	return n.raft.GetConfiguration().Configuration().Servers
}

func (n *node) TransferRequested(request uint64, to uint32) {
	if n.raft == nil || n.raft.State() != raft.Leader {
		n.out.NotLeader(request, guest.Nobody)
		return
	}
	if to == n.id {
		n.out.Done(request)
		return
	}
	for _, server := range n.servers() {
		if server.ID == serverID(to) && server.Suffrage == raft.Voter {
			go func() {
				if n.raft.LeadershipTransferToServer(server.ID, server.Address).Error() != nil {
					n.out.Rule(request, "transfer-failed")
				} else {
					n.out.Done(request)
				}
			}()
			return
		}
	}
	n.out.Rule(request, "not-a-target")
}

func (n *node) SnapshotTaken(through uint64, state []byte) {
	if n.raft == nil || in(through) != n.applied {
		return
	}
	n.through, n.state = in(through), state
	go func() { _ = n.raft.Snapshot().Error() }()
}

func (n *node) Status() guest.Status {
	if n.raft == nil {
		return guest.Status{Role: roleUninitialised, Vote: guest.Nobody, Leader: guest.Nobody}
	}
	servers := n.servers()
	n.tellMembers(servers)
	state := n.raft.State()
	role := states[state]
	if state == raft.Follower {
		role = roleUninitialised
		if len(servers) > 0 {
			role = roleLearner
		}
		for _, server := range servers {
			if server.ID == serverID(n.id) && server.Suffrage == raft.Voter {
				role = 0
			}
		}
	}
	return guest.Status{
		Epoch: out(n.disk.term()), Leads: state == raft.Leader, Role: role,
		Commit:  out(max(commitIndex(n.raft), n.disk.meta.Index)), // The machine is not told of the library's own entries.
		Applied: out(max(n.raft.AppliedIndex(), n.applied)), Last: out(n.raft.LastIndex()),
		Vote: guest.Nobody, Leader: n.hint(),
	}
}

func (n *node) tellMembers(servers []raft.Server) {
	text := string(raft.EncodeConfiguration(raft.Configuration{Servers: servers}))
	if text == n.members {
		return
	}
	n.members = text
	var voters, learners, nodes, addresses []uint32
	for _, server := range servers {
		id := number(server.ID)
		nodes = append(nodes, id)
		addresses = append(addresses, number(server.Address))
		if server.Suffrage == raft.Voter {
			voters = append(voters, id)
		} else {
			learners = append(learners, id)
		}
	}
	var sets [][]uint32
	if len(voters) > 0 {
		sets = append(sets, voters)
	}
	n.out.Members(sets, learners, nodes, addresses)
}

// The machine.

func (n *node) Apply(log *raft.Log) any {
	n.applied = log.Index
	if len(log.Data) >= 8 {
		n.out.Apply(out(log.Index), log.Data[8:])
	}
	return nil
}

var errStale = errors.New("the machine went on")

func (n *node) Snapshot() (raft.FSMSnapshot, error) {
	if n.through != n.applied {
		return nil, errStale
	}
	return snapshot{n.through, n.state}, nil
}

// What a snapshot holds: how far the machine was, and its state.
type snapshot struct {
	through uint64
	state   []byte
}

func (s snapshot) Persist(sink raft.SnapshotSink) error {
	if _, err := sink.Write(binary.LittleEndian.AppendUint64(nil, s.through)); err != nil {
		return err
	}
	if _, err := sink.Write(s.state); err != nil {
		return err
	}
	return sink.Close()
}

func (snapshot) Release() {}

func (n *node) Restore(reader io.ReadCloser) error {
	data, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	if len(data) >= 8 {
		n.applied = binary.LittleEndian.Uint64(data)
		n.out.Restore(out(n.applied), data[8:])
	}
	return nil
}

package main

import (
	"encoding/binary"
	"slices"

	"splitbrain/guest"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// What waits for a write: a Ready, or a message to the append thread.
type waiting struct {
	write    uint64
	ready    *raft.Ready
	snapshot pb.Snapshot
	entries  []pb.Entry
	hard     pb.HardState
	then     []pb.Message
}

type node struct {
	id      uint32
	out     *guest.Effects
	set     settings
	raw     *raft.RawNode
	storage *raft.MemoryStorage
	// The configuration in force, and where its members are reached; sources is where each was last heard from.
	conf           pb.ConfState
	table, sources addresses
	waiting        []waiting
	// What is committed and not applied. A change of the members comes into force when the disk knows that it does, as in
	// etcd: enacts is the write that says so, or 0.
	queue         []job
	enacts        uint64
	durable       uint64
	applied, last uint64
	// Whether a snapshot of the leader is being written: what is committed meanwhile waits in the library.
	restoring bool
	// Which requests asked for a command: an entry is the command alone, for the library counts its bytes.
	proposals map[string][]uint64
	// The change under way: its index is 0 until its entry is seen in the log.
	change     *pendingChange
	reads      map[uint64]bool
	confirmed  []confirmedRead
	transfer   uint64
	transferTo uint64
	transfers  bool
	reign      uint64
	snapshots  map[uint64]int
}

// A committed entry, or what follows when all before it is applied.
type job struct {
	entry pb.Entry
	then  func()
}

type pendingChange struct {
	request, index uint64
	// refusal is what it means when the library puts an empty entry in its place.
	refusal     string
	jointIsDone bool
}

type confirmedRead struct{ index, request uint64 }

func boot(boot guest.Boot, effects *guest.Effects) guest.Node {
	set, _, _ := readSettings(boot.Settings)
	storage, table, snapshot := load(boot.Disk)
	config := set.config
	config.ID, config.Storage, config.Logger = raftID(boot.ID), storage, quiet{}
	config.Applied = snapshot.Metadata.Index
	raw, err := raft.NewRawNode(&config)
	must(err)
	last, _ := storage.LastIndex()
	n := &node{
		id: boot.ID, out: effects, set: set, raw: raw, storage: storage,
		conf: snapshot.Metadata.ConfState, table: table, sources: addresses{},
		applied: snapshot.Metadata.Index, last: last,
		proposals: map[string][]uint64{}, reads: map[uint64]bool{}, snapshots: map[uint64]int{},
	}
	n.tellMembers()
	if out(snapshot.Metadata.Index) > 0 {
		_, _, state := readSnapshot(snapshot.Data)
		effects.Restore(out(snapshot.Metadata.Index), state)
	}
	effects.SetTimer(timerTick, 1, set.tick)
	n.settle()
	return n
}

// What happens to the node.

func (n *node) Received(from, source, to uint32, message []byte) {
	if to != n.id {
		n.out.Note(noteMisrouted)
		return
	}
	n.sources[from] = source
	var m pb.Message
	must(m.Unmarshal(message))
	// An error says that the message is of no use here, such as an answer from somebody who is no member.
	_ = n.raw.Step(m)
	n.settle()
}

func (n *node) Fired(timer byte) {
	switch timer {
	case timerTick:
		n.out.SetTimer(timerTick, n.set.tick, n.set.tick)
		n.raw.Tick()
		n.ageSnapshots(1)
	case timerElection:
		if n.state() != raft.StateLeader {
			_ = n.raw.Campaign()
		}
	case timerHeartbeat:
		// Nothing but its clock makes the library speak.
		if n.state() == raft.StateLeader {
			for range n.set.config.HeartbeatTick {
				n.raw.Tick()
			}
			n.ageSnapshots(n.set.config.HeartbeatTick)
		}
	}
	n.settle()
}

func (n *node) state() raft.StateType { return n.raw.BasicStatus().RaftState }

// The library sends nothing else to a node until it hears what became of a snapshot. Nobody tells this node that a
// message was lost, so that one without an answer within an election timeout counts as failed.
func (n *node) ageSnapshots(ticks int) {
	if len(n.snapshots) == 0 {
		return
	}
	status := n.raw.Status()
	for _, id := range sortedKeys(n.snapshots) {
		progress, known := status.Progress[id]
		if !known || !isSnapshot(progress) {
			delete(n.snapshots, id)
		} else if n.snapshots[id] += ticks; n.snapshots[id] >= 2*n.set.config.ElectionTick {
			delete(n.snapshots, id)
			n.raw.ReportSnapshot(id, raft.SnapshotFailure)
		}
	}
}

func (n *node) Persisted(through uint64) {
	n.durable = through
	n.goOn()
	n.settle()
}

func (n *node) Proposed(request uint64, command []byte) {
	if n.refusesFollower(request) {
		return
	}
	if n.raw.Propose(command) != nil {
		n.out.Busy(request)
		return
	}
	n.proposals[string(command)] = append(n.proposals[string(command)], request)
	n.settle()
}

func (n *node) ReadRequested(request uint64) {
	if !n.set.followerReads && n.refusesFollower(request) {
		return
	}
	n.reads[request] = true
	n.raw.ReadIndex(binary.LittleEndian.AppendUint64(nil, request))
	n.settle()
}

func (n *node) ChangeRequested(request uint64, change guest.Change) {
	if n.refusesFollower(request) {
		return
	}
	if n.change != nil {
		n.out.Rule(request, "possible-unapplied-conf-change")
		return
	}
	wanted := toConfChange(request, change, &n.set)
	if wanted == nil {
		n.out.Unsupported(request)
		return
	}
	v2 := wanted.AsV2()
	leave := v2.LeaveJoint()
	refusal := "possible-unapplied-conf-change"
	switch {
	case isJoint(n.conf) && !leave:
		refusal = "must-transition-out-of-joint-config-first"
	case !isJoint(n.conf) && leave:
		refusal = "not-in-joint-state"
	default:
		// An application must not let a change into the log that cannot be applied.
		if word := outcome(n.conf, v2); word != "" {
			n.out.Rule(request, word)
			return
		}
	}
	if n.raw.ProposeConfChange(wanted) != nil {
		n.out.Busy(request)
		return
	}
	autoLeave, enters := v2.EnterJoint()
	n.change = &pendingChange{request: request, refusal: refusal, jointIsDone: enters && !autoLeave}
	n.settle()
}

func (n *node) TransferRequested(request uint64, to uint32) {
	switch {
	case n.refusesFollower(request):
	case to == n.id:
		n.out.Done(request)
	case !isVoter(n.conf, raftID(to)):
		n.out.Rule(request, "not-a-target")
	case n.transfers:
		n.out.Busy(request)
	default:
		n.transfers, n.transfer, n.transferTo = true, request, raftID(to)
		n.raw.TransferLeader(raftID(to))
		n.settle()
	}
}

func (n *node) SnapshotTaken(through uint64, state []byte) {
	index := in(through)
	have, err := n.storage.Snapshot()
	if n.restoring || err != nil || index != n.applied || index <= have.Metadata.Index {
		return
	}
	snapshot, err := n.storage.CreateSnapshot(index, &n.conf, snapshotData(n.conf, n.table, state))
	if err != nil {
		return
	}
	must(n.storage.Compact(index))
	n.out.Snapshot(out(index), out(snapshot.Metadata.Term), snapshot.Data)
	n.out.Compact(out(index), out(snapshot.Metadata.Term))
	n.out.Persist()
}

func (n *node) Status() guest.Status {
	status := n.raw.BasicStatus()
	role := byte(status.RaftState)
	if status.RaftState == raft.StateFollower {
		switch {
		case len(n.conf.Voters) == 0:
			role = 5
		case !isVoter(n.conf, raftID(n.id)):
			role = 4
		}
	}
	return guest.Status{
		Epoch: out(status.Term), Leads: status.RaftState == raft.StateLeader, Role: role,
		// What a write that waits will bring may be committed already.
		Commit: out(min(status.Commit, n.last)), Applied: out(n.applied), Last: out(n.last),
		Vote: someone(status.Vote), Leader: someone(status.Lead),
	}
}

func (n *node) refusesFollower(request uint64) bool {
	status := n.raw.BasicStatus()
	if status.RaftState == raft.StateLeader {
		return false
	}
	n.out.NotLeader(request, someone(status.Lead))
	return true
}

// What the library asks for.

// Does everything that the library has ready, until it has nothing more or waits for the disk.
func (n *node) settle() {
	for {
		n.goOn()
		busy := len(n.waiting) > 0 || len(n.queue) > 0
		if !isAsync(&n.set.config) && busy || !n.raw.HasReady() {
			break
		}
		ready := n.raw.Ready()
		n.takeReads(ready.ReadStates)
		if isAsync(&n.set.config) {
			for _, message := range ready.Messages {
				n.takeMessage(message)
			}
		} else {
			write := n.write(ready.Snapshot, ready.Entries, ready.HardState)
			if !ready.MustSync && raft.IsEmptySnap(ready.Snapshot) {
				write = 0
			}
			n.waiting = append(n.waiting, waiting{
				write: write, ready: &ready, snapshot: ready.Snapshot, entries: ready.Entries, hard: ready.HardState,
			})
		}
	}
	n.serve()
	n.watchReign()
	n.watchTransfer()
}

// Carries on with what waited for writes that are durable now.
func (n *node) goOn() {
	for len(n.waiting) > 0 && n.waiting[0].write <= n.durable {
		done := n.waiting[0]
		n.waiting = n.waiting[1:]
		if !raft.IsEmptySnap(done.snapshot) {
			must(n.storage.ApplySnapshot(done.snapshot))
			n.restore(done.snapshot)
		}
		must(n.storage.Append(done.entries))
		if !raft.IsEmptyHardState(done.hard) {
			must(n.storage.SetHardState(done.hard))
		}
		for _, message := range done.then {
			n.takeMessage(message)
		}
		if done.ready != nil {
			for _, message := range done.ready.Messages {
				n.send(message)
			}
			ready := *done.ready
			n.enqueue(ready.CommittedEntries, func() { n.raw.Advance(ready) })
		}
		n.apply()
	}
	n.apply()
}

// Issues the write of a Ready or of a message to the append thread. The snapshot comes first: a hard state that commits
// what only the snapshot holds cannot be started from.
func (n *node) write(snapshot pb.Snapshot, entries []pb.Entry, hard pb.HardState) uint64 {
	if !raft.IsEmptySnap(snapshot) && !n.set.snapshotLast {
		n.writeSnapshot(snapshot)
	}
	for _, entry := range entries {
		if entry.Type != pb.EntryNormal {
			n.out.Note(noteMembershipAppended)
			n.found(entry)
		}
		n.out.Entry(out(entry.Index), out(entry.Term), entryData(entry))
		n.last = entry.Index
	}
	n.missed(entries)
	if !raft.IsEmptyHardState(hard) {
		n.out.Cell(cellHardState, hardStateData(hard))
	}
	if !raft.IsEmptySnap(snapshot) && n.set.snapshotLast {
		n.writeSnapshot(snapshot)
	}
	return n.out.Persist()
}

func (n *node) writeSnapshot(snapshot pb.Snapshot) {
	meta := snapshot.Metadata
	n.out.Snapshot(out(meta.Index), out(meta.Term), snapshot.Data)
	n.out.Cut(out(meta.Index) + 1)
	n.out.Compact(out(meta.Index), out(meta.Term))
	n.last = meta.Index
	n.restoring = true
}

// A change that this node proposed stands in the log.
func (n *node) found(entry pb.Entry) {
	if n.change == nil || n.change.index != 0 {
		return
	}
	if request, _, ok := readContext(readChange(entry)); ok && request == n.change.request {
		n.change.index = entry.Index
	}
}

// The library put an empty entry in a change's place.
func (n *node) missed(entries []pb.Entry) {
	if len(entries) > 0 && n.change != nil && n.change.index == 0 {
		n.out.Rule(n.change.request, n.change.refusal)
		n.change = nil
	}
}

func (n *node) takeMessage(message pb.Message) {
	switch {
	case isStorageAppend(message):
		snapshot, hard := toWrite(message)
		write := n.write(snapshot, message.Entries, hard)
		n.waiting = append(n.waiting, waiting{
			write: write, snapshot: snapshot, entries: message.Entries, hard: hard, then: responses(message),
		})
	case isStorageApply(message):
		n.enqueue(message.Entries, func() {
			for _, response := range responses(message) {
				n.takeMessage(response)
			}
		})
		n.apply()
	case message.To == raftID(n.id):
		_ = n.raw.Step(message)
	default:
		n.send(message)
	}
}

func (n *node) restore(snapshot pb.Snapshot) {
	conf, table, state := readSnapshot(snapshot.Data)
	_ = conf // The snapshot's own, which may lack its receiver, is in the metadata.
	n.conf, n.table = snapshot.Metadata.ConfState, table
	n.applied = snapshot.Metadata.Index
	n.restoring = false
	n.out.Restore(out(n.applied), state)
	n.tellMembers()
	n.out.Note(noteMembershipChanged)
}

func (n *node) enqueue(entries []pb.Entry, then func()) {
	for _, entry := range entries {
		n.queue = append(n.queue, job{entry: entry})
	}
	n.queue = append(n.queue, job{then: then})
}

// Hands committed entries to the machine, and puts changes of the members into force.
func (n *node) apply() {
	for len(n.queue) > 0 {
		next := n.queue[0]
		if next.then == nil && next.entry.Type != pb.EntryNormal && next.entry.Index > n.applied {
			if n.enacts == 0 {
				n.out.Cell(cellChanged, binary.LittleEndian.AppendUint64(nil, out(next.entry.Index)))
				n.enacts = n.out.Persist()
			}
			if n.enacts > n.durable {
				return
			}
			n.enacts = 0
		}
		n.queue = n.queue[1:]
		if next.then != nil {
			next.then()
		} else if next.entry.Index > n.applied {
			n.applyEntry(next.entry)
		}
	}
}

func (n *node) applyEntry(entry pb.Entry) {
	n.applied = entry.Index
	if entry.Type != pb.EntryNormal {
		n.enact(readChange(entry))
		return
	}
	// The empty entry of a new leader is the library's own.
	if len(entry.Data) > 0 {
		n.happened(entry.Data)
		n.out.Apply(out(entry.Index), entry.Data)
	}
}

// A command was applied: whoever asked for it first waits no longer.
func (n *node) happened(command []byte) {
	if requests := n.proposals[string(command)]; len(requests) > 1 {
		n.proposals[string(command)] = requests[1:]
	} else if len(requests) == 1 {
		delete(n.proposals, string(command))
	}
}

func (n *node) enact(change pb.ConfChangeV2) {
	if word := outcome(n.conf, change); word != "" {
		n.out.Note(noteChangeRejected)
		n.finishChange(word)
		return
	}
	n.conf = *n.raw.ApplyConfChange(change)
	if _, table, ok := readContext(change); ok {
		for node, address := range table {
			n.table[node] = address
		}
	}
	for node := range n.table {
		if !takesPart(n.conf, raftID(node)) {
			delete(n.table, node)
		}
	}
	n.out.Note(noteMembershipChanged)
	n.tellMembers()
	n.finishChange("")
}

func (n *node) finishChange(refusal string) {
	change := n.change
	if change == nil || change.index == 0 || change.index > n.applied {
		return
	}
	if refusal != "" && change.index == n.applied {
		n.out.Rule(change.request, refusal)
		n.change = nil
	} else if change.jointIsDone || !isJoint(n.conf) {
		n.out.Done(change.request)
		n.change = nil
	}
}

func (n *node) tellMembers() {
	var sets [][]uint32
	for _, set := range [][]uint64{n.conf.VotersOutgoing, n.conf.Voters} {
		if len(set) > 0 {
			sets = append(sets, nodeIDs(set))
		}
	}
	nodes := n.table.sorted()
	reached := make([]uint32, 0, len(nodes))
	for _, node := range nodes {
		reached = append(reached, n.table[node])
	}
	n.out.Members(sets, nodeIDs(n.conf.Learners), nodes, reached)
}

func nodeIDs(ids []uint64) []uint32 {
	nodes := make([]uint32, 0, len(ids))
	for _, id := range ids {
		nodes = append(nodes, nodeID(id))
	}
	return nodes
}

// What is owed to clients and operators.

func (n *node) takeReads(states []raft.ReadState) {
	for _, state := range states {
		request := binary.LittleEndian.Uint64(state.RequestCtx)
		if n.reads[request] {
			delete(n.reads, request)
			n.confirmed = append(n.confirmed, confirmedRead{state.Index, request})
		}
	}
}

func (n *node) serve() {
	kept := n.confirmed[:0]
	for _, read := range n.confirmed {
		if read.index <= n.applied {
			n.out.Serve(read.request)
		} else {
			kept = append(kept, read)
		}
	}
	n.confirmed = kept
}

// Whoever waits at a leader that leads no longer gets to know.
func (n *node) watchReign() {
	if len(n.proposals) == 0 && len(n.reads) == 0 && n.change == nil && n.reign == 0 && n.state() != raft.StateLeader {
		return
	}
	status := n.raw.BasicStatus()
	now := uint64(0)
	if status.RaftState == raft.StateLeader {
		now = status.Term
	}
	if n.reign == now {
		return
	}
	n.reign = now
	var unknown []uint64
	for _, requests := range n.proposals {
		unknown = append(unknown, requests...)
	}
	slices.Sort(unknown)
	for _, request := range unknown {
		n.out.LeadershipLost(request)
	}
	if n.change != nil {
		n.out.LeadershipLost(n.change.request)
	}
	n.proposals, n.change = map[string][]uint64{}, nil
	for _, request := range sortedKeys(n.reads) {
		n.out.NotLeader(request, someone(status.Lead))
	}
	n.reads = map[uint64]bool{}
}

func (n *node) watchTransfer() {
	if !n.transfers {
		return
	}
	status := n.raw.BasicStatus()
	switch {
	case status.RaftState == raft.StateLeader && status.LeadTransferee != raft.None:
		return
	case status.RaftState == raft.StateLeader:
		n.out.Rule(n.transfer, "transfer-timed-out")
	case status.Lead == raft.None:
		return
	case status.Lead == n.transferTo:
		n.out.Done(n.transfer)
	default:
		n.out.Rule(n.transfer, "transfer-failed")
	}
	n.transfers = false
}

func (n *node) send(m pb.Message) {
	to := nodeID(m.To)
	known, isKnown := n.table[to]
	source, isSource := n.sources[to]
	address := known
	if !isKnown || isSource && isAnswer(m.Type) {
		address = source
	}
	if !isKnown && !isSource {
		n.out.Note(noteAddressUnknown)
		return
	}
	if m.Type == pb.MsgSnap {
		n.snapshots[m.To] = 0
		m.Snapshot = forReceiver(*m.Snapshot, m.To)
		n.out.Note(noteSnapshotSent)
	}
	data, err := m.Marshal()
	must(err)
	kind, numbers := numbers(m)
	n.out.Send(to, address, kind, data, numbers...)
}

// The library refuses a snapshot that does not name its receiver, and a newcomer is named by an entry after it only. So it
// is named as a learner: it has no vote, and the entry makes of it what it makes of any.
func forReceiver(snapshot pb.Snapshot, to uint64) *pb.Snapshot {
	conf := &snapshot.Metadata.ConfState
	if !takesPart(*conf, to) {
		conf.Learners = append(slices.Clone(conf.Learners), to)
	}
	return &snapshot
}

package main

import (
	"encoding/binary"
	"fmt"
	"sort"

	"splitbrain/guest"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

const (
	// The cell of term, vote and commit.
	cellHardState = iota
	// The cell of the index through which changes of the members are in force.
	cellChanged
)

// The world's index of a library's index, and its term of a library's term; and back.
func out(number uint64) uint64 {
	if number == 0 {
		return 0
	}
	return number - 1
}

func in(number uint64) uint64 { return number + 1 }

// The library takes 0 for nobody.
func raftID(node uint32) uint64 { return uint64(node) + 1 }

func nodeID(id uint64) uint32 { return uint32(id - 1) }

func someone(id uint64) uint32 {
	if id == raft.None {
		return guest.Nobody
	}
	return nodeID(id)
}

// What a node's disk holds before its first boot: for a member, a snapshot that names the members.
func format(_ uint32, initial guest.Initial, out *guest.Effects) (refusal string) {
	if !initial.Member || len(initial.Sets) == 0 {
		return ""
	}
	if len(initial.Sets) > 2 {
		return fmt.Sprintf("etcd's raft has joint configs of two voter sets, not of %d", len(initial.Sets))
	}
	var conf pb.ConfState
	votes := map[uint32]bool{}
	for place, set := range initial.Sets {
		ids := make([]uint64, 0, len(set))
		for _, node := range set {
			ids = append(ids, raftID(node))
			votes[node] = true
		}
		if place == len(initial.Sets)-1 {
			conf.Voters = ids
		} else {
			conf.VotersOutgoing = ids
		}
	}
	table := addresses{}
	for place, node := range initial.Nodes {
		table[node] = initial.Addresses[place]
		if !votes[node] {
			conf.Learners = append(conf.Learners, raftID(node))
		}
	}
	term := initial.Term
	for _, each := range initial.Terms {
		term = max(term, each)
	}
	out.Snapshot(0, 0, snapshotData(conf, table, nil))
	out.Compact(0, 0)
	for place, each := range initial.Terms {
		out.Entry(uint64(place)+1, each, entryData(pb.Entry{}))
	}
	out.Cell(cellHardState, hardStateData(pb.HardState{Term: in(term), Commit: in(0)}))
	return ""
}

// The library's storage as the disk tells it, and where nodes are reached.
func load(disk guest.Disk) (*raft.MemoryStorage, addresses, pb.Snapshot) {
	storage := raft.NewMemoryStorage()
	hard := readHardState(disk.Cells[cellHardState])
	var snapshot pb.Snapshot
	table := addresses{}
	if len(disk.Snapshot.Data) > 0 {
		conf, known, _ := readSnapshot(disk.Snapshot.Data)
		table = known
		snapshot = pb.Snapshot{Data: disk.Snapshot.Data}
		snapshot.Metadata = pb.SnapshotMetadata{
			ConfState: conf, Index: in(disk.Snapshot.Through), Term: in(disk.Snapshot.Epoch),
		}
		must(storage.ApplySnapshot(snapshot))
		// A crash between a snapshot and what follows it in a write leaves the older hard state.
		hard.Commit = max(hard.Commit, snapshot.Metadata.Index)
		hard.Term = max(hard.Term, snapshot.Metadata.Term)
	}
	entries := make([]pb.Entry, 0, len(disk.Entries))
	fits := disk.Base == disk.Snapshot.Through
	for place, entry := range disk.Entries {
		index := disk.Base + uint64(place) + 1
		if index == disk.Snapshot.Through {
			fits = entry.Epoch == disk.Snapshot.Epoch
		}
		if index > disk.Snapshot.Through && fits {
			entries = append(entries, readEntry(index, entry))
		}
	}
	must(storage.Append(entries))
	must(storage.SetHardState(hard))
	return storage, table, snapshot
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// What two nodes must agree on about an entry: its type, and what it says.
func entryData(entry pb.Entry) []byte {
	return append([]byte{byte(entry.Type)}, entry.Data...)
}

func readEntry(index uint64, entry guest.Entry) pb.Entry {
	data := entry.Data[1:]
	if len(data) == 0 {
		data = nil
	}
	return pb.Entry{Type: pb.EntryType(entry.Data[0]), Index: in(index), Term: in(entry.Epoch), Data: data}
}

func hardStateData(hard pb.HardState) []byte {
	var data [24]byte
	binary.LittleEndian.PutUint64(data[0:], hard.Term)
	binary.LittleEndian.PutUint64(data[8:], hard.Vote)
	binary.LittleEndian.PutUint64(data[16:], hard.Commit)
	return data[:]
}

func readHardState(data []byte) (hard pb.HardState) {
	if len(data) == 24 {
		hard.Term = binary.LittleEndian.Uint64(data[0:])
		hard.Vote = binary.LittleEndian.Uint64(data[8:])
		hard.Commit = binary.LittleEndian.Uint64(data[16:])
	}
	return hard
}

// Where nodes are reached. The library knows ids only.
type addresses map[uint32]uint32

func (table addresses) sorted() []uint32 {
	nodes := make([]uint32, 0, len(table))
	for node := range table {
		nodes = append(nodes, node)
	}
	sort.Slice(nodes, func(i, j int) bool { return nodes[i] < nodes[j] })
	return nodes
}

func (table addresses) write(w *guest.Writer) {
	w.Uint32(uint32(len(table)))
	for _, node := range table.sorted() {
		w.Uint32(node)
		w.Uint32(table[node])
	}
}

func readAddresses(r *guest.Reader) addresses {
	table := addresses{}
	for range r.Uint32() {
		node := r.Uint32()
		table[node] = r.Uint32()
	}
	return table
}

// A snapshot's data: who takes part, where they are reached, and the machine's state.
func snapshotData(conf pb.ConfState, table addresses, state []byte) []byte {
	var w guest.Writer
	bytes, err := conf.Marshal()
	must(err)
	w.Bytes(bytes)
	table.write(&w)
	w.Bytes(state)
	return w.Frame
}

func readSnapshot(data []byte) (conf pb.ConfState, table addresses, state []byte) {
	r := guest.Read(data)
	must(conf.Unmarshal(r.Copy()))
	table = readAddresses(r)
	return conf, table, r.Bytes()
}

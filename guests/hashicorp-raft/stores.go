package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strconv"

	"splitbrain/guest"

	"github.com/hashicorp/raft"
)

// Where the disk's cells are that the library names by words.
var cells = map[string]uint32{"CurrentTerm": 0, "LastVoteTerm": 1, "LastVoteCand": 2}

// The library compares this text.
var errNotFound = errors.New("not found")

// disk is the library's stores: what is read comes from memory; what is written is in memory when the disk has it, and the
// goroutine that writes waits until then.
type disk struct {
	out     *guest.Effects
	durable uint64
	waiting []waiting
	cells   map[uint32][]byte
	// Entries after base, in the library's numbers.
	base    uint64
	entries []raft.Log
	// The one snapshot, with what describes it.
	meta raft.SnapshotMeta
	data []byte
}

type waiting struct {
	write uint64
	done  chan struct{}
}

// Issues the write that was put together and waits for it.
func (d *disk) persist() {
	write := d.out.Persist()
	if write <= d.durable {
		return
	}
	done := make(chan struct{})
	d.waiting = append(d.waiting, waiting{write, done})
	<-done
}

func (d *disk) persisted(through uint64) {
	d.durable = through
	for len(d.waiting) > 0 && d.waiting[0].write <= through {
		close(d.waiting[0].done)
		d.waiting = d.waiting[1:]
	}
}

func entryData(entry *raft.Log) []byte { return append([]byte{byte(entry.Type)}, entry.Data...) }

func load(found guest.Disk, out *guest.Effects) *disk {
	d := &disk{out: out, cells: found.Cells}
	if len(found.Snapshot.Data) > 0 {
		d.keep(in(found.Snapshot.Through), in(found.Snapshot.Epoch), found.Snapshot.Data)
		d.base = in(found.Base)
		for place, entry := range found.Entries {
			d.entries = append(d.entries, raft.Log{
				Index: d.base + uint64(place) + 1, Term: in(entry.Epoch),
				Type: raft.LogType(entry.Data[0]), Data: entry.Data[1:],
			})
		}
	}
	return d
}

// What a node's disk holds before its first boot: for a member, a snapshot that names the members.
func format(_ uint32, initial guest.Initial, out *guest.Effects) (refusal string) {
	if !initial.Member || len(initial.Sets) == 0 {
		return ""
	}
	if len(initial.Sets) > 1 {
		return "HashiCorp's raft has no joint configs"
	}
	votes := map[uint32]bool{}
	for _, node := range initial.Sets[0] {
		votes[node] = true
	}
	var configuration raft.Configuration
	for place, node := range initial.Nodes {
		suffrage := raft.Nonvoter
		if votes[node] {
			suffrage = raft.Voter
		}
		configuration.Servers = append(configuration.Servers,
			raft.Server{Suffrage: suffrage, ID: serverID(node), Address: serverAddress(initial.Addresses[place])})
	}
	term := initial.Term
	for _, each := range initial.Terms {
		term = max(term, each)
	}
	out.Snapshot(0, 0, snapshotData(configuration, 1, nil))
	out.Compact(0, 0)
	for place, each := range initial.Terms {
		out.Entry(uint64(place)+1, each, []byte{byte(raft.LogNoop)})
	}
	out.Cell(cells["CurrentTerm"], binary.BigEndian.AppendUint64(nil, in(term)))
	return ""
}

func serverID(node uint32) raft.ServerID { return raft.ServerID(strconv.Itoa(int(node))) }

func serverAddress(address uint32) raft.ServerAddress {
	return raft.ServerAddress(strconv.Itoa(int(address)))
}

func number[T ~string](text T) uint32 {
	number, err := strconv.ParseUint(string(text), 10, 32)
	if err != nil {
		return guest.Nobody
	}
	return uint32(number)
}

func snapshotData(configuration raft.Configuration, index uint64, state []byte) []byte {
	var w guest.Writer
	w.Bytes(raft.EncodeConfiguration(configuration))
	w.Uint64(index)
	w.Bytes(state)
	return w.Frame
}

func (d *disk) keep(index, term uint64, data []byte) {
	r := guest.Read(data)
	configuration := raft.DecodeConfiguration(r.Bytes())
	d.meta = raft.SnapshotMeta{
		Version: raft.SnapshotVersionMax, ID: strconv.FormatUint(index, 10), Index: index, Term: term,
		Configuration: configuration, ConfigurationIndex: r.Uint64(),
	}
	d.data = r.Copy()
	d.meta.Size = int64(len(d.data))
}

// The stable store.

func (d *disk) Set(key, value []byte) error {
	cell, known := cells[string(key)]
	if !known {
		panic("the library has a new key: " + string(key))
	}
	value = bytes.Clone(value)
	d.out.Cell(cell, value)
	d.persist()
	d.cells[cell] = value
	return nil
}

// The term on the disk: the library takes it up when it is there.
func (d *disk) term() uint64 {
	term, _ := d.GetUint64([]byte("CurrentTerm"))
	return term
}

func (d *disk) Get(key []byte) ([]byte, error) {
	if value, found := d.cells[cells[string(key)]]; found {
		return value, nil
	}
	return nil, errNotFound
}

func (d *disk) SetUint64(key []byte, value uint64) error {
	return d.Set(key, binary.BigEndian.AppendUint64(nil, value))
}

func (d *disk) GetUint64(key []byte) (uint64, error) {
	value, err := d.Get(key)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(value), nil
}

// The log store.

func (d *disk) FirstIndex() (uint64, error) {
	if len(d.entries) == 0 {
		return 0, nil
	}
	return d.base + 1, nil
}

func (d *disk) LastIndex() (uint64, error) {
	if len(d.entries) == 0 {
		return 0, nil
	}
	return d.base + uint64(len(d.entries)), nil
}

func (d *disk) GetLog(index uint64, log *raft.Log) error {
	if index <= d.base || index > d.base+uint64(len(d.entries)) {
		return raft.ErrLogNotFound
	}
	*log = d.entries[index-d.base-1]
	return nil
}

func (d *disk) StoreLog(log *raft.Log) error { return d.StoreLogs([]*raft.Log{log}) }

func (d *disk) StoreLogs(logs []*raft.Log) error {
	for _, log := range logs {
		if log.Type == raft.LogConfiguration {
			d.out.Note(noteMembershipAppended)
		}
		d.out.Entry(out(log.Index), out(log.Term), entryData(log))
	}
	d.persist()
	for _, log := range logs {
		if len(d.entries) == 0 {
			// After a snapshot of the leader the log begins anew.
			d.base = log.Index - 1
		}
		d.entries = append(d.entries[:log.Index-d.base-1], *log)
	}
	return nil
}

func (d *disk) DeleteRange(low, high uint64) error {
	last := d.base + uint64(len(d.entries))
	if high >= last && low > d.base+1 {
		d.out.Cut(out(low))
		d.persist()
		d.entries = d.entries[:low-d.base-1]
		return nil
	}
	term := d.meta.Term
	if high > d.base && high <= last {
		term = d.entries[high-d.base-1].Term
	}
	d.out.Compact(out(high), out(term))
	d.persist()
	if high >= last {
		d.entries = nil
	} else {
		d.entries = append([]raft.Log(nil), d.entries[high-d.base:]...)
	}
	d.base = high
	return nil
}

// The snapshot store.

type sink struct {
	bytes.Buffer
	disk        *disk
	index, term uint64
	conf        raft.Configuration
	confIndex   uint64
}

func (d *disk) Create(_ raft.SnapshotVersion, index, term uint64, conf raft.Configuration, confIndex uint64,
	_ raft.Transport) (raft.SnapshotSink, error) {
	return &sink{disk: d, index: index, term: term, conf: conf, confIndex: confIndex}, nil
}

func (s *sink) ID() string { return strconv.FormatUint(s.index, 10) }

func (s *sink) Cancel() error { return nil }

func (s *sink) Close() error {
	data := snapshotData(s.conf, s.confIndex, s.Bytes())
	s.disk.out.Snapshot(out(s.index), out(s.term), data)
	s.disk.persist()
	s.disk.keep(s.index, s.term, data)
	return nil
}

func (d *disk) List() ([]*raft.SnapshotMeta, error) {
	if d.meta.ID == "" {
		return nil, nil
	}
	meta := d.meta
	return []*raft.SnapshotMeta{&meta}, nil
}

func (d *disk) Open(string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	meta := d.meta
	return &meta, io.NopCloser(bytes.NewReader(d.data)), nil
}

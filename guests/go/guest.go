// Package guest makes a Raft that is written in Go a guest of the simulator: a node that answers inputs with effects.
//
// A guest declares itself once, in an init function, with Serve. The simulator then calls it; it keeps no thread, reads
// no clock but time.Now, and no chance but crypto/rand, both of which the simulator answers.
package guest

import (
	"math/rand/v2"
	"os"
	"unsafe"
)

// Version is that of the interface in bytes.
const Version = 1

// What a call's frame begins with.
const (
	callDeclare = iota
	callSettings
	callFormat
	callBoot
	callReceived
	callFired
	callPersisted
	callProposed
	callRead
	callChange
	callTransfer
	callSnapshotTaken
)

// The timer that fires when the first deadline of the goroutines has come.
const wake = 255

// Node is a running process of a protocol.
type Node interface {
	// Received: a message arrived from a node, whose address is source. To is whom the sender meant.
	Received(from, source, to uint32, message []byte)
	// Fired: a declared timer ran out.
	Fired(timer byte)
	// Persisted: all writes through this number are durable.
	Persisted(through uint64)
	// Proposed: a client asks to append a command. It is the node's to keep.
	Proposed(request uint64, command []byte)
	// ReadRequested: a client asks to read the machine; Serve answers when it is recent enough.
	ReadRequested(request uint64)
	// ChangeRequested: an operator asks for a change of the members.
	ChangeRequested(request uint64, change Change)
	// TransferRequested: an operator asks that another node leads.
	TransferRequested(request uint64, to uint32)
	// SnapshotTaken: the machine's state through an index that was applied, for compaction of the log.
	SnapshotTaken(through uint64, state []byte)
	// Status is asked for after each of the others.
	Status() Status
}

// Protocol is what a guest is.
type Protocol struct {
	// Declaration in lines; see the interface's page.
	Declaration string
	// CheckSettings says which setting is refused and what was expected; two empty texts otherwise.
	CheckSettings func(Settings) (name, expected string)
	// Format writes what a node's disk holds before its first boot, or says why it cannot.
	Format func(id uint32, initial Initial, out *Effects) (refusal string)
	// Boot starts a process on what its disk holds.
	Boot func(boot Boot, out *Effects) Node
	// Threads says that the library has goroutines and timers of its own: each call lasts until all of them wait.
	Threads bool
}

// Initial is what a node begins with.
type Initial struct {
	// Member says whether there is a first membership; Sets, Nodes and Addresses are empty otherwise.
	Member bool
	// Sets of voters, each of which must agree.
	Sets [][]uint32
	// Nodes are all that take part, and Addresses where each is reached.
	Nodes, Addresses []uint32
	// Terms of the log's entries from index 1 on.
	Terms []uint64
	// Term on the disk.
	Term uint64
}

// Entry is an entry of the log on the disk.
type Entry struct {
	Epoch uint64
	Data  []byte
}

// Disk is what a node finds at boot.
type Disk struct {
	// Cells by number.
	Cells map[uint32][]byte
	// Snapshot, if Through is not 0 or there is data.
	Snapshot struct {
		Through, Epoch uint64
		Data           []byte
	}
	// Base is the index before the first entry, BaseEpoch the epoch of the entry there.
	Base, BaseEpoch uint64
	Entries         []Entry
}

// Boot is what a process is started with.
type Boot struct {
	ID          uint32
	Incarnation uint64
	// Entropy is the only source of chance beside crypto/rand; equal for equal seed, node and boot.
	Entropy  uint64
	Settings Settings
	Disk     Disk
}

// How a change is to be made.
const (
	// ChangeAsSet leaves it to the settings.
	ChangeAsSet = iota
	// ChangeSimple is one entry.
	ChangeSimple
	// ChangeEnterJoint goes into a joint config and stays there.
	ChangeEnterJoint
	// ChangeLeaveJoint leaves it.
	ChangeLeaveJoint
)

// What a step of a change does.
const (
	StepAddVoter = iota
	StepAddLearner
	StepRemove
)

// Step is one node's part of a change.
type Step struct {
	Kind          byte
	Node, Address uint32
}

// Change is a change of members: from those in force to those wanted, one step for each node whose part changes.
type Change struct {
	How   byte
	Steps []Step
}

var (
	protocol Protocol
	node     Node
	effects  Effects
	input    = make([]byte, 1<<16)
	idle     *os.File
)

// Serve declares the protocol of this guest. To be called from an init function.
func Serve(declared Protocol) { protocol = declared }

// The place for the next frame; it may move when a longer one is announced.
//
//go:wasmexport splitbrain_input
func splitbrainInput(length uint32) uint32 {
	if int(length) > len(input) {
		input = make([]byte, length)
	}
	return uint32(uintptr(unsafe.Pointer(&input[0])))
}

// Answers the frame in the input, with the answer's place in the upper and its length in the lower half.
//
//go:wasmexport splitbrain_call
func splitbrainCall(length uint32) uint64 {
	effects.w.Frame = effects.w.Frame[:0]
	answer(Reader{input[:length]})
	frame := effects.w.Frame
	if len(frame) == 0 {
		return 0
	}
	return uint64(uintptr(unsafe.Pointer(&frame[0])))<<32 | uint64(len(frame))
}

func answer(r Reader) {
	out := &effects
	switch r.Byte() {
	case callDeclare:
		out.w.Frame = append(out.w.Frame, protocol.Declaration...)
		return
	case callSettings:
		if name, expected := protocol.CheckSettings(readSettings(r.Text())); name != "" {
			out.w.Frame = append(out.w.Frame, name+"\n"+expected...)
		}
		return
	case callFormat:
		format(&r, out)
		return
	case callBoot:
		*out = Effects{w: out.w}
		boot := readBoot(&r)
		// All processes are copies of one that began once, and so is what the runtime draws the order of maps and of ready
		// channels from: each process goes on from another place in it.
		for range boot.Entropy % 1024 {
			rand.Uint64()
		}
		node = protocol.Boot(boot, out)
	case callReceived:
		from, source, to := r.Uint32(), r.Uint32(), r.Uint32()
		node.Received(from, source, to, r.Bytes())
	case callFired:
		if timer := r.Byte(); timer != wake {
			node.Fired(timer)
		}
	case callPersisted:
		node.Persisted(r.Uint64())
	case callProposed:
		request := r.Uint64()
		node.Proposed(request, r.Copy())
	case callRead:
		node.ReadRequested(r.Uint64())
	case callChange:
		request := r.Uint64()
		node.ChangeRequested(request, readChange(&r))
	case callTransfer:
		request := r.Uint64()
		node.TransferRequested(request, r.Uint32())
	case callSnapshotTaken:
		through := r.Uint64()
		node.SnapshotTaken(through, r.Copy())
	default:
		panic("a call that this version of the interface does not have")
	}
	if protocol.Threads {
		untilAllWait()
	}
	out.status(node.Status())
}

// Gives way until no goroutine can go on. The simulator answers a read of this descriptor then, and not before.
func untilAllWait() {
	if idle == nil {
		idle = os.NewFile(3, "idle")
	}
	var nothing [1]byte
	if _, err := idle.Read(nothing[:]); err != nil {
		panic(err)
	}
}

func format(r *Reader, out *Effects) {
	id := r.Uint32()
	initial := Initial{Member: r.Byte() != 0}
	initial.Sets = make([][]uint32, r.Uint32())
	for place := range initial.Sets {
		initial.Sets[place] = r.nodes()
	}
	initial.Nodes, initial.Addresses = r.nodes(), r.nodes()
	initial.Terms = make([]uint64, r.Uint32())
	for place := range initial.Terms {
		initial.Terms[place] = r.Uint64()
	}
	initial.Term = r.Uint64()
	*out = Effects{w: out.w}
	refusal := protocol.Format(id, initial, out)
	out.w.Frame = out.w.Frame[:0]
	out.w.Text(refusal)
	if refusal == "" {
		out.Persist()
	}
}

func readBoot(r *Reader) Boot {
	boot := Boot{ID: r.Uint32(), Incarnation: r.Uint64(), Entropy: r.Uint64()}
	boot.Settings = readSettings(r.Text())
	disk := &boot.Disk
	disk.Cells = map[uint32][]byte{}
	for range r.Uint32() {
		number := r.Uint32()
		disk.Cells[number] = r.Copy()
	}
	disk.Snapshot.Through, disk.Snapshot.Epoch = r.Uint64(), r.Uint64()
	disk.Snapshot.Data = r.Copy()
	disk.Base, disk.BaseEpoch = r.Uint64(), r.Uint64()
	disk.Entries = make([]Entry, r.Uint32())
	for place := range disk.Entries {
		epoch := r.Uint64()
		disk.Entries[place] = Entry{epoch, r.Copy()}
	}
	return boot
}

func readChange(r *Reader) Change {
	change := Change{How: r.Byte(), Steps: make([]Step, r.Uint32())}
	for place := range change.Steps {
		kind, node := r.Byte(), r.Uint32()
		change.Steps[place] = Step{kind, node, r.Uint32()}
	}
	return change
}

package guest

import "encoding/binary"

// Reader takes values from the front of a frame. A frame that is too short is a mistake of the host, and a panic.
type Reader struct{ rest []byte }

// Byte takes one byte.
func (r *Reader) Byte() byte {
	value := r.rest[0]
	r.rest = r.rest[1:]
	return value
}

// Uint32 takes four bytes, least significant first.
func (r *Reader) Uint32() uint32 {
	value := binary.LittleEndian.Uint32(r.rest)
	r.rest = r.rest[4:]
	return value
}

// Uint64 takes eight bytes, least significant first.
func (r *Reader) Uint64() uint64 {
	value := binary.LittleEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return value
}

// Bytes takes a length and that many bytes, which stay the frame's: the next call overwrites them.
func (r *Reader) Bytes() []byte {
	length := r.Uint32()
	value := r.rest[:length:length]
	r.rest = r.rest[length:]
	return value
}

// Copy takes a length and that many bytes, and keeps them.
func (r *Reader) Copy() []byte { return append([]byte(nil), r.Bytes()...) }

// Text takes a length and a text of that many bytes.
func (r *Reader) Text() string { return string(r.Bytes()) }

func (r *Reader) nodes() []uint32 {
	nodes := make([]uint32, r.Uint32())
	for place := range nodes {
		nodes[place] = r.Uint32()
	}
	return nodes
}

func (r *Reader) addresses() map[uint32]uint32 {
	count := r.Uint32()
	addresses := make(map[uint32]uint32, count)
	for range count {
		node := r.Uint32()
		addresses[node] = r.Uint32()
	}
	return addresses
}

// Writer puts values at the end of a frame.
type Writer struct{ Frame []byte }

// Byte puts one byte.
func (w *Writer) Byte(value byte) { w.Frame = append(w.Frame, value) }

// Uint32 puts four bytes, least significant first.
func (w *Writer) Uint32(value uint32) { w.Frame = binary.LittleEndian.AppendUint32(w.Frame, value) }

// Uint64 puts eight bytes, least significant first.
func (w *Writer) Uint64(value uint64) { w.Frame = binary.LittleEndian.AppendUint64(w.Frame, value) }

// Bytes puts a length and the bytes.
func (w *Writer) Bytes(value []byte) {
	w.Uint32(uint32(len(value)))
	w.Frame = append(w.Frame, value...)
}

// Text puts a length and the bytes of a text.
func (w *Writer) Text(value string) {
	w.Uint32(uint32(len(value)))
	w.Frame = append(w.Frame, value...)
}

func (w *Writer) nodes(nodes []uint32) {
	w.Uint32(uint32(len(nodes)))
	for _, node := range nodes {
		w.Uint32(node)
	}
}

// Read reads a frame of the guest's own.
func Read(frame []byte) *Reader { return &Reader{frame} }

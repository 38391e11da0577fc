package guest

import (
	"strconv"
	"strings"
)

// Settings of a scenario: what it says for every protocol, and options by name. Times are in nanoseconds.
type Settings struct {
	ElectionMin, ElectionMax, Heartbeat uint64
	// Priority lists who should rather lead, most wanted first.
	Priority []uint32
	// Options in the order of their names.
	Options []Option
}

// Option is a protocol's own setting. Its value is a switch, a number, a time or a word.
type Option struct {
	Name string
	// Kind is 's' for a switch, 'n' for a number, 't' for nanoseconds, 'w' for a word.
	Kind   byte
	Number uint64
	Word   string
}

// Switch reads an option that is on or off.
func (o Option) Switch() (on, ok bool) { return o.Number == 1, o.Kind == 's' }

// Count reads a number of at least 1.
func (o Option) Count() (count uint64, ok bool) { return o.Number, o.Kind == 'n' && o.Number > 0 }

func readSettings(text string) Settings {
	var settings Settings
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		number, _ := strconv.ParseUint(value, 10, 64)
		switch name {
		case "election-min":
			settings.ElectionMin = number
		case "election-max":
			settings.ElectionMax = number
		case "heartbeat":
			settings.Heartbeat = number
		case "priority":
			settings.Priority = append(settings.Priority, uint32(number))
		default:
			option := Option{Name: strings.TrimPrefix(name, "option "), Kind: value[0], Word: value[1:]}
			option.Number, _ = strconv.ParseUint(value[1:], 10, 64)
			settings.Options = append(settings.Options, option)
		}
	}
	return settings
}

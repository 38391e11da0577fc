// Porcupine itself on one history of the grid, read from the standard input: one operation a line, as
// "process call return kind first second output". Prints the CPU seconds of the check over all threads, and the verdict;
// "gave up" after as many CPU seconds as the argument says, however long that takes on a loaded machine.
//
// Build with `go build` in this folder; the example `grid` runs it with `--go benches/porcupine/porcupine-bench`.
package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/anishathalye/porcupine"
)

type input struct {
	kind          string
	first, second int64
}

// What came back; an unknown outcome fits everywhere.
type output struct {
	unknown, ok bool
	value       int64
}

var model = porcupine.Model{
	Init: func() interface{} { return int64(-1) },
	Step: func(state, in, out interface{}) (bool, interface{}) {
		held, asked, told := state.(int64), in.(input), out.(output)
		switch asked.kind {
		case "r":
			return told.unknown || told.value == held, held
		case "w":
			return true, asked.first
		}
		if told.unknown {
			if held == asked.first {
				return true, asked.second
			}
			return true, held
		}
		if told.ok {
			return held == asked.first, asked.second
		}
		return held == told.value && held != asked.first, held
	},
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return value
}

func cpu() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func main() {
	var operations []porcupine.Operation
	scanner := bufio.NewScanner(os.Stdin)
	for scanner.Scan() {
		words := strings.Fields(scanner.Text())
		out := output{unknown: words[6] == "?", ok: words[6] == "ok"}
		if !out.unknown && !out.ok {
			out.value = number(words[6])
		}
		operations = append(operations, porcupine.Operation{
			ClientId: int(number(words[0])), Call: number(words[1]), Return: number(words[2]),
			Input: input{words[3], number(words[4]), number(words[5])}, Output: out,
		})
	}
	// No more memory than the others get: the process ends, and the cell says so.
	limit := syscall.Rlimit{Cur: 3 << 30, Max: 3 << 30}
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	patience := float64(number(os.Args[1]))
	best, verdict := math.Inf(1), porcupine.Unknown
	for turn := 0; turn < 5 && best > 0 && (turn == 0 || best < 0.02); turn++ {
		start := cpu()
		done := make(chan porcupine.CheckResult, 1)
		go func() { done <- porcupine.CheckOperationsTimeout(model, operations, 0) }()
		for decided := false; !decided; {
			select {
			case verdict = <-done:
				decided = true
			case <-time.After(20 * time.Millisecond):
				if cpu()-start > patience {
					fmt.Printf("%.6f gave up\n", cpu()-start)
					return
				}
			}
		}
		best = math.Min(best, cpu()-start)
	}
	names := map[porcupine.CheckResult]string{porcupine.Ok: "yes", porcupine.Illegal: "no", porcupine.Unknown: "gave up"}
	fmt.Printf("%.6f %s\n", best, names[verdict])
}

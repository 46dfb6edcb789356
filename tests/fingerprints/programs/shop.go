package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"sync"
)
//PAD
var id string
var depth int
var other bool

type OrderError struct{ text string }

func (e *OrderError) Error() string { return e.text }

type Order struct{ next *Order; n int }
type Cart struct{ prices map[string]int; order *Order }

func (c *Cart) Total() int { return c.order.n }
//PAD
func (c *Cart) Add() { c.prices["x"] = 1 }
func (c *Cart) Item(i int) int { return []int{1, 2}[i] }
func (c *Cart) Check() { panic(&OrderError{"order " + id + " was lost on the way"}) }
func (c Cart) Each() {
	sort.Slice([]int{2, 1}, func(i, j int) bool { panic("item " + id) })
}

type Invoice struct{ any }

//PAD
func (v *Invoice) Check() { panic(&OrderError{"invoice " + id + " is paid"}) }
func (v *Invoice) Cast() string { return v.any.(string) }
func (v *Invoice) Zero(n int) int { return 10 / n }
func find(what string) {
	if what == "a" {
//PAD
		panic(errors.New("cart " + id + " is closed"))
	}
	panic(errors.New("cart " + id + " has another owner"))
}
func generic[T any](x []T, at int) T { return x[at] }
func mustParse(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(fmt.Errorf("bad amount: %w", err))
	}
	return n
}
func rethrown() {
	defer func() {
		r := recover()
//PAD
		panic(r)
	}()
	new(Invoice).Check()
}
func library() { json.Unmarshal([]byte("{}"), nil); reflect.ValueOf(1).SetInt(2) }
func walk(f func(int)) { for i := 0; i < 2; i++ { f(i) } }

// The compiler puts it into its callers, whose names its closures then bear.
func nested() { walk(func(int) { walk(func(int) { panic("nested " + id) }) }) }
func nestedFurtherOut() { nested() }
func closedChannel() { c := make(chan int); close(c); close(c) }
func inGoroutine(f func()) {
	var wait sync.WaitGroup
	wait.Add(1)
	go func() { defer wait.Done(); guarded(current, f) }()
	wait.Wait()
}

// Errors without a panic: only whoever records them has a stack.
func notFound() error { return fmt.Errorf("load cart: %w", errors.New("no row for order "+id)) }
//PAD
func refused() error { return fmt.Errorf("connect to port %d: connection refused", 5000+len(id)) }

var current string
//PAD
var faults = []struct {
	name string
	f    func()
}{
	{"nil", func() { new(Cart).Total() }},
	{"nil-map", func() { new(Cart).Add() }},
	{"index", func() { new(Cart).Item(2 + len(id)) }},
	{"cart-check", func() { new(Cart).Check() }},
	{"invoice-check", func() { if other { rethrown() } else { new(Invoice).Check() } }},
	{"each", func() { Cart{}.Each() }},
	{"cast", func() { (&Invoice{7}).Cast() }},
	{"zero", func() { new(Invoice).Zero(len(id) - len(id)) }},
	{"find", func() { if other { find("b") } else { find("a") } }},
	{"generic", func() { if other { generic([]string{}, 3) } else { generic([]int{}, 3) } }},
	{"parse", func() { mustParse("x" + id) }},
	{"library", func() { library() }},
	{"nested", func() { if other { nestedFurtherOut() } else { nested() } }},
	{"channel", func() { closedChannel() }},
	{"literal-1", func() { panic("no stock for order " + id) }},
	{"literal-2", func() { panic("no address of user " + id) }},
}
var recorded = map[string]func() error{"not-found": notFound, "refused": refused}

func deeper(n int, f func()) {
	if n == 0 {
		f()
		return
	}
	deeper(n-1, f)
}
func emit(name, kind, message, stack string) {
	enc := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	fmt.Println(strings.Join([]string{name, enc(kind), enc(message), enc(stack)}, "\t"))
}
func guarded(name string, f func()) {
	defer func() {
		r := recover()
		emit(name, fmt.Sprintf("%T", r), fmt.Sprint(r), string(debug.Stack()))
	}()
	deeper(depth, f)
}
func record(name string, err error) { emit(name, fmt.Sprintf("%T", err), err.Error(), string(debug.Stack())) }
func recordFurtherOut(name string, err error) { record(name, err) }

func main() {
	id = os.Args[1]
	depth, _ = strconv.Atoi(os.Args[2])
	other = os.Args[3] == "other"
	if len(os.Args) > 4 { // uncaught: the runtime prints the stack and ends the process
		for _, fault := range faults {
			if fault.name == os.Args[4] {
				deeper(depth, fault.f)
			}
		}
	}
	for _, fault := range faults {
		current = fault.name
		if other {
			inGoroutine(fault.f)
		} else {
			guarded(fault.name, fault.f)
		}
	}
	for name, f := range recorded {
		if other {
			recordFurtherOut(name, f())
		} else {
			record(name, f())
		}
	}
}

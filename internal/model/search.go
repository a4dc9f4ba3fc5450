// Package model searches small models of the project's protocols for violations. A model
// lists all steps that can happen next, and the search tries them in every order, within
// the model's bounds. Only tests use it; it is no part of the library.
package model

import (
	"fmt"
	"strings"
)

// A Step leads from one state to the next.
type Step[S comparable] struct {
	To   S
	What string  // a format for Args
	Args [4]int8 // the arguments; unused ones are 0
}

// A System is a model within bounds.
type System[S comparable] struct {
	Start S
	Next  func(S) []Step[S]
	// Violation returns which promise is broken in a state, or "".
	Violation func(S) string
	// Show returns what a trace prints of a state, or is nil.
	Show func(S) string
}

// A Result is the outcome of a search.
type Result struct {
	States    int
	Violation string   // "" where no promise is broken
	Trace     []string // the shortest list of steps that leads to the violation
	Complete  bool     // whether all states within the bounds were visited
}

// String returns the violation with its trace, or the size of the search.
func (r Result) String() string {
	if r.Violation == "" {
		return fmt.Sprintf("no violation in %d states", r.States)
	}
	return fmt.Sprintf("after %d states: %s\n\t%s", r.States, r.Violation, strings.Join(r.Trace, "\n\t"))
}

// Search visits all states in breadth-first order, so the first violation that it finds
// has the shortest trace. It stops after limit states.
func (sys System[S]) Search(limit int) Result {
	seen := map[S]struct{}{sys.Start: {}}
	states := []S{sys.Start}
	parents := []int32{-1}
	for i := 0; i < len(states); i++ {
		if v := sys.Violation(states[i]); v != "" {
			return Result{States: len(states), Violation: v, Trace: sys.trace(states, parents, i)}
		}
		if len(states) > limit {
			return Result{States: len(states)}
		}
		for _, step := range sys.Next(states[i]) {
			if _, ok := seen[step.To]; !ok {
				seen[step.To] = struct{}{}
				states, parents = append(states, step.To), append(parents, int32(i))
			}
		}
	}
	return Result{States: len(states), Complete: true}
}

// trace returns the steps from the start to state number last.
func (sys System[S]) trace(states []S, parents []int32, last int) []string {
	var path []S
	for i := int32(last); i >= 0; i = parents[i] {
		path = append([]S{states[i]}, path...)
	}
	var lines []string
	for i := range path[1:] {
		for _, step := range sys.Next(path[i]) {
			if step.To == path[i+1] {
				lines = append(lines, fmt.Sprintf("%d. %s", i+1, sys.describe(step)))
				break
			}
		}
	}
	return lines
}

// describe returns the text of a step, with what is shown of the state after it.
func (sys System[S]) describe(step Step[S]) string {
	args := make([]any, strings.Count(step.What, "%"))
	for i := range args {
		args[i] = step.Args[i]
	}
	text := fmt.Sprintf(step.What, args...)
	if sys.Show == nil {
		return text
	}
	return text + "   [" + sys.Show(step.To) + "]"
}

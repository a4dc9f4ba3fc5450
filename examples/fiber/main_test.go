package main

import (
	"testing"

	"github.com/jwtgate/gate/internal/exampletest"
)

func TestMain(m *testing.M) { exampletest.Main(m) }

func TestAPI(t *testing.T) { exampletest.API(t) }

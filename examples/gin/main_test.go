package main

import (
	"testing"

	"github.com/jwtgate/gate/internal/exampletest"
)

func TestMain(m *testing.M) { exampletest.Main(m) }

func TestSite(t *testing.T) { exampletest.Site(t) }

module github.com/jwtgate/gate/examples/echo

go 1.26.0

require (
	github.com/jwtgate/gate v0.1.0
	github.com/jwtgate/gate/adapters/gateecho v0.1.0
	github.com/labstack/echo/v5 v5.4.4
)

require (
	github.com/go-json-experiment/json v0.0.0-20260820222146-c27c302e5fc3 // indirect
	golang.org/x/time v0.15.0 // indirect
)

replace (
	github.com/jwtgate/gate => ../..
	github.com/jwtgate/gate/adapters/gateecho => ../../adapters/gateecho
)

module github.com/jwtgate/gate/examples/graphql

go 1.26.0

require (
	github.com/coder/websocket v1.8.15
	github.com/graph-gophers/graphql-go v1.11.0
	github.com/jwtgate/gate v0.1.0
)

require github.com/go-json-experiment/json v0.0.0-20260820222146-c27c302e5fc3 // indirect

replace github.com/jwtgate/gate => ../..

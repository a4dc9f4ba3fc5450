module github.com/jwtgate/gate/examples/grpc

go 1.26.0

require (
	github.com/jwtgate/gate v0.1.0
	github.com/jwtgate/gate/adapters/gategrpc v0.1.0
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261110000943-09e21b237f2c
	google.golang.org/grpc v1.85.0
	google.golang.org/protobuf v1.36.12
)

require (
	github.com/go-json-experiment/json v0.0.0-20260820222146-c27c302e5fc3 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/text v0.42.0 // indirect
)

replace (
	github.com/jwtgate/gate => ../..
	github.com/jwtgate/gate/adapters/gategrpc => ../../adapters/gategrpc
)

module github.com/jwtgate/gate/examples/connect

go 1.26.0

require (
	connectrpc.com/connect v1.21.1
	github.com/jwtgate/gate v0.1.0
	github.com/jwtgate/gate/adapters/gateconnect v0.1.0
	github.com/rs/cors v1.11.1
	golang.org/x/oauth2 v0.38.0
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261110000943-09e21b237f2c
	google.golang.org/protobuf v1.36.12
)

require github.com/go-json-experiment/json v0.0.0-20260820222146-c27c302e5fc3 // indirect

replace (
	github.com/jwtgate/gate => ../..
	github.com/jwtgate/gate/adapters/gateconnect => ../../adapters/gateconnect
)

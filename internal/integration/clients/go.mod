module github.com/jwtgate/gate/internal/integration/clients

go 1.26.0

require (
	github.com/jwtgate/gate v0.1.0
	golang.org/x/oauth2 v0.38.0
)

require github.com/go-json-experiment/json v0.0.0-20260820222146-c27c302e5fc3 // indirect

replace github.com/jwtgate/gate => ../../..

module github.com/jwtgate/gate/internal/integration/flask

go 1.26.0

require (
	github.com/jwtgate/gate v0.1.0
	github.com/redis/rueidis v1.0.79
)

require (
	github.com/go-json-experiment/json v0.0.0-20260820222146-c27c302e5fc3 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

replace github.com/jwtgate/gate => ../../..

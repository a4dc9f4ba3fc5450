// Command own is a service that keeps revoked tokens in Redis.
package main

import (
	"log"
	"net/http"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys"
	"github.com/jwtgate/gate/stores/gateredis"
	"github.com/redis/rueidis"
)

func main() {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"localhost:6379"}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	store, err := gateredis.New(client, gateredis.Options{})
	if err != nil {
		log.Fatal(err)
	}
	key, err := keys.Generate(keys.EdDSA)
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Config{Keys: key, Blocklist: store})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/", g.Require(gate.Policy{})(http.NotFoundHandler()))
	log.Fatal(http.ListenAndServe("localhost:8080", nil))
}

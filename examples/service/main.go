// Command service is an API for orders. It creates no tokens: it accepts those of the
// company's own login service, those of staff from Microsoft Entra, and those of customers
// from Keycloak, by the keys that the three publish. It has no key that signs, and no user
// of one issuer can reach the orders of another's.
//
//	service -entra https://login.microsoftonline.com/TENANT/v2.0 -entra-client ID -keycloak https://keycloak.example/realms/shop
//
// The lines about authentication end in "// auth".
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/keys/jwks"
	"github.com/jwtgate/gate/oidc"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done, and then lets requests under way finish.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("service", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on; port 0 picks a free one")
	loginKeys := flags.String("login-keys", "https://login.example/jwks.json", "`URL` of the keys of https://login.example")
	entra := flags.String("entra", "https://login.microsoftonline.com/TENANT/v2.0", "`name` of the tenant of Microsoft Entra, as in iss")
	staffApp := flags.String("entra-client", "", "`ID` of the application of the staff in Entra")
	keycloak := flags.String("keycloak", "https://keycloak.example/realms/shop", "`name` of the realm of Keycloak, as in iss")
	shopApp := flags.String("keycloak-client", "shop", "`ID` of the application of the customers in Keycloak")
	dev := flags.Bool("dev", false, "accept issuers on this machine, by http")
	if err := flags.Parse(args); err != nil {
		return err
	}
	fetch := jwks.Options{InsecureLoopback: *dev} // auth
	login, err := jwks.New(*loginKeys, fetch)     // auth
	if err != nil {
		return err
	}
	staff, err := oidc.Discover(ctx, *entra, oidc.Options{Audiences: []string{"api://orders"}, Profile: oidc.EntraV2().Only("azp", *staffApp), Keys: fetch}) // auth
	if err != nil {
		return err
	}
	customers, err := oidc.Discover(ctx, *keycloak, oidc.Options{Audiences: []string{"orders"}, Profile: oidc.Keycloak().Only("azp", *shopApp), Keys: fetch}) // auth
	if err != nil {
		return err
	}
	customers.FreshFor = 15 * time.Minute                                                                                                              // auth
	handler, err := newHandler(gate.Issuer{Name: "https://login.example", Keys: login, Audiences: []string{"orders"}, IsGate: true}, staff, customers) // auth
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "listening on http://%s\n", ln.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		late, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(late)
	}()
	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// newHandler returns the routes: reading and writing orders, for users who may, and deleting
// them all, for those who have just logged in.
func newHandler(issuers ...gate.Issuer) (http.Handler, error) { // auth
	g, err := gate.New(gate.Config{Issuers: issuers}) // auth
	if err != nil {
		return nil, err
	}
	s := &shop{orders: make(map[owner][]order)}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", g.Require(gate.Policy{Scopes: []string{"orders:read"}})(http.HandlerFunc(s.list)))  // auth
	mux.Handle("POST /orders", g.Require(gate.Policy{Scopes: []string{"orders:write"}})(http.HandlerFunc(s.add))) // auth
	mux.Handle("DELETE /orders", g.Require(gate.Policy{Fresh: true})(http.HandlerFunc(s.drop)))                   // auth
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := g.Ready(r.Context()); err != nil { // auth
			http.Error(w, "the keys of an issuer cannot be had", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	return mux, nil
}

// owner is a user. The same subject of two issuers is two users.
type owner struct{ issuer, subject string }

func ownerOf(r *http.Request) owner {
	t, _ := gate.FromContext(r.Context())       // auth
	return owner{t.VerifiedIssuer(), t.Subject} // auth
}

type order struct {
	Item string `json:"item"`
}

// shop keeps orders in memory.
type shop struct {
	mu     sync.Mutex
	orders map[owner][]order
}

func (s *shop) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	list := append([]order{}, s.orders[ownerOf(r)]...)
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, list)
}

func (s *shop) add(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&o); err != nil || o.Item == "" {
		writeJSON(w, http.StatusBadRequest, map[string]string{"msg": "Send an order as JSON, such as {\"item\": \"bread\"}"})
		return
	}
	s.mu.Lock()
	s.orders[ownerOf(r)] = append(s.orders[ownerOf(r)], o)
	s.mu.Unlock()
	writeJSON(w, http.StatusCreated, o)
}

func (s *shop) drop(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	delete(s.orders, ownerOf(r))
	s.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}

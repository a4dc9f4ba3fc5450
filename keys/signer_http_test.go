package keys_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jwtgate/gate/keys"
)

// kms signs with a key on the other side of HTTP.
type kms struct {
	url    string
	public crypto.PublicKey
}

type order struct {
	Digest []byte
	Hash   crypto.Hash
}

func (k *kms) Public() crypto.PublicKey { return k.public }

func (k *kms) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.SignContext(context.Background(), rand, digest, opts)
}

func (k *kms) SignContext(ctx context.Context, _ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	body := must(json.Marshal(order{digest, opts.HashFunc()}))
	req := must(http.NewRequestWithContext(ctx, "POST", k.url, bytes.NewReader(body)))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("kms: status %d", res.StatusCode)
	}
	return io.ReadAll(res.Body)
}

var _ keys.ContextSigner = (*kms)(nil)

// signing is the other side, with the private key.
func signing(key crypto.Signer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var o order
		if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Write(must(key.Sign(rand.Reader, o.Digest, o.Hash)))
	}
}

func hanging(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestFromSignerHTTP(t *testing.T) {
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	for _, tt := range []struct {
		name    string
		alg     keys.Algorithm
		key     crypto.Signer
		handler http.HandlerFunc
		want    string
		limit   time.Duration // 0 is a minute
	}{
		{"RSA", keys.RS256, rsaKey(), signing(rsaKey()), "", 0},
		{"EC", keys.ES256, p256Key, signing(p256Key), "", 0},
		{"Ed25519", keys.EdDSA, edKey, signing(edKey), "", 0},
		{"slow", keys.ES256, p256Key, hanging, "deadline exceeded", 300 * time.Millisecond},
		{"failing", keys.ES256, p256Key, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "status 500", 0},
		{"down", keys.ES256, p256Key, nil, "refused", 0},
		{"another key", keys.ES256, p256Key, signing(other), `keys.Key(ES256 "") returned a signature that does not belong`, 0},
		{"another kind of key", keys.RS256, rsaKey(), signing(p256Key), "does not belong", 0},
		{"no signature", keys.ES256, p256Key, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }, "malformed", 0},
		{"nothing", keys.EdDSA, edKey, func(http.ResponseWriter, *http.Request) {}, "does not belong", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(tt.handler)
			defer srv.Close()
			if tt.handler == nil {
				srv.Close()
			}
			k := must(keys.FromSigner(tt.alg, &kms{srv.URL, tt.key.Public()}))
			ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(tt.limit, time.Minute))
			defer cancel()
			sig, err := k.AppendSignature(ctx, []byte("before"), []byte("x.y"))
			if tt.want == "" {
				if err != nil || !bytes.HasPrefix(sig, []byte("before")) || !k.Verify("x.y", string(sig[6:])) {
					t.Errorf("signature = %s, %v", sig, err)
				}
				return
			}
			if err == nil || !bytes.Contains([]byte(err.Error()), []byte(tt.want)) || tt.limit > 0 && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("signature = %x, %v, want an error with %q", sig, err, tt.want)
			}
		})
	}
}

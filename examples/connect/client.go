package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/oauth2"

	"github.com/jwtgate/gate/session"
)

// login is an oauth2.TokenSource. It uses the refresh token, and logs in when there is none
// or the service does not accept it.
type login struct {
	url, name string
	refresh   string // the refresh token, after the first login
}

// Token implements oauth2.TokenSource.
func (l *login) Token() (*oauth2.Token, error) {
	status, b, err := 0, session.Body{}, error(nil)
	if l.refresh != "" {
		status, b, err = post(l.url+"/auth/refresh", "application/json", fmt.Sprintf(`{"refresh_token":%q}`, l.refresh))
	}
	if l.refresh == "" || status == http.StatusUnauthorized {
		status, b, err = post(l.url+"/login", "application/x-www-form-urlencoded", url.Values{"name": {l.name}}.Encode())
	}
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("login: status %d", status)
	}
	if err != nil {
		return nil, err
	}
	l.refresh = cmp.Or(b.RefreshToken, l.refresh)
	return &oauth2.Token{AccessToken: b.AccessToken, Expiry: time.Now().Add(time.Duration(b.ExpiresIn) * time.Second)}, nil
}

func post(url, contentType, body string) (status int, b session.Body, err error) {
	resp, err := http.Post(url, contentType, strings.NewReader(body))
	if err != nil {
		return 0, b, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		err = json.NewDecoder(resp.Body).Decode(&b)
	}
	return resp.StatusCode, b, err
}

// newClient returns a client whose requests have a token that is always a new one.
func newClient(address, name string) *http.Client {
	tokens := oauth2.ReuseTokenSourceWithExpiry(nil, &login{url: address, name: name}, time.Second)
	return &http.Client{Transport: &oauth2.Transport{Source: tokens}}
}

// run adds notes, and prints all notes until its token is no longer accepted.
func run(ctx context.Context, address, name string, add []string, out io.Writer) error {
	client := newClient(address, name)
	for _, note := range add {
		c := connect.NewClient[text, empty](client, address+notes+"Add")
		if _, err := c.CallUnary(ctx, connect.NewRequest(&text{Value: note})); err != nil {
			return err
		}
	}
	stream, err := connect.NewClient[empty, text](client, address+notes+"Watch").CallServerStream(ctx, connect.NewRequest(&empty{}))
	if err != nil {
		return err
	}
	defer stream.Close()
	for stream.Receive() {
		fmt.Fprintln(out, stream.Msg().Value)
	}
	return stream.Err()
}

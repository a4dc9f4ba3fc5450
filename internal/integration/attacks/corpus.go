// Package attacks reads and builds the attack corpus: tokens, requests and configurations,
// each with the expected result. Its test runs the corpus against the gate. Fuzz targets
// use the corpus as seeds.
package attacks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// A Corpus is one file of cases, all built at one instant of a fixed clock.
type Corpus struct {
	Now     int64                      `json:"now"`
	Configs map[string]TokenConfig     `json:"configs"`
	Keys    map[string]json.RawMessage `json:"keys"`
	Tokens  map[string]json.RawMessage `json:"tokens"`
	Entries []Entry                    `json:"entries"`
}

// TokenConfig is what a gate is told about the tokens of a case.
type TokenConfig struct {
	Algorithm string `json:"algorithm"`
	Key       string `json:"key"`
	Issuer    string `json:"issuer"`
	Audience  string `json:"audience"`
}

// An Entry is one case. Its parts are decoded when they are used, so that a part
// nobody knows fails that case alone.
type Entry struct {
	ID       string          `json:"id"`
	Title    string          `json:"title"`
	Layer    string          `json:"layer"`
	Note     string          `json:"note"`
	Config   json.RawMessage `json:"config"`
	Token    json.RawMessage `json:"token"`
	Request  json.RawMessage `json:"request"`
	Expected json.RawMessage `json:"expected"`
	MustNot  []string        `json:"mustNot"`
}

// Expected is what has to come of a case. Outcome alone is binding.
type Expected struct {
	Outcome    string `json:"outcome"`
	ErrorClass string `json:"errorClass"`
	HTTPStatus int    `json:"httpStatus"`
	Identity   string `json:"identity"`
}

// Token says how a token is built.
type Token struct {
	Raw            *string   `json:"raw"`
	HeaderText     *string   `json:"headerText"`
	HeaderHex      string    `json:"headerHex"`
	PayloadText    *string   `json:"payloadText"`
	PayloadHex     string    `json:"payloadHex"`
	Signature      Signature `json:"signature"`
	Edits          []Edit    `json:"edits"`
	SignAfterEdits bool      `json:"signAfterEdits"`
}

// Signature says how the third segment comes about.
type Signature struct {
	Mode      string `json:"mode"`
	Alg       string `json:"alg"`
	Key       string `json:"key"`
	SecretB64 string `json:"secretB64"`
	B64url    string `json:"b64url"`
	Transform string `json:"transform"`
	PSSSalt   *int   `json:"pssSalt"`
	Over      *struct {
		HeaderText  string `json:"headerText"`
		PayloadText string `json:"payloadText"`
	} `json:"over"`
}

// Edit changes the text of a segment (0, 1, 2) or of the whole token.
type Edit struct {
	Segment any    `json:"segment"`
	Op      string `json:"op"`
	Text    string `json:"text"`
	At      int    `json:"at"`
	Old     string `json:"old"`
	New     string `json:"new"`
	To      int    `json:"to"`
	By      int    `json:"by"`
}

// Load reads a corpus from a file.
func Load(path string) (*Corpus, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := new(Corpus)
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Strict decodes text and refuses members that v does not know, so that a case
// which asks for something new fails instead of passing for another reason.
func Strict(text json.RawMessage, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// Compact builds the token that text describes.
func (c *Corpus) Compact(text json.RawMessage) (string, error) {
	var t Token
	if err := Strict(text, &t); err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	if t.Raw != nil {
		return c.Expand(*t.Raw)
	}
	return c.build(&t)
}

// Payload returns the payload of the token that text describes, before any edit,
// and nil for a token that is given raw.
func (c *Corpus) Payload(text json.RawMessage) ([]byte, error) {
	var t Token
	if err := Strict(text, &t); err != nil || t.Raw != nil {
		return nil, err
	}
	return c.octets(t.PayloadText, t.PayloadHex)
}

package writers_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5/middleware"
)

// stepwise reads an answer that the handler sends in steps: each step must come before
// the handler is let go on.
func stepwise(t *testing.T, resp *http.Response, step chan<- struct{}, want ...string) {
	t.Helper()
	lines := bufio.NewScanner(resp.Body)
	for _, w := range want {
		for lines.Scan() && strings.TrimSpace(lines.Text()) == "" {
		}
		if got := lines.Text(); got != w {
			t.Fatalf("line %q, want %q (%v)", got, w, lines.Err())
		}
		step <- struct{}{}
	}
}

func init() { gin.SetMode(gin.ReleaseMode) }

func TestGinStream(t *testing.T) {
	step := make(chan struct{})
	e := gin.New()
	e.GET("/", func(c *gin.Context) {
		n := 0
		c.Stream(func(w io.Writer) bool {
			n++
			_, _ = io.WriteString(w, strings.Repeat("x", n)+"\n")
			c.Writer.Flush()
			<-step
			return n < 3
		})
	})
	resp := newSite(t, e, overHTTP1).do(t, "GET", nil)
	checkRenewed(t, resp.Header)
	stepwise(t, resp, step, "x", "xx", "xxx")
}

func TestGinServerSentEvents(t *testing.T) {
	step := make(chan struct{})
	e := gin.New()
	e.GET("/", func(c *gin.Context) {
		for range 2 {
			c.SSEvent("", "tick")
			c.Writer.Flush()
			<-step
		}
	})
	resp := newSite(t, e, overHTTP1).do(t, "GET", nil)
	if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		t.Errorf("Content-Type: %s", got)
	}
	checkRenewed(t, resp.Header)
	stepwise(t, resp, step, "data:tick", "data:tick")
}

// chi's wrapper inside of Renew finds the server's methods, and keeps them.
func TestChiWrapper(t *testing.T) {
	var has []string
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		if _, ok := ww.(http.Flusher); ok {
			has = append(has, "Flush")
		}
		if _, ok := ww.(http.Hijacker); ok {
			has = append(has, "Hijack")
		}
		if _, ok := ww.(io.ReaderFrom); ok {
			has = append(has, "ReadFrom")
		}
		_, _ = io.Copy(ww, strings.NewReader("hello"))
		if ww.BytesWritten() != 5 {
			has = append(has, "lost bytes")
		}
	}), overHTTP1)
	resp := s.do(t, "GET", nil)
	if body := string(must(io.ReadAll(resp.Body))); body != "hello" || strings.Join(has, " ") != "Flush Hijack ReadFrom" {
		t.Errorf("body %q, methods %q", body, has)
	}
	checkRenewed(t, resp.Header)
}

func TestResponseController(t *testing.T) {
	var failed error
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, soon := http.NewResponseController(w), time.Now().Add(time.Minute)
		failed = errors.Join(c.SetReadDeadline(soon), c.SetWriteDeadline(soon), c.EnableFullDuplex(), c.Flush())
		conn, rw, err := c.Hijack()
		if failed = errors.Join(failed, err); failed == nil {
			_, _ = rw.WriteString("5\r\nhello\r\n0\r\n\r\n") // the header went out with Flush
			_ = rw.Flush()
			_ = conn.Close()
		}
	}), overHTTP1)
	resp := s.do(t, "GET", nil)
	checkRenewed(t, resp.Header)
	if body, err := io.ReadAll(resp.Body); string(body) != "hello" || failed != nil {
		t.Errorf("body %q, %v; the handler: %v", body, err, failed)
	}
}

// HTTP/2 has no connection to take, and can push.
func TestHTTP2(t *testing.T) {
	step := make(chan struct{})
	var wrong []string
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(http.Hijacker); ok || r.ProtoMajor != 2 {
			wrong = append(wrong, "Hijacker, or "+r.Proto)
		}
		if _, ok := w.(http.Pusher); !ok {
			wrong = append(wrong, "no Pusher")
		}
		for _, line := range []string{"a\n", "b\n"} {
			_, _ = io.WriteString(w, line)
			w.(http.Flusher).Flush()
			<-step
		}
	}), overHTTP2)
	resp := s.do(t, "GET", nil)
	if resp.ProtoMajor != 2 {
		t.Fatalf("the answer came over %s", resp.Proto)
	}
	checkRenewed(t, resp.Header)
	stepwise(t, resp, step, "a", "b")
	if len(wrong) > 0 {
		t.Errorf("the handler's writer: %q", wrong)
	}
}

// A file that is sent goes through ReadFrom, by which the kernel copies it.
func TestSentFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, bytes.Repeat([]byte("0123456789"), 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(io.ReaderFrom); !ok {
			http.Error(w, "no ReaderFrom", 500)
			return
		}
		http.ServeFile(w, r, path)
	}), overHTTP1)
	resp := s.do(t, "GET", nil)
	checkRenewed(t, resp.Header)
	if n := len(must(io.ReadAll(resp.Body))); resp.StatusCode != 200 || n != 1_000_000 {
		t.Errorf("%s, %d bytes", resp.Status, n)
	}
}

// An upload of 40 MiB is kept in files while the handler reads it, and in none after.
func TestUpload(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	during := 0
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		during = len(must(os.ReadDir(dir)))
		f, header, err := r.FormFile("file")
		if err != nil || header.Size != 40<<20 {
			http.Error(w, "file is not whole", 400)
			return
		}
		_ = f.Close()
	})
	for name, start := range map[string]func(*httptest.Server){"HTTP/1": overHTTP1, "HTTP/2": overHTTP2} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, h, start)
			body, contentType := upload()
			resp := s.do(t, "POST", body, "Content-Type", contentType, "X-CSRF-TOKEN", s.csrf)
			text := must(io.ReadAll(resp.Body))
			s.Close() // waits for the request's end
			if left := len(must(os.ReadDir(dir))); resp.StatusCode != 200 || during != 1 || left != 0 {
				t.Errorf("%s %s: %d files while reading, want 1; %d left, want 0", resp.Status, text, during, left)
			}
		})
	}
}

// upload is a form with a file of 40 MiB.
func upload() (io.Reader, string) {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		part, err := form.CreateFormFile("file", "large.bin")
		chunk := make([]byte, 1<<20)
		for range 40 {
			if err == nil {
				_, err = part.Write(chunk)
			}
		}
		_ = w.CloseWithError(errors.Join(err, form.Close())) // nil is the end
	}()
	return r, form.FormDataContentType()
}
